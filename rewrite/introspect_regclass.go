package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// printers are the builtin functions that make text of whatever they are given.
var printers = map[string]bool{
	"format": true, "concat": true, "concat_ws": true, "to_json": true, "to_jsonb": true,
	"json_build_object": true, "jsonb_build_object": true, "json_build_array": true, "jsonb_build_array": true,
	"array_to_string": true, "array_to_json": true, "json_agg": true, "jsonb_agg": true, "json_object_agg": true, "jsonb_object_agg": true,
}

// isPrinter tells whether a call is one of these.
func (b *binding) isPrinter(f *ast.FuncCall) bool {
	name := ast.LastName(f.Funcname)
	return printers[name] && ast.IsBuiltin(ast.StrVals(f.Funcname), name) && !f.AggDistinct
}

// nameFunctions are the builtin functions that return an OID alias type, by the type.
var nameFunctions = map[string]string{"to_regclass": "regclass", "pg_partition_root": "regclass", "to_regtype": "regtype", "pg_typeof": "regtype",
	"to_regprocedure": "regprocedure"}

// nameType is regclass, regtype or regprocedure for an expression that makes one of something else; "" for any other.
func nameType(n *ast.Node) string {
	if f := n.GetFuncCall(); f != nil {
		name := ast.LastName(f.Funcname)
		if !ast.IsBuiltin(ast.StrVals(f.Funcname), name) || len(f.Args) != 1 || f.Over != nil {
			return ""
		}
		return nameFunctions[name]
	}
	c := n.GetTypeCast()
	for _, typ := range []string{"regclass", "regtype", "regprocedure"} {
		if c != nil && len(c.GetTypeName().GetArrayBounds()) == 0 && ast.IsBuiltin(ast.StrVals(c.GetTypeName().GetNames()), typ) {
			return typ
		}
	}
	return ""
}

// nameSource is the expression that such a name is made of.
func nameSource(n *ast.Node) *ast.Node {
	if f := n.GetFuncCall(); f != nil {
		if len(f.Args) == 0 {
			return nil
		}
		return f.Args[0]
	}
	return n.GetTypeCast().GetArg()
}

// printedOperands marks what is printed by the expression that it is part of.
func (b *binding) printedOperands(operands ...*ast.Node) {
	for _, n := range operands {
		if b.printsName(n) {
			put(&b.catalogs.printed, n, true)
		}
	}
}

// ruleutils.Arguments is printedOperands for what has been bound: it prints the version's names where it is of an OID alias
// type without being a cast to one.
func (b *binding) printedArguments(operands ...*ast.Node) {
	for _, n := range operands {
		if !b.catalogs.printed[n] {
			b.printed(n)
		}
	}
}

// printedName binds an expression that printedOperands has marked.
func (b *binding) printedName(s *scope, n *ast.Node) bool {
	if !b.catalogs.printed[n] {
		return false
	}
	b.boundName(s, n)
	b.wrapName(n)
	return true
}

// nameAsText binds x::regclass::text, and the same with regtype: what is printed is the name of a relation or type, and
// the version's is printed instead. false means that a cast is none of these.
func (b *binding) nameAsText(s *scope, c *ast.TypeCast) bool {
	if !isTextType(&ast.TypeName{Names: c.GetTypeName().GetNames()}) || len(c.GetTypeName().GetArrayBounds()) > 0 && c.Arg.GetAArrayExpr() != nil {
		return false
	}
	known := b.printsName(c.Arg)
	if !known && !b.renaming() {
		return false
	}
	b.saw(c)
	b.typeName(c.TypeName)
	if !known {
		b.expr(s, c.Arg)
		b.printed(c.Arg)
		return true
	}
	b.boundName(s, c.Arg)
	b.wrapName(c.Arg)
	return true
}

func isTextType(t *ast.TypeName) bool {
	names := ast.StrVals(t.GetNames())
	if len(t.GetArrayBounds()) > 0 {
		return false
	}
	for _, text := range []string{"text", "varchar", "name", "bpchar"} {
		if ast.IsBuiltin(names, text) {
			return true
		}
	}
	return false
}

// printsName tells whether an expression makes something that prints as the name of a relation or type which differs.
func (b *binding) printsName(n *ast.Node) bool {
	typ := nameType(n)
	if typ == "" || b.views.printedAs(aliasTypes[typ], "r.o") == "" || b.isOtherRelation(typ, nameSource(n)) || b.isOtherTable(nameSource(n).GetColumnRef()) {
		return false
	}
	b.catalogs.used = true
	return true
}

// isOtherRelation tells whether what becomes a regclass is a constant which means no table whose name is printed otherwise.
func (b *binding) isOtherRelation(typ string, n *ast.Node) bool {
	k := n.GetAConst()
	if k.GetSval() == nil || typ != "regclass" {
		return false
	}
	text := k.GetSval().Sval
	if oid, err := strconv.ParseUint(text, 10, 32); err == nil {
		return !b.views.renames(catalog.OID(oid))
	}
	parts, ok := syntax.SplitName(text)
	if !ok || len(parts) > 2 {
		return false
	}
	r, f := b.relationNamed(strings.Join(parts[:len(parts)-1], ""), parts[len(parts)-1])
	return f == missing || f == found && r.rel != nil && !b.views.renames(r.rel.OID)
}

