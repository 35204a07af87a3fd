package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The upstream's role is often the owner of everything, or a superuser, and whatever code hangs on a table that it touches
// runs with its rights. So before anything in schema segue is touched, the catalogs are asked whether all of it is of its
// own making. Only superusers are trusted besides: they need no schema segue to run what they like.

// guardSchema is nil when there is no schema segue, or all of it belongs to the current role and no code hangs on it. It
// reads nothing but system catalogs.
func guardSchema(ctx context.Context, db DB) error {
	var owner, me *string
	var mine bool
	err := db.QueryRow(ctx, `
		SELECT pg_catalog.quote_ident(o.rolname), pg_catalog.quote_ident(me.rolname), o.oid = me.oid OR o.rolsuper AND me.rolsuper
		FROM pg_catalog.pg_namespace n
		JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
		JOIN pg_catalog.pg_roles me ON me.rolname = current_user
		WHERE n.nspname = 'segue'`).Scan(&owner, &me, &mine)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("cannot look for schema segue: %w", err)
	case !mine:
		return fmt.Errorf("schema segue belongs to another role, %s, and what it holds would run with the rights of %s; connect as %s, or, "+
			"if %s should not have made it, and no instance of Segue keeps a live migration there, remove it: DROP SCHEMA segue CASCADE", *owner, *me, *owner, *owner)
	}
	rows, err := db.Query(ctx, foreignInSchema)
	if err != nil {
		return fmt.Errorf("cannot look at what is in schema segue: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	switch {
	case err != nil:
		return fmt.Errorf("cannot look at what is in schema segue: %w", err)
	case len(found) > 0:
		return fmt.Errorf("schema segue holds what Segue has not made, and it would run with the rights of %s: %s; nothing in the schema was "+
			"touched: find out who has made it, remove it, and start again", *me, listed(found))
	}
	return nil
}

// listed is the beginning of a list.
func listed(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// foreignInSchema lists what is in schema segue, or hangs on its tables, and may run somebody else's code.
//
//   - everything with an owner that is neither the current role nor a superuser;
//   - a view or the like in the place of a table;
//   - triggers, rules, policies and row security, which are not among what Segue makes;
//   - heirs and parents of its tables, and foreign keys that point to them from elsewhere, whose triggers would run;
//   - whatever in a default, a constraint, an index or a column calls a function or uses a type that is not PostgreSQL's own:
//     on what is its own nothing depends (isObjectPinned).
const foreignInSchema = `
WITH s AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'segue'),
trusted AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper OR rolname = current_user),
r AS (SELECT c.oid, c.relname, c.relkind, c.relrowsecurity FROM pg_catalog.pg_class c, s WHERE c.relnamespace = s.oid),
owned(class, oid, owner) AS (
	SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, relowner FROM pg_catalog.pg_class c, s WHERE relnamespace = s.oid AND relkind <> 't'
	UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, c.oid, proowner FROM pg_catalog.pg_proc c, s WHERE pronamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.oid, typowner FROM pg_catalog.pg_type c, s WHERE typnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, c.oid, oprowner FROM pg_catalog.pg_operator c, s WHERE oprnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, c.oid, opcowner FROM pg_catalog.pg_opclass c, s WHERE opcnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, c.oid, opfowner FROM pg_catalog.pg_opfamily c, s WHERE opfnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, c.oid, collowner FROM pg_catalog.pg_collation c, s WHERE collnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, c.oid, conowner FROM pg_catalog.pg_conversion c, s WHERE connamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, c.oid, stxowner FROM pg_catalog.pg_statistic_ext c, s WHERE stxnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, c.oid, cfgowner FROM pg_catalog.pg_ts_config c, s WHERE cfgnamespace = s.oid
	UNION ALL SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, c.oid, dictowner FROM pg_catalog.pg_ts_dict c, s WHERE dictnamespace = s.oid),
parts(class, oid) AS (
	SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, oid FROM r
	UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid FROM pg_catalog.pg_attrdef d JOIN r ON r.oid = adrelid
	UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid FROM pg_catalog.pg_constraint c JOIN r ON r.oid = conrelid)
SELECT pg_catalog.pg_describe_object(class, oid, 0) || ' of role ' || pg_catalog.pg_get_userbyid(owner) AS what
FROM owned WHERE owner NOT IN (SELECT oid FROM trusted)
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, oid, 0) FROM r
	WHERE relkind NOT IN ('r', 'i', 'S', 't') AND relname IN ('format', 'epoch', 'migration', 'transition', 'attempt', 'instance', 'usage', 'backfill', 'audit', 'holder', 'names', 'change', 'conflict')
UNION SELECT 'row security of ' || pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, oid, 0) FROM r WHERE relrowsecurity
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0)
	FROM pg_catalog.pg_trigger t JOIN r ON r.oid = tgrelid WHERE NOT tgisinternal
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 0)
	FROM pg_catalog.pg_rewrite w JOIN r ON r.oid = ev_class WHERE r.relkind NOT IN ('v', 'm')
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0) FROM pg_catalog.pg_policy p JOIN r ON r.oid = polrelid
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, inhrelid, 0) || ', which inherits from ' ||
		pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, inhparent, 0)
	FROM pg_catalog.pg_inherits JOIN r ON r.oid IN (inhrelid, inhparent)
UNION SELECT pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0)
	FROM pg_catalog.pg_constraint c JOIN r ON r.oid = confrelid WHERE conrelid NOT IN (SELECT oid FROM r)
UNION SELECT pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) || ', which is used by ' ||
		pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
	FROM pg_catalog.pg_depend d JOIN parts ON d.classid = parts.class AND d.objid = parts.oid
	WHERE d.refclassid NOT IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass,
		'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_am'::pg_catalog.regclass)
	AND d.deptype <> 'e'
ORDER BY 1`
