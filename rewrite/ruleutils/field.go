package ruleutils

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// indirection prints a field or an element of a value.
func (r *Printer) indirection(n *ast.A_Indirection, l *printLevel) {
	r.walk(n.Arg, l)
	typ, array := r.typeOf(n.Arg, l)
	at := -1
	for _, part := range n.Indirection {
		switch {
		case part.GetAIndices() != nil:
			r.walk(part, l)
			typ, array = r.Names.elementType(typ, array), false
			continue
		case part.GetAStar() != nil:
			continue
		}
		name := ast.StrVal(part)
		rel := r.Names.rowOf(typ, array)
		if rel == nil {
			return // allKnown gives up if the name is one that changes
		}
		if at = r.fieldToken(n, name, at); at < 0 {
			r.unsure()
			return
		}
		typ, array = r.field(at, name, rel), false
	}
}

// fieldToken finds a field behind its value: the parser gives it no location. It is the first of that name after a dot
// that follows a bracket and means nothing else.
func (r *Printer) fieldToken(n *ast.A_Indirection, name string, after int) int {
	from := after + 1
	if after < 0 {
		from = r.tokens.At(firstLocation(n.Arg))
	}
	for i := from; i < r.tokens.Len(); i++ {
		if got, ok := r.tokens.Ident(i); ok && got == name && r.tokens.Is(i-1, '.') && !r.known[i] &&
			(r.tokens.Is(i-2, ')') || r.tokens.Is(i-2, ']') || i-2 == after) {
			return i
		}
	}
	return -1
}

// firstLocation is the least place that is known of an expression.
func firstLocation(n *ast.Node) int {
	first := -1
	ast.Walk(n, func(m proto.Message) {
		l, ok := m.(interface{ GetLocation() int32 })
		if ok && l.GetLocation() > 0 && (first < 0 || int(l.GetLocation()) < first) {
			first = int(l.GetLocation())
		}
	})
	return first
}

// field prints the name of a field at token i, and gives its type.
func (r *Printer) field(i int, name string, rel *catalog.Relation) catalog.OID {
	columns, _ := r.Names.columns(rel)
	for _, c := range columns {
		if c.real[inDatabase] == name {
			r.replace(i, i, r.quote(c.real[inTheVersion]))
			return c.typ
		}
	}
	return 0
}

// fields prints the fields and elements that follow the column of an assignment, whose name is token i.
func (r *Printer) fields(i int, list []*ast.Node, column catalog.OID, l *printLevel) {
	typ, array := r.elementOf(column)
	for _, part := range list {
		if part.GetAIndices() != nil {
			r.walk(part, l)
			i = r.closingBracket(i + 1)
			typ, array = r.Names.elementType(typ, array), false
			continue
		}
		rel := r.Names.rowOf(typ, array)
		if rel == nil {
			return
		}
		i += 2
		typ, array = r.elementOf(r.field(i, ast.StrVal(part), rel))
	}
}

// closingBracket is the token that closes the square bracket which token i opens.
func (r *Printer) closingBracket(i int) int {
	for depth := 0; i < r.tokens.Len(); i++ {
		switch {
		case r.tokens.Is(i, '['):
			depth++
		case r.tokens.Is(i, ']'):
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if !r.tokens.Is(i, ']') {
		r.unsure()
	}
	return i
}

// typeOf is the type of an expression, as far as a field can be chosen from it; 0 when it is not known.
func (r *Printer) typeOf(n *ast.Node, l *printLevel) (typ catalog.OID, array bool) {
	switch n := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		return r.typeOfColumn(n.ColumnRef, l)
	case *ast.Node_TypeCast:
		names := ast.StrVals(n.TypeCast.TypeName.GetNames())
		if len(names) == 0 {
			return 0, false
		}
		rel := r.Names.rowType(strings.Join(names[:len(names)-1], ""), names[len(names)-1])
		if rel == nil {
			return 0, false
		}
		return rel.RowType, false
	case *ast.Node_FuncCall:
		names := ast.StrVals(n.FuncCall.Funcname)
		if f := r.Names.Catalog.Functions(names[len(names)-1]); len(f) == 1 {
			return r.elementOf(f[0].Return)
		}
	case *ast.Node_SubLink:
		s := n.SubLink.Subselect.GetSelectStmt()
		if n.SubLink.SubLinkType == ast.SubLinkType_EXPR_SUBLINK && len(s.GetTargetList()) == 1 {
			return r.typeOf(s.TargetList[0].GetResTarget().GetVal(), l)
		}
	}
	return 0, false
}

// elementOf tells arrays from what they hold.
func (r *Printer) elementOf(typ catalog.OID) (catalog.OID, bool) {
	if t := r.Names.Catalog.Type(typ); t != nil && t.Elem != 0 {
		return typ, true
	}
	return typ, false
}

func (r *Printer) typeOfColumn(c *ast.ColumnRef, l *printLevel) (catalog.OID, bool) {
	fields := ast.StrVals(c.Fields)
	name := fields[len(fields)-1]
	if len(fields) == 1 {
		if l.bare != nil && l.bare.column(name) != nil {
			return r.elementOf(l.bare.column(name).typ)
		}
		return r.elementOf(r.params[name])
	}
	e := l.entry(fields[0])
	switch {
	case e == nil:
		return r.elementOf(r.params[name])
	case c.Fields[len(fields)-1].GetAStar() != nil && e.rel != nil:
		return e.rel.RowType, false
	}
	for _, in := range append([]*printEntry{e}, e.join.entries()...) {
		if col := in.column(name); col != nil {
			return r.elementOf(col.typ)
		}
	}
	return 0, false
}
