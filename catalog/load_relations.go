package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// userVisible is the condition on pg_class c and pg_namespace n that leaves out TOAST and temporary relations of other
// sessions.
const userVisible = `c.relkind IN ('r','p','v','m','f','c','S','i','I')
	AND n.nspname <> 'pg_toast'
	AND (c.relpersistence <> 't' OR n.oid = pg_catalog.pg_my_temp_schema())`

const relationsSQL = `
	SELECT c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text, c.relkind::pg_catalog.text, c.reltype, c.reloftype,
	       c.relpersistence = 't'
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE %s AND ` + userVisible + `
	ORDER BY c.oid`

func readRelations(ctx context.Context, q Querier, which selection) (out []*Relation, err error) {
	err = forEach(ctx, q, which.in(relationsSQL, "c.oid"), which.args, func(rows pgx.Rows) error {
		r := new(Relation)
		var kind string
		if err := rows.Scan(&r.OID, &r.Schema, &r.Name, &kind, &r.RowType, &r.OfType, &r.Temp); err != nil {
			return err
		}
		r.Kind = Kind(kind[0])
		out = append(out, r)
		return nil
	})
	return out, err
}

// Columns of indexes cannot be named by a statement and are left out.
const columnsSQL = `
	SELECT a.attrelid, a.attnum, a.attname::pg_catalog.text, a.atttypid, a.atttypmod, pg_catalog.format_type(a.atttypid, a.atttypmod),
	       a.attnotnull, a.atthasdef, a.attidentity::pg_catalog.text, a.attgenerated::pg_catalog.text = 's', a.attinhcount::pg_catalog.int4, a.attacl IS NOT NULL
	FROM pg_catalog.pg_attribute a
	JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE %s AND a.attnum > 0 AND NOT a.attisdropped
	  AND c.relkind NOT IN ('i','I') AND ` + userVisible + `
	ORDER BY a.attrelid, a.attnum`

func readColumns(ctx context.Context, q Querier, relations map[OID]*Relation, which selection) error {
	return forEach(ctx, q, which.in(columnsSQL, "a.attrelid"), which.args, func(rows pgx.Rows) error {
		var rel OID
		var col Column
		var identity string
		if err := rows.Scan(&rel, &col.Num, &col.Name, &col.Type, &col.Typmod, &col.TypeName,
			&col.NotNull, &col.Default, &identity, &col.Stored, &col.Inherited, &col.Granted); err != nil {
			return err
		}
		if identity != "" {
			col.Identity = identity[0]
		}
		if r := relations[rel]; r != nil { // else made since the relations were read
			r.Columns = append(r.Columns, col)
		}
		return nil
	})
}

const inheritanceSQL = `
	SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits
	WHERE %s ORDER BY inhrelid, inhseqno`

func readInheritance(ctx context.Context, q Querier, relations map[OID]*Relation, which selection) error {
	return forEach(ctx, q, which.in(inheritanceSQL, "inhrelid"), which.args, func(rows pgx.Rows) error {
		var child, parent OID
		if err := rows.Scan(&child, &parent); err != nil {
			return err
		}
		c, p := relations[child], relations[parent]
		if c == nil || p == nil {
			return nil
		}
		c.Parents = append(c.Parents, parent)
		p.Children = append(p.Children, child)
		return nil
	})
}
