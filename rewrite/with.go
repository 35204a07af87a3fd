package rewrite

import "github.com/seguedb/segue/rewrite/ast"

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
	for _, c := range all {
		if w.Recursive {
			s.define(c)
		} else {
			b.hideFuture(c, 1)
		}
	}
	for _, c := range all {
		b.bindCTE(c)
		if !w.Recursive {
			s.define(c)
			b.hideFuture(c, -1)
		}
	}
}

// define makes a WITH query known at its level. Of two with one name the first is meant; the server rejects them.
func (s *scope) define(c *cte) {
	if s.ctes[c.node.Ctename] == nil {
		put(&s.ctes, c.node.Ctename, c)
	}
}

// hideFuture counts the WITH queries of a name that cannot be named yet.
func (b *binding) hideFuture(c *cte, by int) {
	put(&b.future, c.node.Ctename, b.future[c.node.Ctename]+by)
}

// isFuture mirrors isFutureCTE: a WITH query of that name cannot be referenced yet.
func (b *binding) isFuture(name string) bool {
	return b.future[name] > 0
}

func (b *binding) bindCTE(c *cte) {
	if c.state != cteUnbound {
		return
	}
	c.state = cteBinding
	b.saw(c.node)
	if sel := c.node.Ctequery.GetSelectStmt(); sel != nil {
		put(&b.recursing, sel, c)
	}
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
func (b *binding) recursiveTerm(sel *ast.SelectStmt, left output) {
	c := b.recursing[sel]
	if c == nil || c.state != cteBinding {
		return
	}
	for i := range left.cols {
		left.cols[i].relation, left.cols[i].num = 0, 0
	}
	c.out = c.renamed(left)
	b.searchAndCycle(c)
	c.state = cteShaped
}

// renamed applies the list of column names of WITH name (…) AS.
func (c *cte) renamed(out output) output {
	renamed := output{cols: append([]outputColumn(nil), out.cols...), unknown: out.unknown}
	for i, n := range c.node.Aliascolnames {
		if i >= len(renamed.cols) {
			break
		}
		renamed.cols[i].label, renamed.cols[i].unsure, renamed.cols[i].moved = ast.StrVal(n), false, nil
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
		if c := s.ctes[name]; c != nil {
			return c
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