// isOtherTable tells whether a reference, already bound, is the tableoid of a table whose name is printed as it is, and those
// of the tables that are read along with it.
func (b *binding) isOtherTable(ref *ast.ColumnRef) bool {
	c := b.columns[ref]
	if c == nil || c.num != systemColumnNum["tableoid"] || c.relation == 0 || b.views.renames(c.relation) {
		return false
	}
	return !slices.ContainsFunc(b.cat.Descendants(c.relation), func(d catalog.OID) bool { return b.views.renames(d) })
}

// renames reports whether the name of a table may be printed otherwise than the database prints it.
func (in *introspection) renames(oid catalog.OID) bool {
	return in.names.printed.entries[number(int64(oid))] != nil
}

// nameSQL is the SQL of the name of an object, a regclass or a regtype; "" if no such name differs. A value of type oid may come this way,
// too: it prints as its number, which ends with no name.
func (in *introspection) nameSQL(typ, object string) string {
	p := &in.names.printed
	if typ == "regtype" {
		p = &in.names.printedTypes
	}
	if p.names == nil {
		return ""
	}
	text, oid := object+asText, object+"::pg_catalog.oid"
	return "CASE WHEN " + p.within.sql(oid) + " THEN " + p.sql(in, text, oid) + " ELSE " + text + " END"
}

// wrapName has an expression that makes an OID alias of something else give the version's name as text.
func (b *binding) wrapName(n *ast.Node) { b.wrapAlias(n, aliasTypes[nameType(n)]) }

// changesWithin tells whether something in that range of the text is changed.
func (b *binding) changesWithin(start, end int) bool {
	for _, c := range b.changes {
		if c.edit.Start >= start && c.edit.End <= end {
			return true
		}
	}
	return false
}

// castRange is where a cast stands in the text. The grammar keeps only the place of the colons, or of CAST; what is
// found is proved by parsing.
func (b *binding) castRange(c *ast.TypeCast) (start, end int, ok bool) {
	if k := c.Arg.GetAConst(); c.Location < 0 && k != nil && c.TypeName.GetLocation() >= 0 { // regclass 'person'
		return b.tokens.Start(b.tokens.At(int(c.TypeName.Location))), b.tokens.End(b.tokens.At(int(k.Location))), true
	}
	i := b.tokens.At(int(c.Location))
	if b.tokens.Kind(i) == ast.Token_CAST {
		return b.tokens.Start(i), b.tokens.End(b.closing(i + 1)), b.tokens.Is(i+1, '(')
	}
	if b.tokens.Kind(i) != ast.Token_TYPECAST {
		return 0, 0, false
	}
	first, ok := b.operandStart(i - 1)
	last := i + 1
	for b.tokens.Is(b.afterIdent(last), '.') {
		last = b.part(last, 1)
	}
	return b.tokens.Start(first), b.tokens.IdentEnd(last), ok
}

// operandStart is the first token of the operand of a cast that ends with token i.
func (b *binding) operandStart(i int) (int, bool) {
	switch {
	case b.tokens.Is(i, ')'), b.tokens.Is(i, ']'):
		open := b.opening(i)
		if open < 0 {
			return 0, false
		}
		before := open - 1
		if _, name := b.tokens.Ident(before); name && b.callable(before) || b.tokens.Is(before, ']') || b.tokens.Is(before, ')') {
			return b.operandStart(before)
		}
		return open, true
	case b.tokens.Kind(i) == ast.Token_SCONST, b.tokens.Kind(i) == ast.Token_ICONST, b.tokens.Kind(i) == ast.Token_PARAM:
		if b.tokens.Kind(i-1) == ast.Token_TYPECAST {
			return 0, false
		}
		return i, true
	}
	if _, ok := b.tokens.Ident(i); !ok {
		return 0, false
	}
	switch {
	case b.tokens.Is(i-1, '.'):
		return b.operandStart(i - 2)
	case b.tokens.Kind(i-1) == ast.Token_TYPECAST:
		return b.operandStart(i - 2)
	}
	return i, true
}

// callable tells whether the word at token i can be the name of a function before a bracket.
func (b *binding) callable(i int) bool {
	switch k := b.tokens.List[i].Keyword; k {
	case ast.KeywordKind_RESERVED_KEYWORD:
		return false
	}
	return true
}

// opening is the token that opens the bracket which token i closes; -1 when there is none.
func (b *binding) opening(i int) int {
	depth := 0
	for ; i >= 0; i-- {
		switch {
		case b.tokens.Is(i, ')'), b.tokens.Is(i, ']'):
			depth++
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// boundName binds an expression that is to be wrapped.
func (b *binding) boundName(s *scope, n *ast.Node) {
	switch {
	case b.relationLookup(s, n):
	case n.GetFuncCall() != nil:
		b.funcCall(s, n.GetFuncCall())
	default:
		b.typeCast(s, n.GetTypeCast())
	}
}
