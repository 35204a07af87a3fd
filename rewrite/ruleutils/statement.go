package ruleutils

import (
	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// selectIn prints a query at a level of its own, which has been made.
func (r *Printer) selectIn(s *ast.SelectStmt, l *printLevel) {
	if s == nil {
		r.unsure()
		return
	}
	r.ctes(s.WithClause, l)
	r.from(s.FromClause, l)
	for _, n := range s.TargetList {
		l.readsMerged(n)
	}
	r.settle(l)
	if l.free && len(l.entries) == 1 && len(l.taken) == 0 && s.Op == ast.SetOperation_SETOP_NONE {
		l.bare = l.entries[0]
		r.orderedAlone(s, l)
	}
	r.walkCTEs(s.WithClause, l)
	r.walkFrom(s.FromClause, l)
	if s.Larg != nil {
		r.walk(s.Larg, l)
		r.walk(s.Rarg, l)
	}
	for _, list := range [][]*ast.Node{s.DistinctClause, s.TargetList, s.GroupClause, s.WindowClause, s.ValuesLists, s.SortClause} {
		r.walkList(list, l)
	}
	for _, n := range []*ast.Node{s.WhereClause, s.HavingClause, s.LimitOffset, s.LimitCount} {
		r.walk(n, l)
	}
	for _, n := range s.LockingClause {
		for _, v := range n.GetLockingClause().GetLockedRels() {
			r.entryNamed(r.tokens.At(int(v.GetRangeVar().GetLocation())), v.GetRangeVar().GetRelname(), l)
		}
	}
	if s.IntoClause != nil {
		r.unsure()
	}
}

// settle names the entries of a level and prints them.
func (r *Printer) settle(l *printLevel) {
	if !r.failed {
		r.mergeNames(l)
		r.nameEntries(l)
	}
	if !r.failed {
		r.printEntries(l)
	}
}

// orderedAlone gives up where the server may have put a table's name before a column in ORDER BY because an output
// column has the same name (get_variable).
func (r *Printer) orderedAlone(s *ast.SelectStmt, l *printLevel) {
	for _, n := range s.SortClause {
		c := n.GetSortBy().GetNode().GetColumnRef()
		if c == nil {
			continue
		}
		col := l.bare.column(ast.LastName(c.Fields))
		if col == nil || col.shown[inDatabase] == col.shown[inTheVersion] {
			continue
		}
		for _, t := range s.TargetList {
			name, label := "", t.GetResTarget().GetName()
			if ref := t.GetResTarget().GetVal().GetColumnRef(); ref != nil {
				name = ast.LastName(ref.Fields)
			}
			if name != col.shown[inDatabase] && (label == col.shown[inDatabase] || label == col.shown[inTheVersion] || label == "" && name == col.shown[inTheVersion]) {
				r.unsure()
			}
		}
	}
}

// ctes notes the names of WITH queries.
func (r *Printer) ctes(w *ast.WithClause, l *printLevel) {
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		l.ctes = append(l.ctes, c.Ctename)
		at := r.tokens.At(int(c.Location))
		r.expect(at, c.Ctename)
		r.known[at] = true
		r.markList(at + 1)
	}
}

func (r *Printer) walkCTEs(w *ast.WithClause, l *printLevel) {
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		r.walk(c.Ctequery, l)
		if c.SearchClause != nil || c.CycleClause != nil {
			r.markSearch(c)
		}
	}
}

// markSearch marks the columns of a WITH query that SEARCH and CYCLE name.
func (r *Printer) markSearch(c *ast.CommonTableExpr) {
	for i := r.tokens.At(int(c.Location)); i < r.tokens.Len(); i++ {
		switch r.tokens.Kind(i) {
		case ast.Token_BY, ast.Token_CYCLE, ast.Token_SET:
			for i++; ; i += 2 {
				if _, ok := r.tokens.Ident(i); !ok {
					break
				}
				r.known[i] = true
				if !r.tokens.Is(i+1, ',') {
					break
				}
			}
		}
	}
}

// modify prints INSERT, UPDATE or DELETE at a level that may have the entries of a rule already.
func (r *Printer) modify(m proto.Message, l *printLevel) {
	switch s := m.(type) {
	case *ast.InsertStmt:
		r.insert(s, l)
	case *ast.UpdateStmt:
		target := r.targetEntry(s.Relation, s.WithClause, l)
		r.from(s.FromClause, l)
		r.settle(l)
		r.walkCTEs(s.WithClause, l)
		r.walkFrom(s.FromClause, l)
		r.assignments(s.TargetList, target, l)
		r.walk(s.WhereClause, l)
		r.returning(s, l)
	case *ast.MergeStmt:
		r.merge(s, l)
	case *ast.DeleteStmt:
		r.targetEntry(s.Relation, s.WithClause, l)
		r.from(s.UsingClause, l)
		r.settle(l)
		r.walkCTEs(s.WithClause, l)
		r.walkFrom(s.UsingClause, l)
		r.walk(s.WhereClause, l)
		r.returning(s, l)
	}
}

// returning prints what a command returns.
func (r *Printer) returning(s any, l *printLevel) {
	returns := ast.ReturnsOf(s)
	if returns.Old != "" || returns.New != "" {
		r.unsure()
	}
	r.walkList(*returns.Exprs, l)
}

