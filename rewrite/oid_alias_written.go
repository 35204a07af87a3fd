package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// Values of an OID alias type that are written into a column.

// valuesWritten binds the values that INSERT gives to the columns, which have been bound: the rows of VALUES and what a
// query puts out.
func (b *binding) valuesWritten(sel *ast.SelectStmt, columns []catalog.OID) {
	if sel == nil || !b.renaming() || !slices.ContainsFunc(columns, func(typ catalog.OID) bool { return b.holdsAliases(typ) }) {
		return
	}
	switch {
	case sel.GetOp() != ast.SetOperation_SETOP_NONE:
		b.valuesWritten(sel.Larg, columns)
		b.valuesWritten(sel.Rarg, columns)
		return
	case len(sel.ValuesLists) > 0:
		for _, n := range sel.ValuesLists {
			b.rowWritten(n.GetList().GetItems(), columns)
		}
		return
	}
	for i, n := range sel.TargetList {
		t := n.GetResTarget()
		if i >= len(columns) || isStar(t.GetVal()) {
			return
		}
		b.become(t.GetVal(), columns[i], nil)
	}
}

// rowWritten is valuesWritten for one row of VALUES.
func (b *binding) rowWritten(items []*ast.Node, columns []catalog.OID) {
	for i, item := range items {
		if i < len(columns) && !slices.ContainsFunc(items[:i+1], isStar) {
			b.become(item, columns[i], nil)
		}
	}
}

// holdsAliases tells whether a column of the type holds values of an OID alias type.
func (b *binding) holdsAliases(typ catalog.OID) bool {
	typ = b.baseOf(typ)
	return isAlias(typ) || b.holdsAlias(typ)
}

// typesWritten are the types of the columns that INSERT writes: those of its list, or all of the version's.
func (b *binding) typesWritten(cols []*ast.Node, target *item) []catalog.OID {
	var out []catalog.OID
	if len(cols) == 0 {
		for _, c := range target.cols {
			if c.name != "" && c.num > 0 {
				out = append(out, c.typ)
			}
		}
		return out
	}
	for _, n := range cols {
		out = append(out, b.typeWrittenTo(n.GetResTarget(), target))
	}
	return out
}

// typeWrittenTo is the type of what a target of INSERT or SET takes: of the column, an element of it, or a field.
func (b *binding) typeWrittenTo(t *ast.ResTarget, target *item) catalog.OID {
	for _, c := range target.cols {
		if c.num <= 0 || c.name != t.GetName() {
			continue
		}
		typ := b.baseOf(c.typ)
		for _, n := range t.GetIndirection() {
			switch {
			case n.GetAIndices() != nil && n.GetAIndices().IsSlice:
			case n.GetAIndices() != nil:
				typ = aliasElement(typ)
			default:
				rel := b.relationOf(typ)
				if rel == nil || rel.Column(ast.StrVal(n)) == nil {
					return 0
				}
				typ = b.baseOf(rel.Column(ast.StrVal(n)).Type)
			}
		}
		return typ
	}
	return 0
}

// assigned has the values of SET mean what they mean to the version.
func (b *binding) assigned(list []*ast.Node, target *item) {
	if !b.renaming() {
		return
	}
	for _, n := range list {
		t := n.GetResTarget()
		typ := b.typeWrittenTo(t, target)
		m := t.GetVal().GetMultiAssignRef()
		switch {
		case typ == 0 || !b.holdsAliases(typ):
		case m == nil:
			b.become(t.GetVal(), typ, nil)
		case m.Source.GetRowExpr() != nil && int(m.Colno) <= len(m.Source.GetRowExpr().Args):
			b.become(m.Source.GetRowExpr().Args[m.Colno-1], typ, nil)
		case m.Source.GetSubLink() != nil:
			columns := make([]catalog.OID, m.Colno)
			columns[m.Colno-1] = typ
			b.valuesWritten(m.Source.GetSubLink().Subselect.GetSelectStmt(), columns)
		}
	}
}

// aliasesInValues are the types of the columns of VALUES, and has the constants in these mean what they mean to the version.
// Only OID alias types are told.
func (b *binding) aliasesInValues(rows []*ast.Node, width int) []catalog.OID {
	types := make([]catalog.OID, width)
	if !b.renaming() {
		return types
	}
	for i := range types {
		var column []*ast.Node
		for _, n := range rows {
			if items := n.GetList().GetItems(); i < len(items) && !slices.ContainsFunc(items[:i+1], isStar) {
				column = append(column, items[i])
			}
		}
		b.commonNames(column)
		if typ := b.commonType(column); isAlias(typ) {
			types[i] = typ
		}
	}
	return types
}

// aliasesMerged has the constants that the arms of a set operation put out mean what they mean to the version where the
// columns become of an OID alias type, and tells the left arm's columns so (transformSetOperationTree).
func (b *binding) aliasesMerged(sel *ast.SelectStmt, left, right output) {
	if !b.renaming() || left.unknown || right.unknown {
		return
	}
	for i := range left.cols {
		if i >= len(right.cols) {
			return
		}
		typ := commonOf([]catalog.OID{b.mergedType(sel.Larg, left, i), b.mergedType(sel.Rarg, right, i)})
		if !isAlias(typ) {
			continue
		}
		left.cols[i].typ = typ
		columns := make([]catalog.OID, i+1)
		columns[i] = typ
		b.constantsPutOut(sel.Larg, columns)
		b.constantsPutOut(sel.Rarg, columns)
	}
}

// mergedType is the type of column i of an arm, as commonOf wants it.
func (b *binding) mergedType(sel *ast.SelectStmt, out output, i int) catalog.OID {
	if typ := b.baseOf(out.cols[i].typ); typ != 0 {
		return typ
	}
	if sel.GetOp() == ast.SetOperation_SETOP_NONE && i < len(sel.TargetList) && !slices.ContainsFunc(sel.TargetList[:i+1], func(n *ast.Node) bool {
		return isStar(n.GetResTarget().GetVal())
	}) {
		return b.exprType(sel.TargetList[i].GetResTarget().GetVal())
	}
	return 0
}

// constantsPutOut is commonNames for what an arm of a set operation puts out by itself.
func (b *binding) constantsPutOut(sel *ast.SelectStmt, columns []catalog.OID) {
	i := len(columns) - 1
	if sel.GetOp() != ast.SetOperation_SETOP_NONE || i >= len(sel.TargetList) {
		return
	}
	if slices.ContainsFunc(sel.TargetList[:i+1], func(n *ast.Node) bool { return isStar(n.GetResTarget().GetVal()) }) {
		return
	}
	b.nameInConstant(sel.TargetList[i].GetResTarget().GetVal().GetAConst(), columns[i])
}
