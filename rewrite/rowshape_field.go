package rewrite

import (
	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// indirection binds subscripts and fields of a value.
func (b *binding) indirection(s *scope, i *ast.A_Indirection) {
	b.saw(i)
	if ref := i.Arg.GetColumnRef(); ref != nil && len(i.Indirection) > 0 && i.Indirection[0].GetAIndices() == nil {
		put(&b.tolerated, ref, true) // its fields are found by their names
	}
	if f := i.Arg.GetFuncCall(); f != nil && len(i.Indirection) > 0 && i.Indirection[0].GetAIndices() == nil {
		put(&b.fielded, f, true)
	}
	b.expr(s, i.Arg)
	b.subscripts(s, i.Indirection)
	b.givenField(i)
	v := b.valueOf(i.Arg)
	if !b.meetsRows(v, i.Indirection) {
		return
	}
	token := b.indirectionToken(i)
	if token < 0 {
		b.misplaced(b.minLocation(i.Arg), ast.LastName(i.Indirection))
		return
	}
	miss := b.fieldMissing(b.minLocation(i.Arg))
	if b.given.isRow(i.Arg) {
		miss = func(value, string, bool) {} // it is never reached, or refused for what it is at the server
	}
	last, renamed := b.followFields(v, i.Indirection, token, miss)
	put(&b.indirections, i, last)
	put(&b.respelled, proto.Message(i), renamed)
}

// meetsRows tells whether a row that differs at the server is met on the way along fields, functions and subscripts.
func (b *binding) meetsRows(v value, list []*ast.Node) bool {
	for _, n := range list {
		if b.difference(v) != sameShape {
			return true
		}
		switch x := n.Node.(type) {
		case *ast.Node_AIndices:
			if !x.AIndices.IsSlice {
				v = v.element()
			}
		case *ast.Node_String_:
			v = b.functionField(v, x.String_.Sval)
		}
	}
	return b.difference(v) != sameShape
}

// functionField is what a name behind a row that is the same at the server stands for: it matters only where it is the
// function of a row, as there is no row that differs in such a row.
func (b *binding) functionField(v value, name string) value {
	if fields := b.fields(v); fields == nil {
		return value{}
	} else if _, f := fields.column(name, inVersion); f != missing {
		return value{}
	}
	if f := b.rowFunction(name, v); f != nil {
		return b.returned(f)
	}
	return value{}
}

// subscripts binds the subscripts among fields and subscripts.
func (b *binding) subscripts(s *scope, list []*ast.Node) {
	for _, n := range list {
		if x := n.GetAIndices(); x != nil {
			b.saw(x)
			b.expr(s, x.Lidx)
			b.expr(s, x.Uidx)
		}
	}
}

// followFields follows subscripts and fields from a value, and splices physical names. token is the one before the
// first of them. It returns what is at the end (before a star, the row), and whether the last name has changed.
func (b *binding) followFields(v value, list []*ast.Node, token int, miss missingField) (end value, renamed bool) {
	for k, n := range list {
		switch x := n.Node.(type) {
		case *ast.Node_AIndices:
			if !x.AIndices.IsSlice {
				v = v.element()
			}
			token = b.closing(token + 1)
		case *ast.Node_String_:
			token += 2 // the dot and the name
			v, renamed = b.followField(v, list, k, token, miss)
			token = b.afterIdent(token) - 1
		}
	}
	return v, renamed
}

// followField finds the k-th name in a row.
func (b *binding) followField(v value, list []*ast.Node, k, token int, miss missingField) (value, bool) {
	name := ast.StrVal(list[k])
	fields := v.item // of a row as such, the columns as its alias calls them
	if fields == nil || v.array {
		fields = b.fields(v)
	}
	if fields == nil {
		return value{}, false
	}
	if b.difference(v) == sameShape {
		return b.functionField(v, name), false
	}
	c, f := fields.column(name, inVersion)
	location := b.tokens.Start(token)
	switch {
	case f == found:
	case f == missing && b.rowFunction(name, v) != nil:
		if _, g := fields.column(name, atServer); g != missing {
			b.unsupported(location, refusedDoubt, "the function "+syntax.QuoteIdent(name)+" of a row", "would be a column in the database")
		}
		return b.returned(b.rowFunction(name, v)), false
	default:
		result, ok := b.anyRowResult(name, v)
		if _, g := fields.column(name, atServer); ok && f == missing && g == missing && b.rowFunctionExists(name) {
			return result, false
		}
		if f == ambiguous || b.rowFunctionExists(name) {
			b.unsupported(location, refusedRow, "the field or function "+syntax.QuoteIdent(name)+" of a row", "is not certain")
			return value{}, false
		}
		_, g := fields.column(name, atServer)
		miss(v, name, g == missing)
		return value{}, false
	}
	b.use(c.table, c.root.nameInVersion(c))
	b.concernRows(c)
	if c.physical == name {
		return b.columnValue(c), false
	}
	if !b.takesName(c, location, "a field") {
		return value{}, false
	}
	if c.physical == "" {
		b.unsupported(location, refusedRow, "the field "+syntax.QuoteIdent(name), "cannot be named in the database")
		return value{}, false
	}
	b.renameToken(token, name, c.physical, func() { list[k] = stringNode(c.physical) })
	return b.columnValue(c), true
}

// A missingField raises the error of a row that has no such field; natural says that the server finds none either.
type missingField func(v value, name string, natural bool)

// fieldMissing raises 42703 in PostgreSQL's words (unknown_attribute), which points to the row.
func (b *binding) fieldMissing(location int) missingField {
	return func(v value, name string, natural bool) {
		if v.item != nil {
			b.lookAgain([]*item{v.item}, name)
		}
		switch {
		case v.item != nil && v.item.relVisible:
			b.fail("42703", location, natural, "column "+v.item.name+"."+name+" does not exist", "")
		case v.typ != 0:
			b.fail("42703", location, natural, `column "`+name+`" not found in data type `+b.typeTitle(v), "")
		default:
			b.fail("42703", location, natural, `could not identify column "`+name+`" in record data type`, "")
		}
	}
}

// unassignable raises 42703 in PostgreSQL's words (transformAssignmentIndirection).
func (b *binding) unassignable(t *ast.ResTarget) missingField {
	return func(v value, name string, natural bool) {
		b.fail("42703", int(t.Location), natural, `cannot assign to field "`+name+`" of column "`+t.Name+
			`" because there is no such column in data type `+b.typeTitle(v), "")
	}
}

// rowFunctionExists tells whether there is a function of that name which may take a row.
func (b *binding) rowFunctionExists(name string) bool {
	for _, f := range b.cat.Functions(name) {
		if len(f.ArgTypes) == 1 && (isPolymorphic(f.ArgTypes[0]) || b.ofType(f.ArgTypes[0]).holdsRows()) {
			return true
		}
	}
	return false
}

// typeTitle is what the version calls a row type, as format_type prints it.
func (b *binding) typeTitle(v value) string {
	rel := b.relationOf(v.typ)
	if rel == nil {
		return "record"
	}
	name, schema := rel.Name, ""
	if l := b.lens.Table(rel.OID); l != nil {
		name = l.Logical
	}
	if r, f := b.relationNamed("", name); f != found || r.rel == nil || r.rel.OID != rel.OID {
		schema = syntax.QuoteIdent(rel.Schema) + "."
	}
	return schema + syntax.QuoteIdent(name)
}

// indirectionToken finds the last token of what the fields of an indirection follow: the bracket that closes (…), a
// parameter, or the last name of a reference with subscripts. The grammar keeps no such location, so it is the first
// place where the fields and subscripts stand as they should. -1 when there is none.
func (b *binding) indirectionToken(i *ast.A_Indirection) int {
	first := b.tokens.At(b.minLocation(i.Arg))
	switch n := i.Arg.Node.(type) {
	case *ast.Node_ParamRef:
		if b.indirectionFollows(first, i.Indirection) {
			return first
		}
	case *ast.Node_ColumnRef:
		if !b.tokens.Is(first-1, '(') || i.Indirection[0].GetAIndices() != nil {
			if last := b.afterIdent(b.part(first, len(n.ColumnRef.Fields)-1)) - 1; b.indirectionFollows(last, i.Indirection) {
				return last
			}
		}
	}
	end := b.tokens.At(b.maxLocation(i.Arg))
	for open := first; open >= 0 && (open == first || b.tokens.Is(open, '(')); open-- {
		if !b.tokens.Is(open, '(') || b.opened[open] {
			continue
		}
		if last := b.closing(open); last >= end && b.indirectionFollows(last, i.Indirection) {
			put(&b.opened, open, true)
			return last
		}
	}
	return -1
}

// indirectionFollows tells whether the fields and subscripts stand after a token.
func (b *binding) indirectionFollows(token int, list []*ast.Node) bool {
	for _, n := range list {
		if n.GetAIndices() != nil {
			if !b.tokens.Is(token+1, '[') {
				return false
			}
			token = b.closing(token + 1)
			continue
		}
		if !b.tokens.Is(token+1, '.') {
			return false
		}
		token += 2
		if n.GetAStar() != nil {
			return b.tokens.Is(token, '*')
		}
		if name, ok := b.tokens.Ident(token); !ok || name != ast.StrVal(n) {
			return false
		}
		token = b.afterIdent(token) - 1
	}
	return true
}

// writtenFields follows the fields of a column that is written, as in SET member.surname = ….
func (b *binding) writtenFields(t *ast.ResTarget, c *column) {
	if len(t.Indirection) == 0 {
		return
	}
	b.concernRows(c)
	v := b.columnValue(c)
	if b.difference(v) == sameShape {
		return
	}
	token := b.afterIdent(b.tokens.At(int(t.Location))) - 1
	if !b.indirectionFollows(token, t.Indirection) {
		b.misplaced(int(t.Location), t.Name)
		return
	}
	b.followFields(v, t.Indirection, token, b.unassignable(t))
}
