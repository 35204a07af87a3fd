package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rewrite/ast"
)

const readsDirection = "reads"

// lookups returns the change with the tables that it reads as the database calls them. The error is a *Problem where rows of one cannot be
// looked up so that what is made from them can follow.
func lookups(ctx context.Context, db Beginner, c change.Change) (change.Change, error) {
	if len(c.Reads) == 0 {
		return c, nil
	}
	if c.DownFail != nil {
		return c, &Problem{Direction: "down_fail", Message: "it cannot stand beside reads", Hint: "let down give a value for every row, or have what the old columns cannot hold rejected"}
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return c, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	r := &resolver{ctx: ctx, tx: tx, c: c}
	if err := r.lookIn(c.Table.Schema, "public"); err != nil {
		return c, err
	}
	c.Lookups = append(make([]change.Lookup, 0, len(c.Reads)), c.Lookups...)[:len(c.Reads)]
	for i, name := range c.Reads {
		if err := r.lookup(name, &c.Lookups[i]); err != nil {
			return c, err
		}
	}
	r.c.Lookups = c.Lookups
	if err := r.follow(c); err != nil {
		return c, err
	}
	return c, nil
}

// lookedUp says what the table $1 is, which one of the table $2 reads: its name, and what is wrong with it.
var lookedUp = `
SELECT n.nspname::pg_catalog.text, l.relname::pg_catalog.text, CASE
	WHEN l.oid = c.oid THEN 'it is the table of the change itself'
	WHEN l.relkind <> 'r' OR l.relpersistence = 't' OR l.relispartition OR l.oid < 16384 THEN 'it is no ordinary table'
	WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE l.oid IN (inhrelid, inhparent)) THEN 'tables inherit from each other'
	WHEN l.relrowsecurity THEN 'it has row security'
	WHEN NOT pg_catalog.pg_has_role(l.relowner, 'USAGE') OR NOT ` + writing("l.relowner") + ` THEN 'it belongs to another role'
	ELSE '' END
FROM pg_catalog.pg_class l JOIN pg_catalog.pg_namespace n ON n.oid = l.relnamespace, pg_catalog.pg_class c
WHERE l.oid = pg_catalog.to_regclass($1) AND c.oid = pg_catalog.to_regclass($2)`

// keyed says what is wrong with a column $2 of the table $1, by which rows are looked up for a value of the type $3.
const keyed = `
SELECT CASE
	WHEN a.atttypid IS DISTINCT FROM pg_catalog.to_regtype($3)::pg_catalog.oid THEN 'it is of another type than the column of the change'
	WHEN y.typtype NOT IN ('b', 'e') OR y.typtype = 'b' AND y.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace THEN 'its type may have an equality of its own'
	WHEN a.attcollation <> y.typcollation THEN 'it has another collation than its type'
	WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
		AND i.indkey[0] = a.attnum AND i.indpred IS NULL) THEN 'it is not unique by itself'
	ELSE '' END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND a.attnum > 0`

// lookup fills in what the database says of one table that is read.
func (r *resolver) lookup(name string, l *change.Lookup) error {
	problem := func(message, hint string) error {
		return &Problem{Direction: readsDirection, Message: name + " cannot be followed: " + message, Hint: hint}
	}
	var wrong string
	err := r.tx.QueryRow(r.ctx, lookedUp, name, r.c.Table.SQL()).Scan(&l.Table.Schema, &l.Table.Name, &wrong)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return problem("there is no such table", "")
	case err != nil:
		return err
	case wrong != "":
		return problem(wrong, "what is looked up has to be in an ordinary table of the same owner")
	}
	for _, k := range l.Keys {
		col, of := r.c.Old, "up"
		at := slices.IndexFunc(col, func(c change.Column) bool { return c.Name == k.Column })
		if at < 0 {
			col, of = r.c.New, "down"
			at = slices.IndexFunc(col, func(c change.Column) bool { return c.Name == k.Column })
		}
		if at < 0 {
			return problem(fmt.Sprintf("via names %q, which is no column of the change", k.Column), "via has a column of from or to for each column by which rows of "+name+" are looked up, as in { member_id: id }")
		}
		wrong := "there is no such column"
		if err := r.tx.QueryRow(r.ctx, keyed, l.Table.SQL(), k.Of, col[at].Type).Scan(&wrong); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if wrong == "" && col[at].Collation != "" {
			wrong = fmt.Sprintf("%s has a collation of its own", k.Column)
		}
		if wrong != "" {
			return problem(fmt.Sprintf("via is wrong about %q, by which %s looks rows up: %s", k.Of, of, wrong), "rows are looked up by a column that is unique, and of the same type")
		}
	}
	return nil
}

