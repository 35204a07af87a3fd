package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// Change is all that a server has to say of a change: Table, then Expressions, and then the indexes that the new side is to have.
func Change(ctx context.Context, db Beginner, c change.Change) (change.Change, error) {
	c, err := Table(ctx, db, c)
	if err != nil {
		return c, err
	}
	if c.Alone() {
		return c, nil
	}
	if c, err = Expressions(ctx, db, c); err != nil {
		return c, err
	}
	if c, err = lookups(ctx, db, c); err != nil {
		return c, err
	}
	return followed(ctx, db, c)
}

// Table returns the change with what the catalog has of the table: types, collations, defaults and NOT NULL of the old side, the
// types and defaults of the new side as the server prints them, privileges, and whether others have triggers. The error is made
// of *Problem where the table, or one of the columns, cannot be changed.
func Table(ctx context.Context, db Beginner, c change.Change) (change.Change, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return c, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	r := &resolver{ctx: ctx, tx: tx, c: c}
	t := &table{resolver: r}
	if err := t.find(); err != nil {
		return c, err
	}
	if err := t.obstacles(); err != nil {
		return c, err
	}
	if r.c.Old, err = t.side("from", r.c.Table.SQL(), r.c.Old); err != nil {
		return c, err
	}
	if r.c.New, err = t.makeSide("to", r.c.New); err != nil {
		return c, err
	}
	if r.c.Alone() {
		err = t.alone()
		return r.c, err
	}
	if err := t.grants(); err != nil {
		return c, err
	}
	return r.c, nil
}

// A table is the one of the change, with its partitions.
type table struct {
	*resolver
	oid  uint32
	tree []uint32 // it and its partitions
}

func (t *table) find() error {
	if err := t.lookIn(); err != nil {
		return err
	}
	err := t.tx.QueryRow(t.ctx, "SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND relname = $2",
		t.c.Table.Schema, t.c.Table.Name).Scan(&t.oid)
	if errors.Is(err, pgx.ErrNoRows) {
		return &Problem{Direction: "table", Message: "there is no table " + t.c.Table.SQL()}
	}
	if err != nil {
		return err
	}
	return t.tx.QueryRow(t.ctx, `WITH RECURSIVE tree(oid) AS (SELECT $1::pg_catalog.oid UNION SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tree ON inhparent = tree.oid)
		SELECT pg_catalog.array_agg(oid) FROM tree`, t.oid).Scan(&t.tree)
}

