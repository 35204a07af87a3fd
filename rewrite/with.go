package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
)

// A cte is one WITH query.
type cte struct {
	node  *ast.CommonTableExpr
	scope *scope // of the WITH clause
	state cteState
	out   output
}

// cteState is how far the binding of a WITH query has come.
type cteState byte

const (
	cteUnbound cteState = iota
	cteBinding          // inside itself, before its columns are known
	cteShaped           // inside itself, after the non-recursive term
	cteBound
)

// with mirrors transformWithClause. In WITH RECURSIVE every query can name every other, so they are bound when they
// are first named.
func (b *binding) with(s *scope, w *ast.WithClause) {
	if w == nil {
		return
	}
	b.saw(w)
	all := make([]*cte, 0, len(w.Ctes))
	for _, n := range w.Ctes {
		if c := n.GetCommonTableExpr(); c != nil {
			all = append(all, &cte{node: c, scope: s})
		}
	}
	if w.Recursive {
		s.ctes = all
	}
	hidden := b.future
	for i, c := range all {
		if !w.Recursive {
			b.future = append(slices.Clip(hidden), all[i:]...)
		}
		b.bindCTE(c)
		if !w.Recursive {
			s.ctes = append(s.ctes, c)
		}
	}
	b.future = hidden
}

// isFuture mirrors isFutureCTE: a WITH query of that name cannot be referenced yet.
func (b *binding) isFuture(name string) bool {
	return slices.ContainsFunc(b.future, func(c *cte) bool { return c.node.Ctename == name })
}

func (b *binding) bindCTE(c *cte) {
	if c.state != cteUnbound {
		return
	}
	c.state = cteBinding
	b.saw(c.node)
	items := c.scope.items
	c.scope.items = nil
	out := b.query(c.scope, c.node.Ctequery)
	c.scope.items = items
	c.out = c.renamed(out)
	b.searchAndCycle(c)
	c.state = cteBound
}

// recursiveTerm tells the WITH query whose body this set operation is what columns it has, now that its non-recursive
// term is known (determineRecursiveColTypes).
func (b *binding) recursiveTerm(s *scope, sel *ast.SelectStmt, left output) {
	for up := s; up != nil; up = up.parent {
		for _, c := range up.ctes {
			if c.state == cteBinding && c.node.Ctequery.GetSelectStmt() == sel {
				for i := range left.cols {
					left.cols[i].relation, left.cols[i].num = 0, 0
				}
				c.out = c.renamed(left)
				b.searchAndCycle(c)
				c.state = cteShaped
			}
		}
	}
}

// renamed applies the list of column names of WITH name (…) AS.
func (c *cte) renamed(out output) output {
	renamed := output{cols: append([]outputColumn(nil), out.cols...), unknown: out.unknown}
	for i, n := range c.node.Aliascolnames {
		if i >= len(renamed.cols) {
			break
		}
		renamed.cols[i].label, renamed.cols[i].unsure = stringOf(n), false
	}
	return renamed
}

// searchAndCycle adds the columns of SEARCH and CYCLE. What they list are the labels of the query, which are kept.
func (b *binding) searchAndCycle(c *cte) {
	if s := c.node.SearchClause; s != nil {
		b.saw(s)
		b.rowsInPath(c, s.SearchColList)
		c.out.cols = append(c.out.cols, outputColumn{label: s.SearchSeqColumn, known: true})
	}
	if y := c.node.CycleClause; y != nil {
		b.saw(y)
		b.rowsInPath(c, y.CycleColList)
		b.sawAll(y.CycleMarkValue)
		b.sawAll(y.CycleMarkDefault)
		c.out.cols = append(c.out.cols,
			outputColumn{label: y.CycleMarkColumn, known: true}, outputColumn{label: y.CyclePathColumn, known: true})
	}
}

// cte mirrors scanNameSpaceForCTE.
func (s *scope) cte(name string) *cte {
	for ; s != nil; s = s.parent {
		for _, c := range s.ctes {
			if c.node.Ctename == name {
				return c
			}
		}
	}
	return nil
}

// cteItem is a reference to a WITH query in FROM.
func (b *binding) cteItem(rv *ast.RangeVar, c *cte) *item {
	b.saw(rv)
	b.saw(rv.Alias)
	b.bindCTE(c)
	it := b.planned(&item{name: rv.Relname, relVisible: true, colsVisible: true})
	if rv.Alias != nil {
		it.name = rv.Alias.Aliasname
	}
	if c.state == cteBinding {
		it.unknown = true // a recursion that PostgreSQL itself rejects
	}
	it.outputColumns(c.out)
	it.unknown = it.unknown || c.state == cteBinding
	b.renameColumns(it, rv.Alias, int(rv.Location))
	return it
}
