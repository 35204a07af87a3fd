package rewrite

import (
	"slices"
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// An output is what a query puts out.
type output struct {
	cols    []outputColumn
	unknown bool // there are more columns than are listed, or others
}

// An outputColumn is one column of an output. Its label is the same in the client's text and in what is sent.
type outputColumn struct {
	label    string
	unsure   bool // the label may be another one on this server
	typ      catalog.OID
	typmod   int32
	rows     value // what it holds, where typ does not say it
	relation catalog.OID
	num      int16
	known    bool // relation and num are certain

	root *column // the column that it is, if it is one
	sent string  // its label in what is sent, where that is another and does not matter

	moved *movedName // while shownNotes are taken: the name by which its label becomes another
}

// predicted turns an output into what RowDescription must say; nil when that is not certain.
func (o output) predicted() []Column {
	if o.unknown || len(o.cols) == 0 {
		return nil
	}
	out := make([]Column, len(o.cols))
	for i, c := range o.cols {
		if c.unsure {
			return nil
		}
		out[i] = Column{Label: c.label, Known: c.known}
		if c.known {
			out[i].Table, out[i].Num = c.relation, c.num
		}
	}
	return out
}

// query binds a statement that can stand in parentheses, in FROM or in WITH.
func (b *binding) query(parent *scope, n *ast.Node) output {
	if n == nil {
		return output{}
	}
	switch n := n.Node.(type) {
	case *ast.Node_SelectStmt:
		return b.selectStmt(parent, n.SelectStmt)
	case *ast.Node_InsertStmt:
		return b.insertStmt(parent, n.InsertStmt)
	case *ast.Node_UpdateStmt:
		return b.updateStmt(parent, n.UpdateStmt)
	case *ast.Node_DeleteStmt:
		return b.deleteStmt(parent, n.DeleteStmt)
	case *ast.Node_MergeStmt:
		return b.mergeStmt(parent, n.MergeStmt)
	}
	b.notUnderstood(n)
	return output{unknown: true}
}

// selectStmt mirrors transformStmt for a SelectStmt: a set operation, VALUES or a plain SELECT.
func (b *binding) selectStmt(parent *scope, sel *ast.SelectStmt) output {
	b.saw(sel)
	s := newLevel(parent)
	b.with(s, sel.WithClause)
	switch {
	case sel.Larg != nil && sel.Rarg != nil:
		return b.setOperation(s, sel)
	case len(sel.ValuesLists) > 0:
		return b.values(s, sel)
	}
	return b.plainSelect(s, sel)
}

// setOperation mirrors transformSetOperationStmt: the labels are those of the leftmost query, and ORDER BY can only
// name them.
func (b *binding) setOperation(s *scope, sel *ast.SelectStmt) output {
	if b.inBody {
		b.placeOnlySelect(sel.Rarg)
	}
	left := b.selectStmt(s, sel.Larg)
	s.entries = append(s.entries, &item{unknown: true}) // the left query, as an entry with a name of the server's
	b.recursiveTerm(sel, left)
	right := b.selectStmt(s, sel.Rarg)
	for _, n := range sel.SortClause {
		b.sawAll(n)
		if name, bare := ast.BareName(n.GetSortBy().GetNode().GetColumnRef()); bare {
			b.orderBySent(n.GetSortBy().GetNode().GetColumnRef(), name, left)
		}
	}
	b.limits(s, sel)
	b.into(sel.IntoClause)
	for _, n := range sel.LockingClause {
		b.sawAll(n)
	}
	b.aliasesMerged(sel, left, right)
	for i := range left.cols {
		c := &left.cols[i]
		c.relation, c.num, c.known = 0, 0, true
		if b.rowIn(c.typ) == nil && !isAlias(b.baseOf(c.typ)) {
			c.typ = 0 // the other side may make another type of it
		}
		if v := right.rows(i); c.typ == 0 && !c.rows.holdsRows() && (v.item != nil || b.rowIn(v.typ) != nil) {
			c.typ, c.rows = right.cols[i].typ, right.cols[i].rows
		}
		c.rows.blank = c.rows.item != nil
	}
	return left
}

func (b *binding) values(s *scope, sel *ast.SelectStmt) output {
	width := 0
	out := output{}
	var rows []value
	for _, n := range sel.ValuesLists {
		items := n.GetList().GetItems()
		width = max(width, len(items))
		out.unknown = out.unknown || slices.ContainsFunc(items, isStar)
		b.rowItems(s, items)
		rows = b.columnRows(rows, items)
	}
	types := b.aliasesInValues(sel.ValuesLists, width)
	for i := range width {
		c := outputColumn{label: "column" + strconv.Itoa(i+1), known: true}
		if !out.unknown {
			c.rows, c.typ = rows[i], types[i]
		}
		out.cols = append(out.cols, c)
	}
	b.order(s, sel.SortClause, out)
	b.limits(s, sel)
	b.into(sel.IntoClause)
	for _, n := range sel.LockingClause {
		b.sawAll(n)
	}
	return out
}

// isStar tells of t.* and (row).*, which stand for several items in VALUES.
func isStar(n *ast.Node) bool {
	fields := n.GetColumnRef().GetFields()
	if i := n.GetAIndirection(); i != nil {
		fields = i.Indirection
	}
	return len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil
}

// plainSelect mirrors transformSelectStmt.
func (b *binding) plainSelect(s *scope, sel *ast.SelectStmt) output {
	s.byPlace, s.selects = b.byPlace[sel], sel
	b.from(s, sel.FromClause)
	b.tableWord(sel)
	b.catalogTable(s)
	out := b.targets(s, sel.TargetList, func(list []*ast.Node) { sel.TargetList = list })
	b.expr(s, sel.WhereClause)
	b.narrow(s, sel.WhereClause)
	b.expr(s, sel.HavingClause)
	b.order(s, sel.SortClause, out)
	b.group(s, sel.GroupClause, out)
	for _, n := range sel.DistinctClause {
		b.sortItem(s, n, "DISTINCT ON", out)
	}
	b.limits(s, sel)
	for _, n := range sel.WindowClause {
		b.window(s, n.GetWindowDef())
	}
	b.into(sel.IntoClause)
	for _, n := range sel.LockingClause {
		b.locking(s, n.GetLockingClause())
	}
	return out
}

// tableWord finds the word TABLE of TABLE t, for which the parser makes SELECT * FROM t without a place for the star.
func (b *binding) tableWord(sel *ast.SelectStmt) {
	b.table = -1
	if len(sel.TargetList) != 1 || len(sel.FromClause) != 1 || sel.TargetList[0].GetResTarget().GetLocation() >= 0 {
		return
	}
	i := b.tokens.At(int(sel.FromClause[0].GetRangeVar().GetLocation()))
	for b.table = i - 1; b.table >= 0 && b.tokens.Kind(b.table) != ast.Token_TABLE; b.table-- {
	}
}

func (b *binding) limits(s *scope, sel *ast.SelectStmt) {
	b.expr(s, sel.LimitOffset)
	b.expr(s, sel.LimitCount)
}

// locking checks FOR UPDATE OF …, which names items by their aliases: those are the same in what is sent.
func (b *binding) locking(s *scope, l *ast.LockingClause) {
	b.saw(l)
	b.lockedCatalogs(s, l)
	for _, n := range l.GetLockedRels() {
		rv := n.GetRangeVar()
		b.saw(rv)
		if _, f := s.relation(rv.GetRelname(), inVersion); f == missing {
			b.fail("42P01", int(rv.GetLocation()), true,
				`relation "`+rv.GetRelname()+`" in FOR UPDATE clause not found in FROM clause`, "")
		}
	}
}

// window binds a window definition, in OVER or in WINDOW. Its ORDER BY knows no output names.
func (b *binding) window(s *scope, w *ast.WindowDef) {
	if w == nil {
		return
	}
	b.saw(w)
	b.exprs(s, w.PartitionClause)
	b.exprs(s, w.OrderClause)
	b.expr(s, w.StartOffset)
	b.expr(s, w.EndOffset)
}

// into is the new table of SELECT INTO and CREATE TABLE AS. Its columns are the labels of the query.
func (b *binding) into(into *ast.IntoClause) {
	if into == nil {
		return
	}
	b.saw(into)
	b.sawAll(into.ViewQuery)
	for _, n := range into.Options {
		b.sawAll(n)
	}
	b.newRelation(into.Rel)
}
