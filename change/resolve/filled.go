package resolve

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// What runs for every row that is filled runs as the role of the instance: triggers, rules, CHECKs, indexes, generated columns and
// the keys of partitions. It is looked at before a change begins, and again before each batch of rows: whoever owns the table can
// add some of it at any time.

// writing is the condition that whoever writes the table c trusts a role with it: one that may do as much, or the table's owner,
// but for a superuser.
func writing(role string) string {
	return "(" + trusts(role) + " OR " + role + " = c.relowner AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user))"
}

// foreignTriggers lists the triggers that would fire for rows of the table $1 that are filled, and run what others have made; and
// the rules that would put something in the place of the statement that fills them, whoever has made them. $2 says whether the
// session is a replica, in which only some fire. Segue's own triggers are told by their functions: anybody who may make a trigger
// may give it any name. See TRIGGER_TYPE_UPDATE in pg_trigger.h, and matchLocks in rewriteHandler.c.
var foreignTriggers = `
WITH fires (state) AS (VALUES ('A'::pg_catalog."char"), (CASE WHEN $2::pg_catalog.bool THEN 'R'::pg_catalog."char" ELSE 'O' END))
SELECT 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' on ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
WHERE g.tgrelid = $1 AND NOT g.tgisinternal AND g.tgtype::pg_catalog.int4 & 16 <> 0 AND g.tgenabled IN (SELECT state FROM fires)
	AND NOT ` + writing("p.proowner") + `
UNION ALL SELECT pg_catalog.pg_describe_object('pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 0) || ' takes the place of an UPDATE'
FROM pg_catalog.pg_rewrite w WHERE w.ev_class = $1 AND w.ev_type = '2' AND w.ev_enabled IN (SELECT state FROM fires) ORDER BY 1`

// foreignCode lists what would run for every row of the tables $1 that is filled, and uses functions, operators or types of roles
// that are not trusted. Statistics are among it because the planner evaluates what is constant in them.
var foreignCode = `
WITH RECURSIVE runs (class, oid, sub, relation) AS (
	SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, 0, conrelid FROM pg_catalog.pg_constraint WHERE conrelid = ANY ($1) AND contype IN ('c', 'x')
	UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, 0, indrelid FROM pg_catalog.pg_index WHERE indrelid = ANY ($1)
	UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, oid, 0, stxrelid FROM pg_catalog.pg_statistic_ext WHERE stxrelid = ANY ($1)
	UNION ALL SELECT g.class, g.oid, g.sub, f.adrelid FROM pg_catalog.pg_attrdef f
		JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '',
		LATERAL (VALUES ('pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid, 0), ('pg_catalog.pg_class'::pg_catalog.regclass, f.adrelid, f.adnum)) AS g (class, oid, sub)
		WHERE f.adrelid = ANY ($1) AND (g.sub = 0 OR pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 150000) -- before which the column itself depends on it
	UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, k.relid, 0, k.relid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS t (oid),
		pg_catalog.pg_partition_ancestors(t.oid) AS k JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = k.relid),
uses AS (
	SELECT DISTINCT d.classid, d.objid, d.objsubid, c.relowner, d.refclassid, d.refobjid
	FROM runs JOIN pg_catalog.pg_depend d ON d.classid = runs.class AND d.objid = runs.oid AND d.objsubid = runs.sub JOIN pg_catalog.pg_class c ON c.oid = runs.relation
	WHERE d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)),
` + madeOf(`SELECT refobjid, pg_catalog.pg_describe_object(classid, objid, objsubid) || ' uses ' FROM uses WHERE refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass`) + `
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) || ' calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
FROM uses d JOIN LATERAL (SELECT d.relowner) AS c ON true JOIN pg_catalog.pg_proc p ON p.oid = ` + calledBy + ` WHERE NOT ` + writing("p.proowner") + `
UNION SELECT message FROM foreign_type ORDER BY 1`

// foreignCode adds it to what stands against a change of the table.
func (t *table) foreignCode(found []error) ([]error, error) {
	rows, err := t.tx.Query(t.ctx, foreignCode, t.tree)
	if err != nil {
		return nil, err
	}
	more, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (error, error) {
		p := &Problem{Direction: "table", Hint: "it would run for every row that is filled, as the role of the instance; give what it uses to the role of the instance, or to one that may do as much"}
		return p, row.Scan(&p.Message)
	})
	return append(found, more...), err
}

// Strange locks a table as writing does, so that nothing can be added that runs for its rows, and lists what would run for rows
// that are filled and belongs to roles that may do less than the current one. quiet says whether the session is a replica.
func Strange(ctx context.Context, tx pgx.Tx, table uint32, name change.Name, quiet bool) (found []string, err error) {
	all := &pgx.Batch{} // one way to the server, as every batch of rows has it
	all.Queue("LOCK TABLE ONLY " + name.SQL() + " IN ROW EXCLUSIVE MODE")
	look := func(rows pgx.Rows) error {
		more, err := pgx.CollectRows(rows, pgx.RowTo[string])
		found = append(found, more...)
		return err
	}
	all.Queue("SET LOCAL plan_cache_mode = force_generic_plan") // the plan takes longer to make than to run
	all.Queue(foreignTriggers, table, quiet).Query(look)
	all.Queue(foreignCode, []uint32{table}).Query(look)
	all.Queue("SET LOCAL plan_cache_mode = auto")
	err = tx.SendBatch(ctx, all).Close()
	return found, err
}
