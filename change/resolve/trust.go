package resolve

import (
	"fmt"

	"github.com/jackc/pgx/v5"
)

// What the triggers of a change run, they run as the role of the instance, and so does every row that is filled. So it must be
// nobody's who may do less: whoever owns a function can put another body into it, and whoever owns a domain another CHECK.

const hintGive = "its owner could change what it does; give it to the role of the instance, or to one that may do as much"

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

// foreignTypes lists the types whose values run code of roles that are not trusted. $1 are types.
var foreignTypes = "WITH RECURSIVE " + madeOf("SELECT pg_catalog.unnest($1::pg_catalog.oid[]), ''") + " SELECT message FROM foreign_type ORDER BY 1"

// madeOf makes the common table foreign_type of what is wrong with types, in words: query gives each, and what its message begins with. What
// a type is made of counts, too. Of an enum or a base type nothing runs that a role could have made which is no superuser.
func madeOf(query string) string {
	return `made(oid, intro) AS (` + query + ` UNION SELECT part, intro FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid
	CROSS JOIN LATERAL (SELECT y.typbasetype UNION ALL SELECT y.typelem
		UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = y.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE y.oid = g.rngtypid
		UNION ALL SELECT d.refobjid FROM pg_catalog.pg_depend d WHERE y.typtype = 'm' AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = y.oid
			AND d.refclassid = d.classid) AS parts (part) WHERE part <> 0),
foreign_type(message) AS (
	SELECT intro || 'the type ' || y.oid::pg_catalog.regtype::pg_catalog.text || ', which belongs to another role'
	FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid WHERE y.typtype IN ('d', 'r', 'm') AND NOT ` + trusts("y.typowner") + `
	UNION SELECT intro || 'the type ' || y.oid::pg_catalog.regtype::pg_catalog.text || ', whose CHECK calls ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', which belongs to another role'
	FROM made JOIN pg_catalog.pg_type y ON y.oid = made.oid JOIN pg_catalog.pg_constraint k ON k.contypid = y.oid
	JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid
	JOIN pg_catalog.pg_proc p ON p.oid = ` + calledBy + ` WHERE NOT ` + trusts("p.proowner") + `)`
}

// calledBy is the function that the object d of pg_depend calls: by its name, or by an operator.
const calledBy = `CASE d.refclassid WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN d.refobjid
		WHEN 'pg_catalog.pg_operator'::pg_catalog.regclass THEN (SELECT o.oprcode::pg_catalog.oid FROM pg_catalog.pg_operator o WHERE o.oid = d.refobjid) END`

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