// merge prints MERGE, in which a column that is inserted or set has no table's name before it.
func (r *Printer) merge(s *ast.MergeStmt, l *printLevel) {
	target := r.targetEntry(s.Relation, s.WithClause, l)
	source := []*ast.Node{s.SourceRelation}
	r.from(source, l)
	r.settle(l)
	r.walkCTEs(s.WithClause, l)
	r.walkFrom(source, l)
	r.walk(s.JoinCondition, l)
	for _, n := range s.MergeWhenClauses {
		w := n.GetMergeWhenClause()
		r.walk(w.Condition, l)
		r.assignments(w.TargetList, target, l)
		r.walkList(w.Values, l)
	}
	if len(*ast.ReturnsOf(s).Exprs) > 0 {
		r.unsure() // in which order the entries are printed
	}
}

// targetEntry enters the table that a command changes.
func (r *Printer) targetEntry(v *ast.RangeVar, w *ast.WithClause, l *printLevel) *printEntry {
	r.ctes(w, l)
	bare := &printLevel{} // a WITH query cannot be meant
	e := r.relationEntry(v, bare, nil)
	if l.hasCTE(v.Relname) {
		r.unsure()
	}
	r.enter(l, e)
	return e
}

func (r *Printer) insert(s *ast.InsertStmt, l *printLevel) {
	target := r.targetEntry(s.Relation, s.WithClause, l)
	if target == nil {
		return
	}
	if s.OnConflictClause != nil && s.OnConflictClause.Action == ast.OnConflictAction_ONCONFLICT_UPDATE {
		excluded := r.tableEntry(target.rel, "excluded")
		r.enter(l, excluded)
	}
	r.settle(l)
	r.walkCTEs(s.WithClause, l)
	r.assignments(s.Cols, target, l)
	if rows := s.SelectStmt.GetSelectStmt(); rows != nil && len(rows.ValuesLists) > 0 {
		r.walkList(rows.ValuesLists, l)
	} else if rows != nil {
		r.walk(rows, l)
	}
	r.conflict(s.OnConflictClause, target, l)
	r.returning(s, l)
}

// conflict prints ON CONFLICT, of which the arbiter is printed without the table's name.
func (r *Printer) conflict(c *ast.OnConflictClause, target *printEntry, l *printLevel) {
	if c == nil {
		return
	}
	if c.Infer != nil {
		alone := &printLevel{bare: target}
		i := r.tokens.At(int(c.Infer.Location))
		for _, n := range c.Infer.IndexElems {
			if e := n.GetIndexElem(); e.Expr != nil {
				r.walk(e.Expr, alone)
			} else {
				for i++; !r.failed; i++ {
					if name, ok := r.tokens.Ident(i); ok && name == e.Name && (r.tokens.Is(i-1, '(') || r.tokens.Is(i-1, ',')) {
						break
					}
					if i > r.tokens.Len() {
						r.unsure()
					}
				}
				r.columnAt(i, e.Name, target)
			}
		}
		r.walk(c.Infer.WhereClause, alone)
	}
	r.assignments(c.TargetList, target, l)
	r.walk(c.WhereClause, l)
}

// assignments prints the columns that INSERT lists or SET assigns, and what is assigned to them.
func (r *Printer) assignments(list []*ast.Node, target *printEntry, l *printLevel) {
	if target == nil {
		return
	}
	for _, n := range list {
		t := n.GetResTarget()
		at := r.tokens.At(int(t.Location))
		c := r.columnAt(at, t.Name, target)
		if len(t.Indirection) > 0 && c != nil {
			r.fields(at, t.Indirection, c.typ, l)
		}
		r.walk(t.Val, l)
	}
}

// columnAt prints the name of a column of the target, which has it from the table and not from an alias.
func (r *Printer) columnAt(i int, name string, target *printEntry) *printColumn {
	for _, c := range target.columns {
		if c.real[inDatabase] == name {
			r.expect(i, name)
			r.replace(i, i, r.quote(c.real[inTheVersion]))
			return c
		}
	}
	r.unsure()
	return nil
}

// rule prints CREATE RULE.
func (r *Printer) rule(s *ast.RuleStmt) {
	if s == nil {
		r.unsure()
		return
	}
	on := r.Names.relation(s.Relation.GetSchemaname(), s.Relation.GetRelname())
	if on == nil {
		r.unsure()
		return
	}
	place := r.placeOf(s.Relation)
	name := r.quote(r.Names.relationName(on, inTheVersion))
	if place.qualified { // pretty printing leaves the schema out where it can
		name = r.quote(on.Schema) + "." + name
	} else if !r.Names.visible(on, inTheVersion) {
		r.unsure()
	}
	if place.qualified != !r.Names.visible(on, inDatabase) && r.Names.visible(on, inTheVersion) != r.Names.visible(on, inDatabase) {
		r.unsure()
	}
	r.replace(place.first, place.last, name)
	level := func() *printLevel {
		return &printLevel{entries: []*printEntry{r.tableEntry(on, "old"), r.tableEntry(on, "new")}}
	}
	l := level()
	r.settle(l)
	r.walk(s.WhereClause, l)
	for _, n := range s.Actions {
		switch a := n.Node.(type) {
		case *ast.Node_SelectStmt:
			r.selectIn(a.SelectStmt, level())
		case *ast.Node_InsertStmt:
			r.modify(a.InsertStmt, level())
		case *ast.Node_UpdateStmt:
			r.modify(a.UpdateStmt, level())
		case *ast.Node_DeleteStmt:
			r.modify(a.DeleteStmt, level())
		case *ast.Node_NotifyStmt:
		default:
			r.unsure()
		}
	}
}
