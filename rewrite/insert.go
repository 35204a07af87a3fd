package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// insertStmt mirrors transformInsertStmt.
func (b *binding) insertStmt(parent *scope, n *ast.InsertStmt) output {
	b.saw(n)
	s := newLevel(parent)
	s.byPlace = b.byPlace[n]
	b.with(s, n.WithClause)
	target := b.relationItem(n.Relation)
	b.catalogTarget(target.rel, n.Relation.Location, "INSERT")
	sourceLevel := s
	if isGeneralSelect(n.SelectStmt.GetSelectStmt()) {
		sourceLevel = &scope{parent: s, rows: s.entries}
		s.entries = nil
	}
	s.enter(target)
	for _, c := range n.Cols {
		b.targetColumn(s, c.GetResTarget(), target)
	}
	var source output
	if sel := n.SelectStmt.GetSelectStmt(); sel != nil {
		if b.inBody {
			b.placeOnly(n.SelectStmt)
		}
		source = b.selectStmt(sourceLevel, sel)
	} else if n.SelectStmt != nil {
		b.notUnderstood(n.SelectStmt)
	}
	b.takesNewRow(target, int(n.Relation.Location))
	b.insertColumns(n, target, source)
	b.valuesWritten(n.SelectStmt.GetSelectStmt(), b.typesWritten(n.Cols, target))
	if n.OnConflictClause != nil {
		b.onConflict(s, n.OnConflictClause, target)
	}
	return b.returning(s, []*item{target}, target, ast.ReturnsOf(n))
}

// isGeneralSelect tells whether INSERT has its rows from a query with a range table of its own, which then has the rows of a
// rule (transformInsertStmt). A plain list of values is a part of the INSERT.
func isGeneralSelect(sel *ast.SelectStmt) bool {
	return sel != nil && (len(sel.ValuesLists) == 0 || len(sel.SortClause) > 0 || sel.LimitOffset != nil || sel.LimitCount != nil ||
		len(sel.LockingClause) > 0 || sel.WithClause != nil)
}

// insertColumns gives the statement a list of columns where it has none and needs one: the version's columns are meant,
// in the version's order.
func (b *binding) insertColumns(n *ast.InsertStmt, target *item, source output) {
	if n.SelectStmt == nil {
		b.insertDefaults(n, target)
		return
	}
	if len(n.Cols) > 0 {
		b.completeInsert(n, target, source, nil)
		return
	}
	b.useRow(target)
	if target.ordered || target.table == nil || !b.takesValues(target, len(source.cols), int(n.Relation.Location)) {
		return
	}
	if source.unknown {
		b.unsupported(int(n.Relation.Location), refusedPosition, "INSERT without a list of columns", "goes by position, and the version's columns are in another order")
		return
	}
	names := b.completeInsert(n, target, source, target.physicalNames(len(source.cols)))
	b.addColumnList(n.Relation, names, func(names []string) {
		for _, name := range names {
			n.Cols = append(n.Cols, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Name: name}}})
		}
	})
}

// physicalNames are the names of the first columns that the version shows.
func (it *item) physicalNames(count int) []string {
	var out []string
	for _, c := range it.shown(count) {
		out = append(out, c.physical)
	}
	return out
}

// addColumnList writes the columns that are meant where the client left them out.
func (b *binding) addColumnList(rv *ast.RangeVar, names []string, apply func([]string)) {
	end := b.tokens.IdentEnd(b.tableEnd(b.tokens.At(int(rv.Location)), rv))
	b.affected = true
	b.replace(end, end, " ("+strings.Join(syntax.QuoteIdents(names), ", ")+")", func() { apply(names) })
}

// targetColumn binds a column that is written: in the list of INSERT, or on the left side in SET. Subscripts and
// fields may follow it.
func (b *binding) targetColumn(s *scope, t *ast.ResTarget, target *item) {
	if t == nil {
		return
	}
	b.saw(t)
	for _, n := range t.Indirection {
		if x := n.GetAIndices(); x != nil {
			b.saw(x)
			b.expr(s, x.Lidx)
			b.expr(s, x.Uidx)
		}
	}
	c, ok := b.writtenColumn(target, t.Name, int(t.Location))
	if !ok {
		return
	}
	b.writtenFields(t, c)
	if c.physical != t.Name {
		b.renameToken(b.tokens.At(int(t.Location)), t.Name, c.physical, func() { t.Name = c.physical })
	}
}

// writtenColumn finds a column of the table that a statement writes to (attnameAttNum), whatever aliases it has.
func (b *binding) writtenColumn(target *item, name string, location int) (*column, bool) {
	if target.rel == nil {
		return nil, false
	}
	c, f := target.column(name, inVersion)
	if f == found && (c.num > 0 || c.mapping != nil) {
		b.use(c.table, name)
		return c, b.takesValue(c, location)
	}
	b.lookAgain([]*item{target}, name)
	_, f = target.column(name, atServer)
	b.fail("42703", location, f == missing, `column "`+name+`" of relation "`+b.nameInVersion(target)+`" does not exist`, "")
	return nil, false
}

