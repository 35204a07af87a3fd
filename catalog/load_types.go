package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// A true array is told by its length and element as get_element_type (lsyscache.c) did before PostgreSQL 14; later
// versions agree on everything that they ship. Multiranges came with 14.
const (
	typesSQL = `
	SELECT t.oid, n.nspname::pg_catalog.text, t.typname::pg_catalog.text, t.typrelid, t.typbasetype,
	       CASE WHEN t.typlen = -1 AND t.typelem <> 0 THEN t.typelem ELSE 0::pg_catalog.oid END, r.subtype
	FROM pg_catalog.pg_type t
	JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
	CROSS JOIN LATERAL (SELECT coalesce((SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngtypid = t.oid), `
	multirangeSQL = `(SELECT rngtypid FROM pg_catalog.pg_range WHERE rngmultitypid = t.oid), `
	typesSQLEnd   = `0::pg_catalog.oid) AS subtype) AS r
	WHERE %s AND n.nspname <> 'pg_toast'
	  AND (t.oid >= 16384 OR t.typtype IN ('c','d','r','m') OR t.typlen = -1 AND t.typelem <> 0)
	ORDER BY t.oid`
)

func readTypes(ctx context.Context, q Querier, version int, which selection) (out []*Type, err error) {
	sql := typesSQL + typesSQLEnd
	if version >= 140000 {
		sql = typesSQL + multirangeSQL + typesSQLEnd
	}
	err = forEach(ctx, q, which.in(sql, "t.oid"), which.args, func(rows pgx.Rows) error {
		t := new(Type)
		if err := rows.Scan(&t.OID, &t.Schema, &t.Name, &t.Relation, &t.Base, &t.Elem, &t.Subtype); err != nil {
			return err
		}
		out = append(out, t)
		return nil
	})
	return out, err
}
