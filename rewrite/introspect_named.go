package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Functions that take the name of a table, or of a column of it, are often given what a query has read from the
// catalogs: pg_total_relation_size(quote_ident(tablename)). What the query has read are the version's names.

// argument is the place of an argument of a call; -1 where the function has none or the call leaves it out.
func (n naming) argument(f *ast.FuncCall, i int) int {
	if i >= 0 && n.fromRight {
		i = len(f.Args) - 1 - i
	}
	if i >= len(f.Args) {
		return -1
	}
	return i
}

// nameLookup binds a call that names a table, or a column, by an expression. false means that an expression is none.
func (b *binding) nameLookup(s *scope, node *ast.Node) bool {
	f := node.GetFuncCall()
	name := ast.LastName(f.Funcname)
	n, ok := namingFunctions[name]
	if !ok || name == "to_regclass" || !ast.IsBuiltin(ast.StrVals(f.Funcname), name) || f.FuncVariadic || hasNamedArgument(f) {
		return false
	}
	relation, column := n.argument(f, n.relation), n.argument(f, n.column)
	if relation < 0 {
		return false
	}
	constant := func(i int) bool { return i < 0 || f.Args[i].GetAConst().GetSval() != nil }
	lookup, columns := b.lookupSQL(), ""
	if column >= 0 {
		columns = b.views.columnNamedSQL("q.r", "q.a"+strconv.Itoa(column+1))
	}
	if constant(relation) && constant(column) || lookup == "" && columns == "" {
		return false
	}
	put(&b.catalogs.looked, f, nil)
	b.funcCall(s, f)
	byText := column >= 0 && (constant(column) || b.mayBeText(f.Args[column]))
	switch table := b.catalogs.looked[f]; {
	case constant(relation):
		if table != nil && byText {
			b.columnLookup(f, column, table)
		}
	case byText && columns != "":
		b.wrapNames(node, name, relation, column, lookup, columns)
	case b.mayBeText(f.Args[relation]) && lookup != "":
		b.lookupArgument(f, relation, lookup, name == "pg_get_serial_sequence")
	}
	return true
}

// relationArguments binds a call of a function that takes a regclass, and is given what may be a text. false means that
// an expression is none.
func (b *binding) relationArguments(s *scope, node *ast.Node) bool {
	f := node.GetFuncCall()
	name := ast.StrVals(f.Funcname)
	var places []int
	for i, a := range f.Args {
		if a.GetAConst() == nil && b.takesRegclass(name, i, len(f.Args)) {
			places = append(places, i)
		}
	}
	if len(places) == 0 || f.FuncVariadic || hasNamedArgument(f) {
		return false
	}
	lookup := b.lookupSQL()
	if lookup == "" {
		return false
	}
	b.funcCall(s, f)
	for _, i := range places {
		if b.mayBeText(f.Args[i]) {
			b.lookupArgument(f, i, lookup, false)
		}
	}
	return true
}

// lookupArgument has argument i of a call looked up in the version's names. It becomes a regclass, which reads numbers,
// too, unless the function takes nothing but text.
func (b *binding) lookupArgument(f *ast.FuncCall, i int, lookup string, text bool) {
	if !text {
		lookup = readRegclass(lookup)
	}
	if start, end, ok := b.argumentRange(f, i); ok {
		b.wrapLookup(f.Args[i], lookup, start, end)
	}
}

// argumentRange is where argument i of a call stands.
func (b *binding) argumentRange(f *ast.FuncCall, i int) (start, end int, ok bool) {
	open := b.afterIdent(b.functionName(f))
	args := b.elements(open)
	if !b.tokens.Is(open, '(') || len(args) != len(f.Args) {
		b.misplaced(int(f.Location), ast.LastName(f.Funcname))
		return 0, 0, false
	}
	last := b.closing(open) - 1
	if i+1 < len(args) {
		last = args[i+1] - 2
	}
	return b.tokens.Start(args[i]), b.tokens.IdentEnd(last), true
}

func readRegclass(text string) string {
	return "pg_catalog.regclassin(pg_catalog.textout(" + text + "))"
}

// wrapNames writes a subquery for a call that names a column of a table which is named by an expression: the table is
// looked up first, q.r, and then the name of the column among those of that table.
func (b *binding) wrapNames(node *ast.Node, name string, relation, column int, lookup, columns string) {
	f := node.GetFuncCall()
	open := b.afterIdent(b.functionName(f))
	args := b.elements(open)
	if !b.tokens.Is(open, '(') || len(args) != len(f.Args) {
		b.misplaced(int(f.Location), name)
		return
	}
	b.affected, b.catalogs.used = true, true
	of := "s.a" + strconv.Itoa(relation+1)
	cast := "::pg_catalog.text"
	switch {
	case !b.mayBeText(f.Args[relation]):
		of, cast = of+"::pg_catalog.regclass", "::pg_catalog.oid"
	case lookup == "":
		of = readRegclass(of)
	default:
		of = readRegclass(lookedUp(of, lookup))
	}
	given, columnsOf := make([]string, len(args)), make([]string, len(args))
	parts := make([]string, len(args)+1)
	for i := range args {
		given[i], columnsOf[i] = "q.a"+strconv.Itoa(i+1), "a"+strconv.Itoa(i+1)
		parts[i+1] = "), ("
		switch i {
		case relation:
			given[i], parts[i+1] = "q.r", ")"+cast+", ("
			if name == "pg_get_serial_sequence" {
				given[i] = "q.r::pg_catalog.text"
			}
		case column:
			given[i], parts[i+1] = columns, ")::pg_catalog.text, ("
		}
	}
	parts[0] = "(SELECT pg_catalog." + name + "(" + strings.Join(given, ", ") + ") AS " + syntax.QuoteIdent(name) +
		" FROM (SELECT s.*, " + of + " AS r FROM (SELECT ("
	parts[len(args)] = strings.TrimSuffix(parts[len(args)], ", (") + ") AS s(" + strings.Join(columnsOf, ", ") + ") OFFSET 0) AS q)"
	first, last := b.tokens.Start(b.tokens.At(int(f.Location))), b.tokens.End(b.closing(open))
	b.replace(first, b.tokens.End(open), parts[0], nil)
	for i := range args[1:] {
		comma := args[i+1] - 1
		b.replace(b.tokens.Start(comma), b.tokens.End(comma), parts[i+1], nil)
	}
	b.replace(last-1, last, parts[len(args)], func() { fillTemplate(node, parts, f.Args) })
}

// columnNamedSQL is the SQL of what the server calls the column that the version calls name, of the table that is the
// regclass key; "" where no such name differs. A name that only the server has becomes one that it lacks.
func (in *introspection) columnNamedSQL(key, name string) string {
	if in.names.logical == nil {
		return ""
	}
	return "COALESCE(" + in.sql(in.names.logical) + field + key + "::pg_catalog.oid" + asText + fieldText + name + ", " + name + ")"
}
