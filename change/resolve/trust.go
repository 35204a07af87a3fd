package resolve

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// What the triggers of a change run, they run as the role of the instance, and so does every row that is filled. So it must be
// nobody's who may do less: whoever owns a function can put another body into it, and whoever owns a domain another CHECK.

const hintGive = "its owner could change what it does; give it to the owner of the table"

// trusts is the condition that a role may do all that the current one may: it is that one, a member of it, or a superuser.
func trusts(role string) string {
	return "(SELECT r.rolsuper OR pg_catalog.pg_has_role(r.oid, current_user, 'USAGE') FROM pg_catalog.pg_roles r WHERE r.oid = " + role + ")"
}

// strange says what of an expression belongs to a role that is not trusted, or nothing.
func (u *uses) strange() (message, hint string) {
	for _, f := range u.functions {
		if f.schema != "pg_catalog" && !f.trusted {
			return fmt.Sprintf("it calls %s.%s, which belongs to another role", f.schema, f.name), hintGive
		}
	}
	if len(u.foreign) > 0 {
		return "it uses " + u.foreign[0], hintGive
	}
	return "", ""
}

// foreignTypes lists the types whose values run code of roles that are not trusted. $1 are types; those that they are made of
// count, too. Of an enum or a base type nothing runs that a role could have made which is no superuser.
var foreignTypes = `
WITH RECURSIVE made(oid) AS (SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION SELECT part FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid
	CROSS JOIN LATERAL (SELECT y.typbasetype UNION ALL SELECT y.typelem
		UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE y.oid = g.rngtypid
		UNION ALL SELECT d.refobjid FROM pg_catalog.pg_depend d WHERE y.typtype = 'm' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = y.oid
			AND d.refclassid = d.classid) AS parts (part) WHERE part <> 0)
SELECT 'the type ' || y.oid::pg_catalog.regtype::pg_catalog.text || ', which belongs to another role'
FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid WHERE y.typtype IN ('d', 'r', 'm') AND NOT ` + trusts("y.typowner") + `
UNION SELECT 'the type ' || y.oid::pg_catalog.regtype::pg_catalog.text || ', whose CHECK calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid JOIN pg_catalog.pg_constraint k ON k.contypid = y.oid
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid WHERE NOT ` + trusts("p.proowner") + ` ORDER BY 1`

// foreign notes the types of an expression that run code of others.
func (r *resolver) foreign(u *uses, types []uint32) error {
	found, err := r.foreignTypes(types)
	u.foreign = found
	return err
}

func (r *resolver) foreignTypes(types []uint32) ([]string, error) {
	rows, err := r.tx.Query(r.ctx, foreignTypes, types)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the types: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// writing is the condition that whoever writes the table c trusts a role with it: one that may do as much, or the table's owner,
// but for a superuser.
func writing(role string) string {
	return "(" + trusts(role) + " OR " + role + " = c.relowner AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user))"
}

// foreignTriggers lists the triggers that would fire for rows of the table $1 that are filled, and run what others have made. $2
// says whether the session is a replica, in which only some triggers fire. Segue's own are told by their functions: anybody who
// may make a trigger may give it any name. See TRIGGER_TYPE_UPDATE in pg_trigger.h.
var foreignTriggers = `
SELECT 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' on ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
WHERE g.tgrelid = $1 AND NOT g.tgisinternal AND g.tgtype::pg_catalog.int4 & 16 <> 0 AND g.tgenabled IN ('A', CASE WHEN $2::pg_catalog.bool THEN 'R'::pg_catalog."char" ELSE 'O' END)
	AND NOT ` + writing("p.proowner") + ` ORDER BY 1`

// StrangeTriggers locks a table as writing does, so that no trigger can be made, and lists those that would fire for rows that are
// filled and belong to roles that may do less than the current one. quiet says whether the session is a replica.
func StrangeTriggers(ctx context.Context, tx pgx.Tx, table uint32, name change.Name, quiet bool) (found []string, err error) {
	both := &pgx.Batch{} // one way to the server, as every batch of rows has it
	both.Queue("LOCK TABLE ONLY " + name.SQL() + " IN ROW EXCLUSIVE MODE")
	both.Queue(foreignTriggers, table, quiet).Query(func(rows pgx.Rows) error {
		found, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	err = tx.SendBatch(ctx, both).Close()
	return found, err
}

// foreignCode lists what would run for every row that is filled and calls functions of roles that are not trusted: CHECKs,
// indexes and generated columns of the tables $1.
var foreignCode = `
SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) || ' calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
JOIN (SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, conrelid FROM pg_catalog.pg_constraint WHERE contype IN ('c', 'x')
	UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, indrelid FROM pg_catalog.pg_index
	UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid, f.adrelid FROM pg_catalog.pg_attrdef f
		JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '') AS runs (class, oid, relation)
	ON d.classid = runs.class AND d.objid = runs.oid
JOIN pg_catalog.pg_class c ON c.oid = runs.relation
WHERE runs.relation = ANY ($1) AND NOT ` + writing("p.proowner") + ` ORDER BY 1`

// foreignCode adds it to what stands against a change of the table.
func (t *table) foreignCode(found []error) ([]error, error) {
	rows, err := t.tx.Query(t.ctx, foreignCode, t.tree)
	if err != nil {
		return nil, err
	}
	more, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (error, error) {
		p := &Problem{Direction: "table", Hint: "it would run for every row that is filled, as the role of the instance; give the function to the owner of the table"}
		return p, row.Scan(&p.Message)
	})
	return append(found, more...), err
}
