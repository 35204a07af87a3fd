package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// namesInOutput has the topmost query of a statement print the version's names where a column of its result is of an OID
// alias type. Such a column is of type text then, and what sorts by it does so by number as before. Plain casts and columns
// are replaced where they are; where that would change what else the query does, a query is put around it by set.
func (b *binding) namesInOutput(sel *ast.SelectStmt, out output, set func(*ast.SelectStmt)) {
	if sel == nil || b.views == nil || b.catalogs.stored || sel.IntoClause != nil {
		return
	}
	if sel.GetOp() == ast.SetOperation_SETOP_NONE && (b.replacesOutput(sel) || set == nil) {
		for i, n := range sel.GetTargetList() {
			t := n.GetResTarget()
			if b.printsName(t.GetVal()) {
				b.nameInOutput(sel, t, i)
			} else if set == nil {
				b.printed(t.GetVal())
			}
		}
		return
	}
	b.aliasesInOutput(sel, out, set)
}

// queryInOutput is namesInOutput for a query in another statement.
func (b *binding) queryInOutput(n *ast.Node, out output) {
	b.namesInOutput(n.GetSelectStmt(), out, func(sel *ast.SelectStmt) { n.Node = &ast.Node_SelectStmt{SelectStmt: sel} })
}

// replacesOutput tells whether all that prints names in the output of a query are casts that can be replaced where they are.
func (b *binding) replacesOutput(sel *ast.SelectStmt) bool {
	for _, n := range sel.GetTargetList() {
		val := n.GetResTarget().GetVal()
		if isStar(val) || nameType(val) == "" && b.printsAlias(val) != 0 {
			return false
		}
	}
	return len(sel.ValuesLists) == 0 && (len(sel.DistinctClause) == 0 || len(sel.SortClause) == 0)
}

// namesReturned is namesInOutput for the RETURNING list of a statement that is not part of another one.
func (b *binding) namesReturned(r ast.Returns, out output) {
	if b.views == nil || b.catalogs.stored {
		return
	}
	for _, n := range *r.Exprs {
		if t := n.GetResTarget(); b.printsName(t.GetVal()) {
			b.wrapTarget(t)
		}
	}
	b.aliasReturned(*r.Exprs, out, func(list []*ast.Node) { *r.Exprs = list })
}

// nameInOutput wraps output column i, and has GROUP BY and ORDER BY go by its value as it was.
func (b *binding) nameInOutput(sel *ast.SelectStmt, t *ast.ResTarget, i int) {
	l := b.labelOf(t.Val)
	value := t.Val.Node
	start, end, ok := b.placeOf(t.Val)
	changed := !ok || b.changesWithin(start, end)
	// A subquery cannot read what is grouped by an expression, as the expression itself can.
	inPlace := !changed && nameSource(t.Val).GetColumnRef() != nil
	replace := func(location int, node *ast.Node) {
		at := b.tokens.At(location)
		b.replace(b.tokens.Start(at), b.tokens.IdentEnd(at), b.sql[start:end], func() { node.Node = value })
	}
	for _, n := range sel.SortClause {
		by := n.GetSortBy()
		if !sortsBy(by.GetNode(), sel, t, l, i) {
			continue
		}
		if len(sel.DistinctClause) > 0 || len(sel.GroupClause) > 0 && !inPlace || changed {
			b.affected = true
			b.unsupported(b.tokens.Start(b.tokens.At(sortLocation(by.Node))), refusedCatalog, "ORDER BY a cast to regclass", "would go by another order")
			return
		}
		replace(sortLocation(by.Node), by.Node)
	}
	if !inPlace {
		b.wrapTarget(t)
		return
	}
	for _, n := range sel.GroupClause {
		if _, input := b.columns[n.GetColumnRef()]; !input && sortsBy(n, sel, t, l, i) {
			replace(sortLocation(n), n)
		}
	}
	b.affected = true
	text := "(" + b.shownAs(aliasTypes[nameType(t.Val)], "("+b.sql[start:end]+")") + ")"
	b.replace(start, end, text, func() { fillTemplate(t.Val, []string{text}, nil) })
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
	name, bare := ast.BareName(n.GetColumnRef())
	return bare && (name == t.Name || t.Name == "" && name == l.name)
}

func sortLocation(n *ast.Node) int {
	if k := n.GetAConst(); k != nil {
		return int(k.Location)
	}
	return int(n.GetColumnRef().GetLocation())
}