// obstacles lists what stands against a change of the table. $1 is the table, $2 its tree, and $3 the names of the old columns; $4
// says that new rows have NULL in them, unless they have a default: that violates no unique or foreign key.
const obstacles = `
WITH col AS (SELECT attrelid, attnum, attname FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($2) AND attname = ANY ($3) AND NOT attisdropped),
named AS (SELECT c.oid::pg_catalog.regclass::pg_catalog.text AS name, c.* FROM pg_catalog.pg_class c WHERE c.oid = ANY ($2)),
standard AS (SELECT attrelid, attname, (SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef WHERE adrelid = attrelid AND adnum = attnum) AS said FROM col),
code AS (SELECT p.* FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
	WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') AND p.pronamespace <> pg_catalog.to_regnamespace('segue'))
SELECT 1 AS rank, 'column ' || pg_catalog.quote_ident(attname) || ' is part of the partition key of ' || attrelid::pg_catalog.regclass::pg_catalog.text AS message,
	'rows are routed to partitions before triggers fire' AS hint
FROM col WHERE EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
	AND (d.objid, d.objsubid, d.refobjid) = (attrelid, attnum, attrelid) OR (d.refobjid, d.refobjsubid, d.objid, d.objsubid) = (attrelid, attnum, attrelid, 0) AND d.classid = d.refclassid)
UNION ALL SELECT 2, 'table ' || name || ' has FORCE ROW LEVEL SECURITY, and ' || current_user || ' cannot bypass it', 'rows that are not seen would not be filled: ALTER ROLE ' || pg_catalog.quote_ident(current_user) || ' BYPASSRLS'
FROM named WHERE relrowsecurity AND relforcerowsecurity AND NOT (SELECT rolbypassrls OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
UNION ALL SELECT 3, 'column ' || pg_catalog.quote_ident(attname) || ' is part of ' || pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, 0), 'keys cannot be changed yet'
FROM col JOIN pg_catalog.pg_constraint k ON k.conrelid = attrelid AND attnum = ANY (k.conkey) AND k.contype IN ('p', 'u', 'x', 'f') OR k.confrelid = attrelid AND attnum = ANY (k.confkey)
WHERE attrelid = $1 AND NOT ($4 AND k.contype IN ('f', 'u') AND k.conrelid = attrelid AND NOT (k.confrelid = attrelid AND attnum = ANY (coalesce(k.confkey, '{}')))
	AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE (a.attrelid, a.attnum) = (col.attrelid, col.attnum) AND NOT a.attnotnull AND NOT a.atthasdef))
UNION ALL SELECT 4, 'column ' || pg_catalog.quote_ident(attname) || ' is read by ' || pg_catalog.pg_describe_object('pg_catalog.pg_attrdef'::pg_catalog.regclass, f.oid, 0), 'generated columns cannot follow yet'
FROM col JOIN pg_catalog.pg_attrdef f ON f.adrelid = attrelid AND f.adnum <> attnum WHERE attrelid = $1 AND EXISTS (SELECT FROM pg_catalog.pg_depend d
	WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = attrelid AND d.refobjsubid = attnum
	AND (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid OR (d.classid, d.objid, d.objsubid) = (d.refclassid, attrelid, f.adnum))) -- the latter before 15
UNION ALL SELECT 5, 'table ' || name || ' is published by ' || pg_catalog.quote_ident(p.pubname), 'subscribers would get hidden columns; take it out of the publication'
FROM named JOIN pg_catalog.pg_publication_tables p ON p.schemaname = relnamespace::pg_catalog.regnamespace::pg_catalog.text AND p.tablename = relname
UNION ALL SELECT 6, 'table ' || name || ' has the rule ' || pg_catalog.quote_ident(w.rulename), 'rules are expanded before Segue''s triggers fire; make it a trigger'
FROM named JOIN pg_catalog.pg_rewrite w ON w.ev_class = named.oid
UNION ALL SELECT 7, 'table ' || name || ' inherits from, or is inherited by, another one that is no partition', 'such tables cannot be changed yet'
FROM named WHERE named.oid = $1 AND relkind = 'r' AND EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE named.oid IN (inhrelid, inhparent))
UNION ALL SELECT 8, 'table ' || name || ' is a foreign table', 'its rows are elsewhere'
FROM named WHERE relkind = 'f'
UNION ALL SELECT 9, 'table ' || name || ' is a partition', 'change the table that it is a partition of'
FROM named WHERE named.oid = $1 AND relispartition
UNION ALL SELECT 10, 'table ' || a.attrelid::pg_catalog.regclass::pg_catalog.text || ' has the column ' || pg_catalog.quote_ident(a.attname) || ' of an earlier change', 'purge that migration first'
FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1 AND NOT a.attisdropped AND pg_catalog.starts_with(a.attname, '_segue_')
UNION ALL SELECT 11, 'trigger ' || pg_catalog.quote_ident(g.tgname) || ' of ' || attrelid::pg_catalog.regclass::pg_catalog.text || ' fires for UPDATE OF ' || pg_catalog.quote_ident(attname),
	'what the other version writes changes that column without naming it; have the trigger fire for every UPDATE, and compare OLD with NEW'
FROM col JOIN pg_catalog.pg_trigger g ON g.tgrelid = attrelid AND attnum = ANY (g.tgattr) AND NOT g.tgisinternal AND g.tgparentid = 0
	AND (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid = g.tgfoid) IS DISTINCT FROM pg_catalog.to_regnamespace('segue')
UNION SELECT 12, 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ', of a trigger on ' || name || ', takes whole rows by NEW.* or OLD.*', 'the columns that Segue adds would be among them; name the columns'
FROM named JOIN pg_catalog.pg_trigger g ON g.tgrelid = named.oid AND NOT g.tgisinternal JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
WHERE p.prosrc ~* '\m(new|old)\s*\.\s*\*'
UNION SELECT 13, 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ' names ' || name || ', and columns by a star', 'the columns that Segue adds may be among them; name the columns'
FROM named JOIN code p ON pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower(named.relname)) > 0
WHERE named.oid = $1 AND p.prosrc ~* '(\m(select|distinct|all|returning)\s+|[,.]\s*)\*'
UNION SELECT 14, 'function ' || p.oid::pg_catalog.regprocedure::pg_catalog.text || ' takes or returns rows of ' || name, 'the columns that Segue adds would be among them; name the columns: RETURNS TABLE (…)'
FROM named JOIN pg_catalog.pg_type y ON y.oid = named.reltype JOIN code p ON p.prorettype IN (y.oid, y.typarray) OR p.proargtypes::pg_catalog.oid[] && ARRAY[y.oid, y.typarray]
WHERE named.oid = $1
UNION SELECT 15, 'column ' || pg_catalog.quote_ident(here.attname) || ' of partition ' || name || ' has a default of its own', 'a default goes from one side to the other for all partitions at once, and comes back as that of the table: '
	|| 'ALTER TABLE ' || name || ' ALTER ' || pg_catalog.quote_ident(here.attname) || coalesce(' SET DEFAULT ' || top.said, ' DROP DEFAULT')
FROM named JOIN standard here ON here.attrelid = named.oid AND relispartition JOIN standard top ON top.attrelid = $1 AND top.attname = here.attname
WHERE named.oid <> $1 AND here.said IS DISTINCT FROM top.said
ORDER BY 1, 2`

