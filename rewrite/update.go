package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
)

// updateStmt mirrors transformUpdateStmt.
func (b *binding) updateStmt(parent *scope, n *ast.UpdateStmt) output {
	b.saw(n)
	s := newLevel(parent)
	s.byPlace = b.byPlace[n]
	b.with(s, n.WithClause)
	target := b.relationItem(n.Relation)
	b.catalogTarget(target.rel, n.Relation.Location, "UPDATE")
	joined := b.targetAndFrom(s, target, n.FromClause)
	b.expr(s, n.WhereClause)
	out := b.returning(s, slices.Concat([]*item{target}, joined), target, ast.ReturnsOf(n))
	b.assignments(s, n.TargetList, target, func(l []*ast.Node) { n.TargetList = l })
	b.flip(s, n, target)
	return out
}

// deleteStmt mirrors transformDeleteStmt.
func (b *binding) deleteStmt(parent *scope, n *ast.DeleteStmt) output {
	b.saw(n)
	s := newLevel(parent)
	s.byPlace = b.byPlace[n]
	b.with(s, n.WithClause)
	target := b.relationItem(n.Relation)
	b.catalogTarget(target.rel, n.Relation.Location, "DELETE")
	joined := b.targetAndFrom(s, target, n.UsingClause)
	b.expr(s, n.WhereClause)
	return b.returning(s, slices.Concat([]*item{target}, joined), target, ast.ReturnsOf(n))
}

// targetAndFrom makes the namespace of UPDATE … FROM and DELETE … USING; subqueries there cannot see the target.
func (b *binding) targetAndFrom(s *scope, target *item, from []*ast.Node) []*item {
	target.lateralOnly, target.blocked = true, true
	s.items = s.enter(target)
	b.from(s, from)
	target.lateralOnly, target.blocked = false, false
	return slices.Clone(s.items[1:])
}

// mergeStmt mirrors transformMergeStmt. Its actions see the target and the source; which of them a branch may name is
// for the server to check.
func (b *binding) mergeStmt(parent *scope, n *ast.MergeStmt) output {
	b.saw(n)
	s := newLevel(parent)
	b.with(s, n.WithClause)
	target := b.relationItem(n.Relation)
	b.catalogTarget(target.rel, n.Relation.Location, "MERGE")
	s.enter(target)
	_, source := b.fromItem(s, n.SourceRelation)
	setLateral(source, false, false)
	b.mergesItself(target, source)
	s.items = slices.Concat([]*item{target}, source)
	b.expr(s, n.JoinCondition)
	for k, c := range n.MergeWhenClauses {
		w := c.GetMergeWhenClause()
		if w == nil {
			b.notUnderstood(c)
			continue
		}
		b.mergeWhen(s, w, target, source, k)
	}
	return b.returning(s, slices.Concat(source, []*item{target}), target, ast.ReturnsOf(n))
}

// mergesItself mirrors the check of names in transformMergeStmt.
func (b *binding) mergesItself(target *item, source []*item) {
	for _, it := range source {
		if it.name != target.name || !it.relVisible {
			continue
		}
		if fresh := b.failure == nil; fresh {
			b.fail("42712", -1, true, `name "`+it.name+`" specified more than once`, "")
			b.failure.Detail = "The name is used both as MERGE target table and data source."
		}
	}
}

func (b *binding) mergeWhen(s *scope, w *ast.MergeWhenClause, target *item, source []*item, k int) {
	b.saw(w)
	items := s.items
	switch seesTarget, seesSource := ast.Sees(w); { // setNamespaceForMergeWhen
	case !seesTarget:
		items = source
	case !seesSource:
		items = []*item{target}
	}
	s.within(items, func() {
		b.expr(s, w.Condition)
		var set func([]*ast.Node)
		if w.CommandType == ast.CmdType_CMD_UPDATE {
			set = func(l []*ast.Node) { w.TargetList = l }
		}
		b.assignments(s, w.TargetList, target, set)
		b.exprs(s, w.Values)
	})
	if w.CommandType == ast.CmdType_CMD_INSERT {
		b.takesNewRow(target, -1)
		if len(w.TargetList) == 0 && !target.ordered && target.table != nil && !b.takesValues(target, len(w.Values), -1) {
			return
		}
		b.completeMerged(w, target, k)
		b.rowWritten(w.Values, b.typesWritten(w.TargetList, target))
	}
	if w.CommandType == ast.CmdType_CMD_INSERT && len(w.TargetList) == 0 && len(w.Values) > 0 {
		b.useRow(target)
	}
}
