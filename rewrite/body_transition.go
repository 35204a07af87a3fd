package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// Transition tables: those that REFERENCING names. They have the columns of the trigger's table, and come before relations
// of their name (getRTEForSpecialRelationTypes, parse_clause.c). A function is made before its triggers, so that nobody knows
// yet what they are called: they are whatever is no relation, and what cannot be the relation that has the name.

// transitionItem is a table in FROM that REFERENCING names.
func (b *binding) transitionItem(rv *ast.RangeVar) *item {
	if b.vars == nil || b.vars.table == nil || b.vars.computes || slices.Contains(b.vars.made, rv.Relname) {
		return nil
	}
	if r, f := b.relationNamed("", rv.Relname); f == found && (r.rel != nil || !b.unsettled.relations) && !slices.Contains(b.vars.transitions, rv.Relname) {
		return nil
	}
	b.saw(rv)
	b.saw(rv.Alias)
	it := &item{name: rv.Relname, relVisible: true, colsVisible: true, table: b.vars.table}
	if rv.Alias != nil {
		it.name = rv.Alias.Aliasname
	}
	b.relationColumns(it, b.vars.rel)
	for _, c := range it.cols {
		c.relation, c.num = 0, 0 // what it puts out comes from no table
	}
	b.renameColumns(it, rv.Alias, int(rv.Location))
	return it
}

// asTransitions binds a statement of a body. Where it names a column that its relations do not have, so that it would fail
// whenever it runs, and that is there if one of them is a transition table, or two are, then that is what is meant.
func (bd *body) asTransitions(c *binding, stmt *ast.Node, bind func()) {
	if c.vars == nil || c.vars.table == nil {
		bind()
		return
	}
	uses := len(c.vars.uses)
	list, calls := c.shown.mark()
	succeeds := func(transitions ...string) bool {
		c.shown.forget(list, calls)
		c.vars.uses, c.vars.transitions = c.vars.uses[:uses], transitions
		bind()
		return c.failure == nil
	}
	defer func() { c.vars.transitions = nil }()
	if succeeds() || c.failure.Code != "42703" {
		return
	}
	for _, choice := range choices(bareNames(stmt)) {
		var can [][]string
		for _, names := range choice {
			if succeeds(names...) {
				can = append(can, names)
			}
		}
		if len(can) > 0 {
			if succeeds(can[0]...); len(can) > 1 {
				c.affected = true
				c.unsupported(-1, refusedBody, bd.of, "names a column that "+strings.Join(can[0], " and ")+" may have, or "+
					strings.Join(can[1], " and ")+", depending on what REFERENCING names")
			}
			return
		}
	}
	succeeds()
}

// choices are the names one by one, and then in pairs: a trigger has one table of the old rows and one of the new.
func choices(names []string) (out [2][][]string) {
	for i, one := range names {
		out[0] = append(out[0], []string{one})
		for _, other := range names[i+1:] {
			out[1] = append(out[1], []string{one, other})
		}
	}
	return out
}

// bareNames are the names without a schema that a statement reads from.
func bareNames(stmt *ast.Node) (names []string) {
	ast.Walk(stmt, func(n proto.Message) {
		if rv, ok := n.(*ast.RangeVar); ok && rv.Schemaname == "" && !slices.Contains(names, rv.Relname) {
			names = append(names, rv.Relname)
		}
	})
	return names
}
