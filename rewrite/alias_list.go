package rewrite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// An alias with a list of columns gives a table of FROM the version's names for all of the statement. It is added where
// the names cannot be replaced one by one: where they decide by themselves what a join merges, where nothing else names a
// column unmistakably, and where the fields of a join's row are called by them.

// aliasLists are the tables of the statement at hand that are given one.
type aliasLists struct {
	aliasable     map[any]*item // tables in FROM, and functions that return rows, by their nodes
	hiddenAliases int           // names made up for columns that the version does not show
}

// joinByAliases has the statement bound anew, with alias lists for the tables in a join. It is refused where they have
// them already.
func (b *binding) joinByAliases(j *ast.JoinExpr) {
	b.unsupported(b.minLocation(j.Rarg), refusedJoin, "a join by column names", "merges columns that have different names in the database")
	b.aliasLater(j.Larg)
	b.aliasLater(j.Rarg)
}

// aliasLater asks for alias lists for what has columns of other names at the server, on one side of a join.
func (b *binding) aliasLater(side *ast.Node) {
	var node any
	switch n := side.Node.(type) {
	case *ast.Node_RangeTableSample:
		b.aliasLater(n.RangeTableSample.Relation)
	case *ast.Node_JoinExpr:
		b.aliasLater(n.JoinExpr.Larg)
		b.aliasLater(n.JoinExpr.Rarg)
	case *ast.Node_RangeVar:
		node = n.RangeVar
	case *ast.Node_RangeFunction:
		node = n.RangeFunction
	}
	b.aliasNode(node)
}

// aliasNode asks for an alias list for an item of FROM, if that gives its columns other names.
func (b *binding) aliasNode(node any) {
	if it := b.aliasable[node]; it != nil && slices.ContainsFunc(it.cols, (*column).isRenamed) {
		put(&b.aliased, node, true)
	}
}

// aliasLevels has the statement bound anew, with alias lists for all that can be named from a level. It belongs to a
// refusal, which stands if that does not help.
func (b *binding) aliasLevels(s *scope) {
	for ; s != nil; s = s.parent {
		for _, it := range s.entries {
			b.aliasNode(it.node)
		}
	}
}

// aliasRow does the same for the tables whose columns are the fields of a row that is not one of a table.
func (b *binding) aliasRow(v value) {
	if v.item == nil || v.typ != 0 || v.item.rel != nil {
		return
	}
	for _, c := range v.item.cols {
		b.aliasNode(c.item.node)
		b.aliasNode(c.root.item.node)
	}
}

// isRenamed tells whether the server knows the column by another name.
func (c *column) isRenamed() bool { return c.name != c.physical }

func (b *binding) canAlias(node any, it *item) {
	it.node = node
	put(&b.aliasable, node, it)
}

// aliasTable gives a table in FROM an alias list if one was asked for. A transition table is no relation.
func (b *binding) aliasTable(it *item, rv *ast.RangeVar) {
	if it.table == nil || it.rel == nil && !it.ordered {
		return
	}
	b.canAlias(rv, it)
	if !b.aliased[rv] {
		return
	}
	cols := it.cols
	if it.rel != nil {
		cols = make([]*column, 0, len(it.rel.Columns))
		for i := range it.rel.Columns {
			cols = append(cols, it.cols[slices.IndexFunc(it.cols, func(c *column) bool { return c.num == it.rel.Columns[i].Num })])
		}
	}
	aliased := rv.Alias != nil || it.hidden
	it.hidden = it.hidden || it.bare
	b.aliasColumns(it, cols, &rv.Alias, aliased, b.tableEnd(b.tokens.At(int(rv.Location)), rv))
}

// aliasFunction gives a function in FROM an alias list if one was asked for. It must return one row type, whose fields
// are in the version's order.
func (b *binding) aliasFunction(it *item, r *ast.RangeFunction) {
	if it.table == nil || !it.ordered || r.Ordinality || len(r.Functions) != 1 {
		return
	}
	call := r.Functions[0].GetList().GetItems()[0].GetFuncCall()
	if call == nil || r.IsRowsfrom {
		return
	}
	b.canAlias(r, it)
	if b.aliased[r] {
		open := b.afterIdent(b.part(b.tokens.At(int(call.Location)), len(call.Funcname)-1))
		b.aliasColumns(it, it.cols, &r.Alias, r.Alias != nil, b.aliasEnd(b.closing(open), r.Alias))
	}
}

