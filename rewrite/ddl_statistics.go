package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// createStatistics binds CREATE STATISTICS … ON a, (b || c) FROM t.
func (b *binding) createStatistics(x *ast.CreateStatsStmt) {
	b.saw(x)
	if len(x.Relations) != 1 || x.Relations[0].GetRangeVar() == nil {
		for _, n := range x.Relations {
			b.existing(n.GetRangeVar(), false)
		}
		b.unsupported(-1, refusedConstruct, "CREATE STATISTICS", "is for one table")
		return
	}
	it := b.subject(x.Relations[0].GetRangeVar(), false)
	all := b.whole()
	on := b.find(all, ast.Token_ON)
	parts := b.commas(syntax.Span{From: on + 1, To: b.find(syntax.Span{From: on, To: all.To}, ast.Token_FROM)})
	for k, n := range x.Exprs {
		e := n.GetStatsElem()
		if e == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(e)
		b.expr(&scope{items: []*item{it}}, e.Expr)
		if e.Name == "" {
			continue
		}
		c, ok := b.columnNamed(it, e.Name, -1, columnAlone)
		switch {
		case !ok || !b.takesName(c, -1, "CREATE STATISTICS") || c.physical == c.name:
		case k >= len(parts):
			b.misplaced(-1, e.Name)
		default:
			b.renameToken(parts[k].From, c.name, c.physical, func() { e.Name = c.physical })
		}
	}
}