// follow checks that rows are looked up as the change says, and that PostgreSQL can lock them.
func (r *resolver) follow(c change.Change) error {
	read := make([][]string, len(c.Lookups))
	for _, side := range []struct {
		direction string
		made      change.Map
		from      []change.Column
	}{{"up", c.Up, c.Old}, {"down", c.Down, c.New}} {
		for column, text := range side.made {
			q := &queries{alias: c.Alias, lookups: c.Lookups, side: side.from, read: read}
			if message := q.judge(text); message != "" {
				return &Problem{Direction: side.direction, Column: column, Message: message, Hint: "as in (SELECT m.name FROM members m WHERE m.id = member_id) with via: { member_id: id }"}
			}
		}
	}
	for i := range c.Lookups {
		if err := r.columns(c.Reads[i], &c.Lookups[i], read[i]); err != nil {
			return err
		}
	}
	compiled, err := change.Compile(c)
	if err != nil {
		return err
	}
	for _, t := range compiled.Trials() {
		if err := r.try("EXPLAIN SELECT "+t.SQL, 0, t.Direction, t.Column); err != nil {
			return err
		}
	}
	return nil
}

// columns fills in which columns of a table are read: those of the names that the queries have for any table, as far as it has them.
func (r *resolver) columns(name string, l *change.Lookup, read []string) error {
	for _, k := range l.Keys {
		read = append(read, k.Of)
	}
	rows, err := r.tx.Query(r.ctx, `SELECT attname::pg_catalog.text, attgenerated <> '' FROM pg_catalog.pg_attribute
		WHERE attrelid = pg_catalog.to_regclass($1) AND attname = ANY ($2) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, l.Table.SQL(), read)
	if err != nil {
		return err
	}
	defer rows.Close()
	l.Columns = nil
	for rows.Next() {
		var column string
		var generated bool
		if err := rows.Scan(&column, &generated); err != nil {
			return err
		}
		if generated {
			return &Problem{Direction: readsDirection, Message: fmt.Sprintf("%s cannot be followed: its column %q is generated", name, column), Hint: "read what it is made from"}
		}
		l.Columns = append(l.Columns, column)
	}
	return rows.Err()
}

// queries are those of an expression, as the server has printed it.
type queries struct {
	alias   string // of the row of the change
	lookups []change.Lookup
	side    []change.Column
	read    [][]string // names of columns that may be those of the lookups
	tables  int        // that are read and followed
	wrong   string
}

// judge says what is wrong with the queries of an expression, in which the server gives each table a name of its own: each one on a table that is followed reads one row of it, and nothing else.
func (q *queries) judge(text string) string {
	tree, err := ast.Parse("SELECT " + text)
	if err != nil {
		return err.Error()
	}
	named := 0
	each(tree.GetStmts()[0].ProtoReflect(), func(m protoreflect.Message) {
		switch n := m.Interface().(type) {
		case *ast.RangeVar:
			if q.lookup(n) != nil {
				named++
			}
		case *ast.SelectStmt:
			q.query(n)
		case *ast.ColumnRef:
			q.column(n)
		case *ast.JoinExpr:
			q.reads(ast.StrVals(n.GetUsingClause())...)
		}
	})
	if q.wrong == "" && named > q.tables {
		q.wrong = "a query on a table that is followed has to read one row of it, and nothing else"
	}
	return q.wrong
}

// column notes a name. A whole row would change with the table's columns, and what the system says of a row without a trigger.
func (q *queries) column(n *ast.ColumnRef) {
	fields := n.GetFields()
	last := fields[len(fields)-1]
	switch name := last.GetString_().GetSval(); {
	case last.GetAStar() != nil:
		q.wrong = "a query reads a row as a whole"
	case catalog.IsSystemColumn(name):
		q.wrong = "a query reads the system column " + name
	default:
		q.reads(name)
	}
}

func (q *queries) reads(names ...string) {
	for i := range q.read {
		q.read[i] = append(q.read[i], names...)
	}
}

func (q *queries) lookup(n *ast.RangeVar) *change.Lookup {
	for i, l := range q.lookups {
		if len(l.Keys) > 0 && n.GetRelname() == l.Table.Name && n.GetSchemaname() == l.Table.Schema {
			return &q.lookups[i]
		}
	}
	return nil
}

// query looks at one query, if it reads one table that is followed.
func (q *queries) query(s *ast.SelectStmt) {
	if len(s.GetFromClause()) != 1 || s.GetFromClause()[0].GetRangeVar() == nil {
		return
	}
	table := s.GetFromClause()[0].GetRangeVar()
	l := q.lookup(table)
	if l == nil {
		return
	}
	alias := table.GetAlias().GetAliasname()
	if alias == "" {
		alias = table.GetRelname()
	}
	if !slices.ContainsFunc(conjuncts(s.GetWhereClause()), func(n *ast.Node) bool { return q.byKey(n, alias, l) }) {
		q.wrong = "a query reads rows of " + l.Table.String() + " otherwise than by via"
		return
	}
	q.tables++
}

// conjuncts are the conditions that all have to be true.
func conjuncts(n *ast.Node) []*ast.Node {
	b := n.GetBoolExpr()
	if b == nil || b.GetBoolop() != ast.BoolExprType_AND_EXPR {
		return []*ast.Node{n}
	}
	var out []*ast.Node
	for _, arg := range b.GetArgs() {
		out = append(out, conjuncts(arg)...)
	}
	return out
}

// byKey tells whether a condition is the equality of a key.
func (q *queries) byKey(n *ast.Node, alias string, l *change.Lookup) bool {
	e := n.GetAExpr()
	if e == nil || e.GetKind() != ast.A_Expr_Kind_AEXPR_OP || len(e.GetName()) != 1 || e.GetName()[0].GetString_().GetSval() != "=" {
		return false
	}
	return slices.ContainsFunc(l.Keys, func(k change.Key) bool {
		at := slices.IndexFunc(q.side, func(c change.Column) bool { return c.Name == k.Column })
		if at < 0 {
			return false
		}
		// The server compares varchar as text, and prints that.
		cut := strings.HasPrefix(q.side[at].Type, "character varying")
		left, right := columnOf(e.GetLexpr(), cut), columnOf(e.GetRexpr(), cut)
		own, of := []string{alias, k.Of}, []string{q.alias, k.Column}
		return slices.Equal(left, own) && slices.Equal(right, of) || slices.Equal(left, of) && slices.Equal(right, own)
	})
}

// columnOf is the name of a column, which may be cast to text; nil where it is something else.
func columnOf(n *ast.Node, cut bool) (names []string) {
	if cast := n.GetTypeCast(); cut && cast != nil {
		if t := ast.StrVals(cast.GetTypeName().GetNames()); len(t) == 0 || t[len(t)-1] != "text" {
			return nil
		}
		n = cast.GetArg()
	}
	for _, f := range n.GetColumnRef().GetFields() {
		names = append(names, f.GetString_().GetSval())
	}
	return names
}
