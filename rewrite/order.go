package rewrite

import (
	"strconv"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// order binds ORDER BY: a bare name is an output column first, and an input column only if there is none.
func (b *binding) order(s *scope, list []*ast.Node, out output) {
	for _, n := range list {
		b.sortItem(s, n, "ORDER BY", out)
	}
}

// sortItem mirrors findTargetlistEntrySQL92 for ORDER BY and DISTINCT ON.
func (b *binding) sortItem(s *scope, n *ast.Node, clause string, out output) {
	if n == nil || n.Node == nil {
		return // DISTINCT without ON
	}
	if by := n.GetSortBy(); by != nil {
		b.saw(by)
		n = by.Node
	}
	ref := n.GetColumnRef()
	name, bare := ast.BareName(ref)
	if !bare {
		b.expr(s, n)
		return
	}
	if out.labelled(name) > 0 {
		b.saw(ref)
		b.checkLabel(ref, name, clause, out)
		b.orderBySent(ref, name, out)
		return // labels are kept, but for those of a star that stays
	}
	if out.unknown {
		if h := s.column(name, inVersion); h.finding == found && h.col.physical != name {
			b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(name), "may be an output column or an input column")
		}
	}
	b.columnRef(s, n, out.sentAs)
}

// group binds GROUP BY: a bare name is an input column of this level first, and an output column only if there is none.
func (b *binding) group(s *scope, list []*ast.Node, out output) {
	for _, n := range list {
		b.groupItem(s, n, out)
	}
}

func (b *binding) groupItem(s *scope, n *ast.Node, out output) {
	if set := n.GetGroupingSet(); set != nil {
		b.saw(set)
		b.group(s, set.Content, out)
		return
	}
	if row := n.GetRowExpr(); row != nil && row.RowFormat == ast.CoercionForm_COERCE_IMPLICIT_CAST {
		b.saw(row)
		b.group(s, row.Args, out)
		return
	}
	ref := n.GetColumnRef()
	name, bare := ast.BareName(ref)
	if !bare {
		b.expr(s, n)
		return
	}
	local := &scope{items: s.items, lateral: s.lateral}
	if local.column(name, inVersion).finding != missing || out.labelled(name) == 0 {
		b.columnRef(s, n, func(text string) bool {
			return out.sentAs(text) && local.column(text, atServer).finding == missing
		})
		return
	}
	b.saw(ref)
	b.checkLabel(ref, name, "GROUP BY", out)
	if local.column(name, atServer).finding == missing {
		return // an output column for the server too
	}
	b.groupByNumber(n, ref, name, out)
}

// groupByNumber writes the number of an output column where the server would find an input column under its name.
func (b *binding) groupByNumber(n *ast.Node, ref *ast.ColumnRef, name string, out output) {
	if out.unknown || out.labelled(name) != 1 {
		b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(name)+" in GROUP BY", "means another column in the database")
		return
	}
	number := 0
	for i, c := range out.cols {
		if c.label == name {
			number = i + 1
		}
	}
	i := b.tokens.At(int(ref.Location))
	b.affected = true
	b.replace(b.tokens.Start(i), b.tokens.IdentEnd(i), strconv.Itoa(number), func() {
		n.Node = &ast.Node_AConst{AConst: &ast.A_Const{Val: &ast.A_Const_Ival{Ival: &ast.Integer{Ival: int32(number)}}}}
	})
}

// checkLabel raises 42702 where a name is that of output columns that are surely not the same.
func (b *binding) checkLabel(ref *ast.ColumnRef, name, clause string, out output) {
	var first *outputColumn
	for i := range out.cols {
		c := &out.cols[i]
		switch {
		case c.label != name:
		case first == nil:
			first = c
		case first.root != nil && c.root != nil && first.root != c.root: // a cast that vanishes may make two the same
			b.fail("42702", int(ref.Location), true, clause+` "`+name+`" is ambiguous`, "")
		}
	}
}

// labelled counts the output columns of that label.
func (o output) labelled(name string) int {
	n := 0
	for _, c := range o.cols {
		if c.label == name {
			n++
		}
	}
	return n
}
