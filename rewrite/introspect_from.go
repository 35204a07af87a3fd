package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// printingItem binds a function in FROM that prints names: it becomes a subquery with one row and one column, called as
// the function's would be. nil means that the item is something else.
func (b *binding) printingItem(s *scope, node *ast.Node) *item {
	if b.views == nil || b.catalogs.stored {
		return nil
	}
	r := node.GetRangeFunction()
	printed := ""
	for _, pair := range r.Functions {
		if call := pair.GetList().GetItems(); len(call) > 0 && call[0].GetFuncCall() != nil {
			printed = firstOf(printed, b.printing(call[0].GetFuncCall()))
		}
	}
	if printed == "" {
		return nil
	}
	f := r.Functions[0].GetList().Items[0].GetFuncCall()
	label := firstOf(r.Alias.GetAliasname(), printed)
	if len(r.Functions) > 1 || r.Ordinality || r.IsRowsfrom || len(r.Coldeflist) > 0 || len(r.Alias.GetColnames()) > 0 {
		b.affected = true
		b.unsupported(b.minLocation(node), refusedCatalog, "the function "+printed, "prints names of the database in a FROM item that is more than its call")
		return nil
	}
	b.saw(r)
	b.saw(r.Alias)
	saved := s.lateral
	s.lateral = true
	b.callArguments(s, f)
	s.lateral = saved
	b.subqueryForCall(node, f, label)
	it := b.planned(&item{name: label, relVisible: true, colsVisible: true, plain: true, ordered: true})
	it.newColumn(label, label).known = true
	return it
}

// subqueryForCall writes the subquery: a function in FROM is always LATERAL.
func (b *binding) subqueryForCall(node *ast.Node, f *ast.FuncCall, label string) {
	r := node.GetRangeFunction()
	if !r.Lateral {
		start := b.tokens.Start(b.tokens.At(int(f.Location)))
		b.replace(start, start, "LATERAL ", nil)
	}
	alias := r.Alias
	if alias == nil {
		end := b.tokens.End(b.closing(b.afterIdent(b.functionName(f))))
		b.replace(end, end, " AS "+syntax.QuoteIdent(label), nil)
		alias = &ast.Alias{Aliasname: label}
	}
	b.wrapCall(f, label, func(parts []string) {
		if sel := parseTemplate("SELECT FROM LATERAL ", append(parts[:len(parts):len(parts)], " AS a"), f.Args); sel != nil {
			sub := sel.FromClause[0].GetRangeSubselect()
			sub.Alias = alias
			node.Node = &ast.Node_RangeSubselect{RangeSubselect: sub}
		}
	})
}
