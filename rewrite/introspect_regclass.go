package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// printers are the builtin functions that make text of whatever they are given.
var printers = map[string]bool{
	"format": true, "concat": true, "concat_ws": true, "to_json": true, "to_jsonb": true,
	"json_build_object": true, "jsonb_build_object": true, "json_build_array": true, "jsonb_build_array": true,
}

// printedOperands marks what is printed by the expression that it is part of.
func (b *binding) printedOperands(operands ...*ast.Node) {
	for _, n := range operands {
		if c := n.GetTypeCast(); c != nil && b.printsName(c) {
			if b.catalogs.printed == nil {
				b.catalogs.printed = map[*ast.TypeCast]bool{}
			}
			b.catalogs.printed[c] = true
		}
	}
}

// printedName binds a cast that printedOperands has marked.
func (b *binding) printedName(s *scope, n *ast.Node) bool {
	if !b.catalogs.printed[n.GetTypeCast()] {
		return false
	}
	b.boundCast(s, n)
	b.wrapName(n)
	return true
}

// nameAsText binds x::regclass::text, and the same with regtype: what is printed is the name of a relation or type, and
// the version's is printed instead. false means that a cast is none of these.
func (b *binding) nameAsText(s *scope, c *ast.TypeCast) bool {
	inner := c.Arg.GetTypeCast()
	if inner == nil || !isTextType(c.TypeName) || !b.printsName(inner) {
		return false
	}
	b.saw(c)
	b.typeName(c.TypeName)
	b.boundCast(s, c.Arg)
	b.wrapName(c.Arg)
	return true
}

func isTextType(t *ast.TypeName) bool {
	names := stringsOf(t.GetNames())
	if len(t.GetArrayBounds()) > 0 {
		return false
	}
	for _, text := range []string{"text", "varchar", "name", "bpchar"} {
		if isBuiltin(names, text) {
			return true
		}
	}
	return false
}

// printsName tells whether a cast makes something of a number that prints as the name of a relation or type.
func (b *binding) printsName(c *ast.TypeCast) bool {
	if b.views.nameSQL(c) == "" || len(c.TypeName.ArrayBounds) > 0 || b.isOtherRelation(c) {
		return false
	}
	b.catalogs.used = true
	return true
}

// isOtherRelation tells whether a cast to regclass is that of a constant which means no table that is renamed.
func (b *binding) isOtherRelation(c *ast.TypeCast) bool {
	k := c.Arg.GetAConst()
	if k.GetSval() == nil || !isBuiltin(stringsOf(c.TypeName.Names), "regclass") {
		return false
	}
	text := k.GetSval().Sval
	if oid, err := strconv.ParseUint(text, 10, 32); err == nil {
		return !b.views.renames(catalog.OID(oid))
	}
	parts, ok := splitName(text)
	if !ok || len(parts) > 2 {
		return false
	}
	r, f := b.relationNamed(strings.Join(parts[:len(parts)-1], ""), parts[len(parts)-1])
	return f == found && r.rel != nil && !b.views.renames(r.rel.OID)
}

// renames tells whether the table has another name.
func (in *introspection) renames(oid catalog.OID) bool {
	return slices.ContainsFunc(in.groups, func(g *tableGroup) bool { return g.renamed && g.oids[0] == oid })
}

// nameSQL is the SQL of the name of the object r.o; "" if no such name differs.
func (in *introspection) nameSQL(c *ast.TypeCast) string {
	names := stringsOf(c.TypeName.GetNames())
	switch {
	case isBuiltin(names, "regtype"):
		return in.typeSQL("r.o::pg_catalog.text", "r.o")
	case !isBuiltin(names, "regclass"):
		return ""
	}
	sql := ""
	for _, g := range in.groups {
		if g.renamed {
			sql += " WHEN r.o" + eq + oidLiteral(g.oids[0]) + " THEN " + g.tableSQL("r.o::pg_catalog.text")
		}
	}
	if sql == "" {
		return ""
	}
	return "CASE" + sql + " ELSE r.o::pg_catalog.text END"
}

// wrapName has a cast to regclass or regtype give the version's name as text. The label that the expression gives stays
// what it was.
func (b *binding) wrapName(n *ast.Node) {
	c := n.GetTypeCast()
	start, end, ok := b.castRange(c)
	if !ok {
		b.unsupported(int(c.Location), refusedCatalog, "a cast to "+lastString(c.TypeName.Names), "is written in a way that is not understood")
		return
	}
	b.affected = true
	l := b.labelOf(n)
	before, after := "(SELECT "+b.views.nameSQL(c)+" AS "+quoteIdent(l.name)+" FROM (SELECT ", ") AS r(o))"
	if l.strength < 2 {
		before, after = "("+before, after+concat+"'')" // an operator gives no label
	}
	whole := &ast.Node{Node: n.Node}
	b.changes = slices.Insert(b.changes, 0, change{edit: Edit{Start: start, End: start, New: before}}) // around what is inside
	b.replace(end, end, after, func() { fillTemplate(n, []string{before, after}, []*ast.Node{whole}) })
}

// namesInOutput has the topmost query of a statement print the version's names where a column of its result is cast to
// regclass or regtype. Such a column is of type text then, and what sorts by it does so by number as before.
func (b *binding) namesInOutput(sel *ast.SelectStmt) {
	if sel == nil || b.views == nil || b.catalogs.stored || sel.IntoClause != nil {
		return
	}
	if sel.GetOp() != ast.SetOperation_SETOP_NONE {
		for _, arm := range []*ast.SelectStmt{sel.Larg, sel.Rarg} {
			if b.castsInOutput(arm) {
				b.affected = true
				b.unsupported(-1, refusedCatalog, "a cast to regclass", "in one of several queries prints a name of the database")
			}
		}
		return
	}
	for i, n := range sel.GetTargetList() {
		if t := n.GetResTarget(); b.isNameCast(t.GetVal()) {
			b.nameInOutput(sel, t, i)
		}
	}
}

