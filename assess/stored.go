package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// A storedObject is one of which it is asked what it shows.
type storedObject struct {
	rewrite.StoredObject
	about    Object
	triggers map[catalog.OID][]Object // of a function: those that call it, by table
}

// storedObjects reads all of them: functions, views, rules, policies, constraints, indexes, and conditions of triggers.
func storedObjects(ctx context.Context, db DB, after *rules.Snapshot) ([]storedObject, error) {
	functions, err := storedFunctions(ctx, db)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, storedSQL, numbers(after.Tables))
	if err != nil {
		return nil, fmt.Errorf("cannot read what the database stores: %w", err)
	}
	objects, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o storedObject, err error) {
		return o, row.Scan(&o.about.Kind, &o.about.Name, &o.SQL)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read what the database stores: %w", err)
	}
	return append(functions, objects...), nil
}

// ofUsers is what is no member of an extension and in no schema of the system; %s is the catalog.
const ofUsers = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'segue') AND n.nspname NOT LIKE 'pg\_toast%%' AND n.nspname NOT LIKE 'pg\_temp%%'
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend x
		                WHERE x.classid = 'pg_catalog.%[1]s'::pg_catalog.regclass AND x.objid = %[2]s.oid AND x.deptype = 'e')`

// storedSQL lists what is no function, as its kind, its name and a statement with its SQL. $1 are the tables whose names change:
// indexes and constraints can show names of their own table only.
var storedSQL = fmt.Sprintf(`
	WITH relation AS MATERIALIZED (
		SELECT c.oid, c.relkind, c.oid::pg_catalog.regclass::pg_catalog.text AS name
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND %s)
	SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, name, pg_catalog.pg_get_viewdef(oid)
	FROM relation WHERE relkind IN ('v', 'm')
	UNION ALL
	SELECT 'rule', pg_catalog.quote_ident(r.rulename) || ' on ' || name, pg_catalog.pg_get_ruledef(r.oid)
	FROM pg_catalog.pg_rewrite r JOIN relation c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'
	UNION ALL
	SELECT 'policy', pg_catalog.quote_ident(p.polname) || ' on ' || name,
	       pg_catalog.concat_ws('; ', 'SELECT ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ' FROM ' || name,
	                            'SELECT ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ' FROM ' || name)
	FROM pg_catalog.pg_policy p JOIN relation c ON c.oid = p.polrelid
	UNION ALL
	SELECT 'constraint', pg_catalog.quote_ident(k.conname) || ' on ' || name,
	       'SELECT ' || pg_catalog.pg_get_expr(k.conbin, k.conrelid) || ' FROM ' || name
	FROM pg_catalog.pg_constraint k JOIN relation c ON c.oid = k.conrelid WHERE k.contype = 'c' AND k.conrelid = ANY ($1::pg_catalog.oid[])
	UNION ALL
	SELECT 'index', i.indexrelid::pg_catalog.regclass::pg_catalog.text || ' on ' || name,
	       pg_catalog.concat_ws('; ', 'SELECT ' || pg_catalog.pg_get_expr(i.indexprs, i.indrelid) || ' FROM ' || name,
	                            'SELECT ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid) || ' FROM ' || name)
	FROM pg_catalog.pg_index i JOIN relation c ON c.oid = i.indrelid
	WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND i.indrelid = ANY ($1::pg_catalog.oid[])
	UNION ALL
	SELECT 'generated column', name || '.' || pg_catalog.quote_ident(a.attname),
	       'SELECT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ' FROM ' || name
	FROM pg_catalog.pg_attrdef d JOIN relation c ON c.oid = d.adrelid
	JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
	WHERE a.attgenerated <> '' AND d.adrelid = ANY ($1::pg_catalog.oid[])
	UNION ALL
	SELECT 'condition of trigger', pg_catalog.quote_ident(t.tgname) || ' on ' || name, pg_catalog.pg_get_triggerdef(t.oid)
	FROM pg_catalog.pg_trigger t JOIN relation c ON c.oid = t.tgrelid
	WHERE t.tgqual IS NOT NULL AND NOT t.tgisinternal AND t.tgrelid = ANY ($1::pg_catalog.oid[])`,
	fmt.Sprintf(ofUsers, "pg_class", "c"))

// storedFunctions reads the functions and procedures in languages that can be read, and the triggers that call them.
func storedFunctions(ctx context.Context, db DB) ([]storedObject, error) {
	rows, err := db.Query(ctx, fmt.Sprintf(`
		SELECT p.oid, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::pg_catalog.regprocedure::pg_catalog.text,
		       pg_catalog.pg_get_functiondef(p.oid), p.proname::pg_catalog.text, l.lanname::pg_catalog.text, p.prosrc,
		       p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype,
		       ARRAY(SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid AND NOT t.tgisinternal ORDER BY t.oid),
		       ARRAY(SELECT pg_catalog.quote_ident(t.tgname) || ' on ' || t.tgrelid::pg_catalog.regclass::pg_catalog.text
		             FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid AND NOT t.tgisinternal ORDER BY t.oid)
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p') AND %s`, fmt.Sprintf(ofUsers, "pg_proc", "p")))
	if err != nil {
		return nil, fmt.Errorf("cannot read the functions: %w", err)
	}
	functions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o storedObject, err error) {
		f := &rewrite.StoredFunction{}
		var oid uint32
		var tables []uint32
		var triggers []string
		if err := row.Scan(&oid, &o.about.Kind, &o.about.Name, &f.Definition, &f.Name, &f.Language, &f.Source, &f.Trigger, &tables, &triggers); err != nil {
			return o, err
		}
		o.OID, o.Function, o.triggers = catalog.OID(oid), f, map[catalog.OID][]Object{}
		for i, table := range tables {
			table := catalog.OID(table)
			if !slices.Contains(f.Tables, table) {
				f.Tables = append(f.Tables, table)
			}
			o.triggers[table] = append(o.triggers[table], Object{Trigger, triggers[i]})
		}
		return o, nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the functions: %w", err)
	}
	return functions, nil
}
