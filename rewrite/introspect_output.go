package rewrite

import "github.com/seguedb/segue/rewrite/ast"

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
		if t := n.GetResTarget(); b.printsName(t.GetVal()) {
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
		if t := n.GetResTarget(); b.printsName(t.GetVal()) {
			b.wrapTarget(t)
		}
	}
}

// castsInOutput tells whether a query puts out a cast that prints names.
func (b *binding) castsInOutput(sel *ast.SelectStmt) bool {
	if sel.GetOp() != ast.SetOperation_SETOP_NONE {
		return b.castsInOutput(sel.Larg) || b.castsInOutput(sel.Rarg)
	}
	for _, n := range sel.GetTargetList() {
		if b.printsName(n.GetResTarget().GetVal()) {
			return true
		}
	}
	return false
}

// nameInOutput wraps output column i, and has GROUP BY and ORDER BY go by its value as it was.
func (b *binding) nameInOutput(sel *ast.SelectStmt, t *ast.ResTarget, i int) {
	l := b.labelOf(t.Val)
	value := t.Val.Node
	start, end, ok := b.nameRange(t.Val)
	changed := !ok || b.changesWithin(start, end)
	// A subquery cannot read what is grouped by an expression, as the expression itself can.
	inPlace := !changed && nameSource(t.Val).GetColumnRef() != nil
	replace := func(location int, node *ast.Node) {
		at := b.tokens.at(location)
		b.replace(b.tokens.start(at), b.tokens.identEnd(at), b.sql[start:end], func() { node.Node = value })
	}
	for _, n := range sel.SortClause {
		by := n.GetSortBy()
		if !sortsBy(by.GetNode(), sel, t, l, i) {
			continue
		}
		if len(sel.DistinctClause) > 0 || len(sel.GroupClause) > 0 && !inPlace || changed {
			b.affected = true
			b.unsupported(b.tokens.start(b.tokens.at(sortLocation(by.Node))), refusedCatalog, "ORDER BY a cast to regclass", "would go by another order")
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
	text := "(" + b.views.nameSQL(nameType(t.Val), "("+b.sql[start:end]+")") + ")"
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
	name, bare := bareName(n.GetColumnRef())
	return bare && (name == t.Name || t.Name == "" && name == l.name)
}

func sortLocation(n *ast.Node) int {
	if k := n.GetAConst(); k != nil {
		return int(k.Location)
	}
	return int(n.GetColumnRef().GetLocation())
}