// namesReturned is namesInOutput for the RETURNING list of a statement that is not part of another one.
func (b *binding) namesReturned(list []*ast.Node) {
	if b.views == nil || b.catalogs.stored {
		return
	}
	for _, n := range list {
		if t := n.GetResTarget(); b.isNameCast(t.GetVal()) {
			b.wrapTarget(t)
		}
	}
}

func (b *binding) isNameCast(n *ast.Node) bool {
	return n.GetTypeCast() != nil && b.printsName(n.GetTypeCast())
}

// castsInOutput tells whether a query puts out a cast that prints names.
func (b *binding) castsInOutput(sel *ast.SelectStmt) bool {
	if sel.GetOp() != ast.SetOperation_SETOP_NONE {
		return b.castsInOutput(sel.Larg) || b.castsInOutput(sel.Rarg)
	}
	for _, n := range sel.GetTargetList() {
		if b.isNameCast(n.GetResTarget().GetVal()) {
			return true
		}
	}
	return false
}

// nameInOutput wraps output column i, and has ORDER BY go by its value as it was.
func (b *binding) nameInOutput(sel *ast.SelectStmt, t *ast.ResTarget, i int) {
	l := b.labelOf(t.Val)
	value := t.Val.Node
	start, end, _ := b.castRange(t.Val.GetTypeCast())
	for _, n := range sel.SortClause {
		by := n.GetSortBy()
		if !sortsBy(by.GetNode(), sel, t, l, i) {
			continue
		}
		at := b.tokens.at(sortLocation(by.Node))
		if len(sel.DistinctClause) > 0 || len(sel.GroupClause) > 0 || b.changesWithin(start, end) {
			b.affected = true
			b.unsupported(b.tokens.start(at), refusedCatalog, "ORDER BY a cast to regclass", "would go by another order")
			return
		}
		b.replace(b.tokens.start(at), b.tokens.identEnd(at), b.sql[start:end], func() { by.Node = &ast.Node{Node: value} })
	}
	b.wrapTarget(t)
}

// wrapTarget wraps an output column, and keeps its label.
func (b *binding) wrapTarget(t *ast.ResTarget) {
	l := b.labelOf(t.Val)
	b.wrapName(t.Val)
	if t.Name == "" && l.strength < 2 {
		b.keepLabel(t, l)
	}
}

// sortsBy tells whether an item of ORDER BY is output column i by its number or its label.
func sortsBy(n *ast.Node, sel *ast.SelectStmt, t *ast.ResTarget, l label, i int) bool {
	if k := n.GetAConst(); k.GetIval() != nil {
		return int(k.GetIval().Ival) == i+1
	}
	name, bare := bareName(n.GetColumnRef())
	return bare && (name == t.Name || t.Name == "" && name == l.name)
}

func sortLocation(n *ast.Node) int {
	if k := n.GetAConst(); k != nil {
		return int(k.Location)
	}
	return int(n.GetColumnRef().GetLocation())
}

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
	i := b.tokens.at(int(c.Location))
	if b.tokens.kind(i) == ast.Token_CAST {
		return b.tokens.start(i), b.tokens.end(b.closing(i + 1)), b.tokens.is(i+1, '(')
	}
	if b.tokens.kind(i) != ast.Token_TYPECAST {
		return 0, 0, false
	}
	first, ok := b.operandStart(i - 1)
	last := i + 1
	for b.tokens.is(b.afterIdent(last), '.') {
		last = b.part(last, 1)
	}
	return b.tokens.start(first), b.tokens.identEnd(last), ok
}

// operandStart is the first token of the operand of a cast that ends with token i.
func (b *binding) operandStart(i int) (int, bool) {
	switch {
	case b.tokens.is(i, ')'), b.tokens.is(i, ']'):
		open := b.opening(i)
		if open < 0 {
			return 0, false
		}
		before := open - 1
		if _, name := b.tokens.ident(before); name && b.callable(before) || b.tokens.is(before, ']') || b.tokens.is(before, ')') {
			return b.operandStart(before)
		}
		return open, true
	case b.tokens.kind(i) == ast.Token_SCONST, b.tokens.kind(i) == ast.Token_ICONST, b.tokens.kind(i) == ast.Token_PARAM:
		if b.tokens.kind(i-1) == ast.Token_TYPECAST {
			return 0, false
		}
		return i, true
	}
	if _, ok := b.tokens.ident(i); !ok {
		return 0, false
	}
	switch {
	case b.tokens.is(i-1, '.'):
		return b.operandStart(i - 2)
	case b.tokens.kind(i-1) == ast.Token_TYPECAST:
		return b.operandStart(i - 2)
	}
	return i, true
}

// callable tells whether the word at token i can be the name of a function before a bracket.
func (b *binding) callable(i int) bool {
	switch k := b.tokens.list[i].keyword; k {
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
		case b.tokens.is(i, ')'), b.tokens.is(i, ']'):
			depth++
		case b.tokens.is(i, '('), b.tokens.is(i, '['):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// boundCast binds a cast that is to be wrapped.
func (b *binding) boundCast(s *scope, n *ast.Node) {
	if !b.relationLookup(s, n) {
		b.typeCast(s, n.GetTypeCast())
	}
}