// ofEarlier is the rank of the obstacle that columns of Segue's are: they are the change's own where it corrects another one.
const ofEarlier = 10

// obstacles is the error of a table that cannot be changed.
func (t *table) obstacles() error {
	names := make([]string, len(t.c.Old))
	for i, col := range t.c.Old {
		names[i] = col.Name
	}
	alone := t.c.Alone()
	rows, err := t.tx.Query(t.ctx, obstacles, t.oid, t.tree, names, alone && len(t.c.Down) == 0)
	if err != nil {
		return fmt.Errorf("cannot look at the table: %w", err)
	}
	var found []error
	p, rank := Problem{Direction: "table"}, 0
	_, err = pgx.ForEachRow(rows, []any{&rank, &p.Message, &p.Hint}, func() error {
		if one := p; (!alone || !slices.Contains(needless, rank)) && (rank != ofEarlier || len(t.c.Left) == 0) {
			found = append(found, &one)
		}
		return nil
	})
	if err == nil && !alone {
		found, err = t.triggers(found)
	}
	if err == nil && !alone {
		found, err = t.foreignCode(found)
	}
	if err != nil {
		return fmt.Errorf("cannot look at the table: %w", err)
	}
	return errors.Join(found...)
}

// triggers adds the triggers of others that would fire for rows that are filled, because the role may not keep them from it. What
// a BEFORE ROW trigger does to the row is taken back; what others do is not.
func (t *table) triggers(found []error) ([]error, error) {
	may := "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)"
	var version int
	if err := t.tx.QueryRow(t.ctx, "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4").Scan(&version); err != nil {
		return nil, err
	}
	if version >= 150000 {
		may = "pg_catalog.has_parameter_privilege('session_replication_role', 'SET')"
	}
	// See TRIGGER_TYPE_ROW, _BEFORE and _UPDATE in pg_trigger.h.
	rows, err := t.tx.Query(t.ctx, `
		SELECT 'trigger ' || pg_catalog.quote_ident(tgname) || ' on ' || tgrelid::pg_catalog.regclass::pg_catalog.text || ' would fire for every row that is filled',
			CASE WHEN tgenabled <> 'O' THEN 'ALTER TABLE ' || tgrelid::pg_catalog.regclass::pg_catalog.text || ' ENABLE TRIGGER ' || pg_catalog.quote_ident(tgname)
			ELSE 'GRANT SET ON PARAMETER session_replication_role TO ' || pg_catalog.quote_ident(current_user) END
		FROM pg_catalog.pg_trigger WHERE tgrelid = ANY ($1) AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype::pg_catalog.int4 & 16 <> 0
			AND (tgtype::pg_catalog.int4 & 3 <> 3 OR NOT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
				WHERE p.oid = tgfoid AND (o.rolsuper OR NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
					AND o.oid = (SELECT relowner FROM pg_catalog.pg_class c WHERE c.oid = tgrelid))))
			AND (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid = tgfoid) IS DISTINCT FROM pg_catalog.to_regnamespace('segue') AND (tgenabled <> 'O' OR NOT `+may+`) ORDER BY 1`, t.tree)
	if err != nil {
		return nil, err
	}
	more, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (error, error) {
		p := &Problem{Direction: "table"}
		return p, row.Scan(&p.Message, &p.Hint)
	})
	return append(found, more...), err
}