// onConflict mirrors transformOnConflictClause: the arbiter sees the table, SET and WHERE also the row excluded.
func (b *binding) onConflict(s *scope, c *ast.OnConflictClause, target *item) {
	b.saw(c)
	excluded := *target
	excluded.name, excluded.bare, excluded.hidden = "excluded", false, false
	excluded.cols, excluded.system = nil, nil
	for _, col := range target.cols {
		e := *col
		e.item, e.root, e.known = &excluded, &e, false
		excluded.cols = append(excluded.cols, &e)
	}
	if c.Action == ast.OnConflictAction_ONCONFLICT_UPDATE {
		s.enter(&excluded)
	}
	if c.Infer != nil {
		b.infer(s, c.Infer, target)
	}
	s.within([]*item{&excluded, target}, func() {
		b.assignments(s, c.TargetList, target, func(l []*ast.Node) { c.TargetList = l })
		b.expr(s, c.WhereClause)
	})
}

// infer binds the columns, expressions and predicate that choose the unique index. Names of constraints are the same
// in every version.
func (b *binding) infer(s *scope, c *ast.InferClause, target *item) {
	b.saw(c)
	s.within([]*item{target}, func() {
		b.indexElements(s, c.IndexElems, b.tokens.At(int(c.Location)), int(c.Location), target)
		b.expr(s, c.WhereClause)
	})
	for _, n := range c.IndexElems {
		name := n.GetIndexElem().GetName()
		if col, f := target.column(name, inVersion); f == found && col.physical != name && b.vars.takes([]string{col.physical}, target) {
			b.unsupported(int(c.Location), refusedBody, "the column "+syntax.QuoteIdent(name), "has the name of a variable in the database")
		}
	}
}

// indexElements binds the elements of an index, in the brackets that open at token i. An error is reported at the
// location.
func (b *binding) indexElements(s *scope, list []*ast.Node, i, location int, target *item) {
	if len(list) == 0 {
		return
	}
	var first []int
	if b.tokens.Is(i, '(') {
		first = b.elements(i)
	}
	for k, n := range list {
		e := n.GetIndexElem()
		if e == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(e)
		b.expr(s, e.Expr)
		for _, o := range e.Opclassopts {
			b.sawAll(o)
		}
		if e.Name == "" {
			continue
		}
		if k >= len(first) {
			b.misplaced(b.tokens.Start(i), e.Name)
			return
		}
		c, f := target.column(e.Name, inVersion)
		if f != found {
			_, g := target.column(e.Name, atServer)
			if !target.unknown {
				b.lookAgain([]*item{target}, e.Name)
				b.elementMissing(s, e.Name, location, g == missing)
			}
			continue
		}
		b.use(c.table, c.root.nameInVersion(c))
		if b.takesName(c, location, "an index, and ON CONFLICT,") && c.physical != e.Name {
			b.renameToken(first[k], e.Name, c.physical, func() { e.Name = c.physical })
		}
	}
}

// elementMissing raises 42703 for an element of an index. Only ON CONFLICT, which has a location, looks it up as an
// expression, with the hint of one.
func (b *binding) elementMissing(s *scope, name string, location int, natural bool) {
	hint, known := "", false
	if location >= 0 {
		hint, known = b.suggest(s, "", name)
	}
	fresh := b.failure == nil
	if b.fail("42703", location, natural, `column "`+name+`" does not exist`, hint); fresh {
		b.failure.worded = known
	}
}

// assignments binds SET lists, and the list of columns of INSERT in MERGE. set puts a changed list into the tree.
func (b *binding) assignments(s *scope, list []*ast.Node, target *item, set func([]*ast.Node)) {
	var source *ast.Node
	for _, n := range list {
		t := n.GetResTarget()
		m := t.GetVal().GetMultiAssignRef()
		switch {
		case m != nil && m.Colno > 1 && source != nil:
			m.Source = source // the parser copies it for each column
			b.saw(m)
		case m != nil:
			source = m.Source
			b.expr(s, t.Val)
		default:
			b.expr(s, t.GetVal())
		}
	}
	for _, n := range list {
		b.targetColumn(s, n.GetResTarget(), target)
	}
	b.assigned(list, target)
	if set != nil {
		b.markSet(list, target, set)
	}
}

// returning binds RETURNING, which sees the written table and what was joined to it. Since PostgreSQL 18 it knows the
// rows old and new.
func (b *binding) returning(s *scope, items []*item, target *item, r ast.Returns) output {
	for _, n := range r.Nodes {
		b.saw(n)
	}
	if len(*r.Exprs) == 0 {
		return output{}
	}
	named := func(name string) bool {
		return slices.ContainsFunc(items, func(it *item) bool { return it.name == name })
	}
	also := func(name string) {
		row := *target
		row.name, row.bare, row.hidden, row.colsVisible = name, false, false, false
		items = append(items, &row)
	}
	for _, name := range []string{r.Old, r.New} {
		switch {
		case name == "":
		case named(name):
			b.fail("42712", -1, true, `table name "`+name+`" specified more than once`, "")
			return output{unknown: true}
		default:
			also(name)
		}
	}
	if b.cat.ServerVersion >= 180000 {
		if r.Old == "" && !named("old") {
			also("old")
		}
		if r.New == "" && !named("new") {
			also("new")
		}
	}
	target.colsVisible, target.relVisible = true, true
	var out output
	s.within(items, func() { out = b.targets(s, *r.Exprs, func(l []*ast.Node) { *r.Exprs = l }) })
	return out
}
