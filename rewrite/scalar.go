package rewrite

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// isScalarArray tells whether an expression, already bound, is surely an array whose elements are no rows.
func (b *binding) isScalarArray(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_ColumnRef:
		c := b.columns[n.ColumnRef]
		return c != nil && b.isArrayType(c.typ)
	case *ast.Node_TypeCast:
		t := n.TypeCast.GetTypeName()
		return len(t.GetArrayBounds()) > 0 && !b.namesRow(ast.StrVals(t.GetNames()))
	case *ast.Node_AArrayExpr:
		for _, e := range n.AArrayExpr.Elements {
			if !b.isScalarElement(e) {
				return false
			}
		}
		return len(n.AArrayExpr.Elements) > 0
	case *ast.Node_FuncCall:
		candidates := b.candidates(n.FuncCall)
		for _, f := range candidates {
			if len(f.Out) > 0 || !b.isArrayType(f.Return) {
				return false
			}
		}
		return len(candidates) > 0
	}
	return false
}

func (b *binding) isScalarElement(n *ast.Node) bool {
	switch n := n.Node.(type) {
	case *ast.Node_AConst:
		return true
	case *ast.Node_ColumnRef:
		c := b.columns[n.ColumnRef]
		return c != nil && c.typ != 0 && !b.holdsRow(c.typ, maxTypeDepth)
	case *ast.Node_TypeCast:
		return !b.namesRow(ast.StrVals(n.TypeCast.GetTypeName().GetNames()))
	}
	return b.isScalarArray(n)
}

// isArrayType tells whether a type is an array of something else than rows.
func (b *binding) isArrayType(typ catalog.OID) bool {
	t := b.cat.Type(typ)
	return t != nil && t.Elem != 0 && !b.holdsRow(t.Elem, maxTypeDepth)
}

// namesRow tells whether a type of that name may be a row, or hold one.
func (b *binding) namesRow(names []string) bool {
	if len(names) == 0 || b.rowTypeNamed(names) != nil {
		return true
	}
	for _, t := range b.cat.TypesNamed(names[len(names)-1]) {
		if b.holdsRow(t.OID, maxTypeDepth) {
			return true
		}
	}
	return len(b.cat.Named(names[len(names)-1])) > 0
}

// holdsRow tells whether a type is a row, or an array or a domain of one.
func (b *binding) holdsRow(typ catalog.OID, depth int) bool {
	if typ == 0 || depth == 0 {
		return false
	}
	if b.cat.ByRowType(typ) != nil {
		return true
	}
	t := b.cat.Type(typ)
	return t != nil && (t.Relation != 0 || b.holdsRow(t.Base, depth-1) || b.holdsRow(t.Elem, depth-1))
}
