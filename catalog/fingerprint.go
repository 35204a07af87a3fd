package catalog

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// fingerprintSQL hashes what Load reads of user objects; for SessionChangers and Makers, that is, the versions of the rows that say
// who calls whom. Sums of hashes do not depend on the order of rows and need no
// sort. Temporary relations are left out: they come and go, and sessions know their own.
const fingerprintSQL = `
	SELECT pg_catalog.md5(pg_catalog.concat_ws(' ',
		pg_catalog.current_setting('server_version_num'),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', nspname, oid), 0))) FROM pg_catalog.pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_'),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', relname, relnamespace, relkind, reltype, reloftype), oid::pg_catalog.int8)))
		 FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind <> 't' AND relpersistence <> 't'),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated, a.attinhcount, a.attacl IS NOT NULL),
			a.attrelid::pg_catalog.int8)))
		 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
		 WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind NOT IN ('t','i','I') AND c.relpersistence <> 't'),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', inhparent, inhseqno), inhrelid::pg_catalog.int8))) FROM pg_catalog.pg_inherits),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', proname, pronamespace, prorettype, proretset, proargtypes, proargmodes, proargnames, proallargtypes, xmin),
			oid::pg_catalog.int8))) FROM pg_catalog.pg_proc WHERE oid >= 16384),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', kind, "on", xmin), oid::pg_catalog.int8)))
		 FROM (SELECT 't', oid, tgrelid, xmin FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
		       UNION ALL SELECT 'r', oid, ev_class, xmin FROM pg_catalog.pg_rewrite WHERE oid >= 16384
		       UNION ALL SELECT 'd', oid, adrelid, xmin FROM pg_catalog.pg_attrdef
		       UNION ALL SELECT 'p', oid, polrelid, xmin FROM pg_catalog.pg_policy
		       UNION ALL SELECT 'e', oid, evtfoid, xmin FROM pg_catalog.pg_event_trigger
		       UNION ALL SELECT 'o', oid, 0, xmin FROM pg_catalog.pg_operator WHERE oid >= 16384
		       UNION ALL SELECT 'k', oid, 0, xmin FROM pg_catalog.pg_cast WHERE oid >= 16384
		       UNION ALL SELECT 'c', oid, conrelid, xmin FROM pg_catalog.pg_constraint WHERE oid >= 16384 AND contype IN ('c', 'f')
		      ) users(kind, oid, "on", xmin)),
		(SELECT pg_catalog.concat(pg_catalog.count(*), ':', pg_catalog.sum(pg_catalog.hashtextextended(
			pg_catalog.concat_ws('.', t.typname, t.typnamespace, t.typrelid, t.typbasetype, t.typelem), t.oid::pg_catalog.int8)))
		 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
		 WHERE t.oid >= 16384 AND n.nspname !~ '^pg_(toast|temp)')))`

// Fingerprint is a cheap hash of everything that Load reads of user objects: it changes when DDL changes a relation, a
// column, inheritance, a function or a type, and not otherwise.
func Fingerprint(ctx context.Context, q Querier) (string, error) {
	var out string
	err := forEach(ctx, q, fingerprintSQL, nil, func(rows pgx.Rows) error { return rows.Scan(&out) })
	if err != nil {
		return "", fmt.Errorf("cannot take the fingerprint of the catalog: %w", err)
	}
	return out, nil
}