// side reads columns of a table as the server prints them.
func (t *table) side(direction, table string, side []change.Column) ([]change.Column, error) {
	out := make([]change.Column, len(side))
	left := direction == "from" && t.c.Alone() // nothing of it is evaluated by Segue
	for i, col := range side {
		name := col.Name
		var tree *string
		var notNull bool
		var kind uint32
		err := t.tx.QueryRow(t.ctx, `
			SELECT pg_catalog.format_type(a.atttypid, a.atttypmod),
				CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation THEN pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname) ELSE '' END,
				a.attnotnull, coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), ''), d.adbin::pg_catalog.text, a.atttypid
			FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
			LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
			LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE a.attrelid = $1::pg_catalog.text::pg_catalog.regclass AND a.attname = $2 AND NOT a.attisdropped`,
			table, name).Scan(&col.Type, &col.Collation, &notNull, &col.Default, &tree, &kind)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, &Problem{Direction: direction, Column: name, Message: "there is no such column"}
		}
		if err != nil {
			return nil, err
		}
		if direction == "from" {
			col.NotNull, col.Physical = notNull, name
		}
		switch foreign, err := t.foreignTypes([]uint32{kind}); {
		case err != nil:
			return nil, err
		case len(foreign) > 0 && !left:
			return nil, &Problem{Direction: direction, Column: name, Message: "it is of " + foreign[0], Hint: hintGive}
		}
		if tree != nil {
			u, err := t.uses(*tree)
			if err != nil {
				return nil, err
			}
			if message, hint := u.strange(); message != "" && !left {
				return nil, &Problem{Direction: direction, Column: name, Message: fmt.Sprintf("its default, %s, cannot be followed: %s", col.Default, message), Hint: hint}
			}
			if col.Constant = u.constant(); !col.Constant && !t.c.Alone() {
				return nil, &Problem{Direction: direction, Column: name, Message: fmt.Sprintf("its default, %s, is not the same for every row", col.Default),
					Hint: "such a default cannot be followed yet"}
			}
		}
		out[i] = col
	}
	return out, nil
}

// constant reports whether a default is the same for every row and every session.
func (u *uses) constant() bool {
	for _, f := range u.functions {
		if f.volatile != "i" {
			return false
		}
	}
	return u.session == "" && len(u.reads) == 0
}

// makeSide makes a table of columns, and returns them as the server prints them. The table stands for them while they are looked at.
// A default is set and not added with its column: ADD COLUMN would evaluate it, before anybody has seen whose code it calls.
func (t *table) makeSide(direction string, side []change.Column) ([]change.Column, error) {
	if err := t.lookIn(t.c.Table.Schema, "public"); err != nil {
		return nil, err
	}
	if _, err := t.tx.Exec(t.ctx, "DROP TABLE IF EXISTS "+newTable+"; CREATE TABLE "+newTable+" ()", pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	for _, col := range side {
		sql := "ALTER TABLE " + newTable + " ADD COLUMN " + quote(col.Name) + " " + col.Type
		if col.Collation != "" {
			sql += " COLLATE " + col.Collation
		}
		_, err := t.tx.Exec(t.ctx, sql)
		if err == nil && col.Default != "" {
			_, err = t.tx.Exec(t.ctx, "ALTER TABLE "+newTable+" ALTER COLUMN "+quote(col.Name)+" SET DEFAULT "+col.Default)
		}
		if rejected, ok := Rejected(err); ok {
			return nil, &Problem{Direction: direction, Column: col.Name, Message: rejected.Message, Hint: rejected.Hint}
		}
		if err != nil {
			return nil, err
		}
	}
	if err := t.lookIn(); err != nil {
		return nil, err
	}
	return t.side(direction, newTable, side)
}

// grants reads the privileges on single columns, and whether others have triggers that fire before Segue's last one.
func (t *table) grants() error {
	names := make([]string, len(t.c.Old))
	for i, col := range t.c.Old {
		names[i] = col.Name
	}
	rows, err := t.tx.Query(t.ctx, `
		SELECT CASE WHEN x.grantee = 0 THEN '' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, x.privilege_type, pg_catalog.bool_and(x.is_grantable), pg_catalog.array_agg(a.attname::pg_catalog.text)
		FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x WHERE a.attrelid = $1 AND a.attname = ANY ($2) AND NOT a.attisdropped
		GROUP BY 1, 2 ORDER BY 1, 2`, t.oid, names)
	if err != nil {
		return err
	}
	t.c.Grants, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g change.Grant, err error) {
		return g, row.Scan(&g.Role, &g.Privilege, &g.Grantable, &g.Columns)
	})
	if err != nil {
		return err
	}
	// See TRIGGER_TYPE_ROW and TRIGGER_TYPE_BEFORE in pg_trigger.h.
	return t.tx.QueryRow(t.ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = ANY ($1) AND NOT tgisinternal AND tgtype::pg_catalog.int4 & 3 = 3
		AND (SELECT pronamespace FROM pg_catalog.pg_proc WHERE oid = tgfoid) IS DISTINCT FROM pg_catalog.to_regnamespace('segue'))`, t.tree).Scan(&t.c.Others)
}

// Lines is the error of Table or Expressions in sentences; nil where it is of another kind.
func Lines(err error) (out []*Problem) {
	if p, ok := errors.AsType[*Problem](err); ok {
		if all, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range all.Unwrap() {
				out = append(out, Lines(e)...)
			}
			return out
		}
		return []*Problem{p}
	}
	if wrong, ok := errors.AsType[*change.ExpressionError](err); ok {
		direction, _, _ := strings.Cut(wrong.Map, ".")
		return []*Problem{{Direction: direction, Column: wrong.Column, Message: wrong.Message}}
	}
	return nil
}