// aliasColumns writes an alias list with the version's names for the columns of an item. The columns are in the server's
// order, and all of them are listed: should one have been dropped in the meantime, that is an error instead of a list
// that means other columns. end is the item's last token, and named says that an alias stands there.
func (b *binding) aliasColumns(it *item, cols []*column, alias **ast.Alias, named bool, end int) {
	given := len((*alias).GetColnames())
	var names []string
	for _, c := range cols {
		if c.physical = c.name; c.name == "" { // no name that another column has, or that could be merged with one
			b.hiddenAliases++
			c.physical = "_segue_hidden_" + strconv.Itoa(b.hiddenAliases)
		}
		names = append(names, c.physical)
	}
	it.plain = it.ordered
	names = names[given:]
	list := strings.Join(syntax.QuoteIdents(names), ", ")
	at := b.tokens.IdentEnd(end)
	switch {
	case given > 0:
		at, list = b.tokens.Start(end), ", "+list // inside the client's own list
	case named:
		list = " (" + list + ")"
	default:
		list = " AS " + syntax.QuoteIdent(it.name) + " (" + list + ")"
	}
	b.affected = true
	b.replace(at, at, list, func() {
		if *alias == nil {
			*alias = &ast.Alias{Aliasname: it.name}
		}
		for _, name := range names {
			(*alias).Colnames = append((*alias).Colnames, stringNode(name))
		}
	})
}

// listsOther writes the client's list of column aliases in the server's order, where the version has the columns in another one
// or does not show them all. It tells whether there is such a list.
func (b *binding) listsOther(it *item, rv *ast.RangeVar) bool {
	given := ast.StrVals(rv.Alias.GetColnames())
	if len(given) == 0 || it.ordered || it.table == nil || it.rel == nil {
		return false
	}
	shown := it.shown(len(it.cols))
	if len(given) > len(shown) { // buildRelationAliases in parse_relation.c
		b.fail("42P10", -1, false, fmt.Sprintf("table %q has %d columns available but %d columns specified", it.name, len(shown), len(given)), "")
		return true
	}
	for _, c := range shown {
		if !b.takesName(c, int(rv.Location), "a list of column aliases") {
			return true
		}
	}
	for i, name := range given {
		shown[i].name = name
	}
	var names []string
	for i := range it.rel.Columns {
		c := it.cols[slices.IndexFunc(it.cols, func(c *column) bool { return c.num == it.rel.Columns[i].Num })]
		if c.physical = c.name; c.name == "" {
			b.hiddenAliases++
			c.physical = "_segue_hidden_" + strconv.Itoa(b.hiddenAliases)
		}
		names = append(names, c.physical)
	}
	end := b.tableEnd(b.tokens.At(int(rv.Location)), rv)
	open := end - 1
	for ; open > 0 && b.closing(open) != end; open-- {
	}
	if !b.tokens.Is(open, '(') || !b.tokens.Is(end, ')') {
		b.misplaced(int(rv.Location), "(")
		return true
	}
	it.named = false
	b.affected = true
	b.replace(b.tokens.End(open), b.tokens.Start(end), strings.Join(syntax.QuoteIdents(names), ", "), func() {
		rv.Alias.Colnames = nil
		for _, name := range names {
			rv.Alias.Colnames = append(rv.Alias.Colnames, stringNode(name))
		}
	})
	return true
}

// tableEnd is the last token of a table in FROM whose name begins at token i, its alias included.
func (b *binding) tableEnd(i int, rv *ast.RangeVar) int {
	only := b.tokens.Is(i-1, '(') && b.tokens.Kind(i-2) == ast.Token_ONLY
	for b.tokens.Is(b.afterIdent(i), '.') {
		i = b.part(i, 1)
	}
	i = b.afterIdent(i) - 1
	if b.tokens.Is(i+1, '*') || only && b.tokens.Is(i+1, ')') {
		i++
	}
	return b.aliasEnd(i, rv.Alias)
}

// aliasEnd is the last token of the alias that follows token i; i itself when there is none.
func (b *binding) aliasEnd(i int, alias *ast.Alias) int {
	if alias == nil {
		return i
	}
	if b.tokens.Kind(i+1) == ast.Token_AS {
		i++
	}
	i = b.afterIdent(i+1) - 1
	if len(alias.Colnames) > 0 && b.tokens.Is(i+1, '(') {
		i = b.closing(i + 1)
	}
	return i
}
