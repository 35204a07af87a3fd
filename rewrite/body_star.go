package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Stars in bodies. A body is analyzed whenever it runs, so that * in it stands for the columns of that moment. Writing
// the columns of today instead would hide those that are added later, also long after the migration. So a star stays:
// as it is where only the order of the columns counts, and under an alias list for the table where their names do. The
// list names the columns of today, and what is added behind them keeps its name (expandRTE).

// placeOnly notes that only the order of what a statement puts out counts, and not what the columns are called.
func (b *binding) placeOnly(n *ast.Node) {
	if m := nodeOf(n); m != nil {
		if sel, ok := m.(*ast.SelectStmt); ok && sel.Larg != nil {
			b.placeOnlySelect(sel.Larg)
			b.placeOnlySelect(sel.Rarg)
		}
		put(&b.byPlace, any(m), true)
	}
}

func (b *binding) placeOnlySelect(sel *ast.SelectStmt) {
	b.placeOnly(&ast.Node{Node: &ast.Node_SelectStmt{SelectStmt: sel}})
}

// nodeOf is the statement that a node holds, if it is one that puts out rows.
func nodeOf(n *ast.Node) proto.Message {
	switch n := n.GetNode().(type) {
	case *ast.Node_SelectStmt:
		return n.SelectStmt
	case *ast.Node_InsertStmt:
		return n.InsertStmt
	case *ast.Node_UpdateStmt:
		return n.UpdateStmt
	case *ast.Node_DeleteStmt:
		return n.DeleteStmt
	}
	return nil
}

// ofPlaces tells whether what a fragment puts out goes into variables by its order alone: into none, into several, or into
// one that does not take over the names.
func (bd *body) ofPlaces(f *plpgsql.Fragment) bool {
	if f.Cursor != "" || f.Returns {
		return false
	}
	if len(f.Targets) != 1 {
		return true
	}
	v := bd.vars.known[f.Targets[0]]
	return v != nil && !v.record && !bd.vars.isRow(f.Targets[0])
}

// keptStar sees to a star in a body. first is the first column in out that it puts out. ok is false where it has to be
// written out: in what runs once, where no alias list helps.
func (b *binding) keptStar(s *scope, t *ast.ResTarget, ref *ast.ColumnRef, items []*item, out *output, first int) (nodes []*ast.Node, ok bool) {
	if b.shown != nil {
		b.noteStar(items, out, first)
		return nil, true
	}
	var renamed []*item
	for _, it := range items {
		if !it.plain && !b.inOrder(s, it) {
			renamed = append(renamed, it)
		}
	}
	if len(renamed) > 0 {
		if rows, ok := b.starFromRow(s, t, ref, renamed); ok {
			return rows, true
		}
		if b.once && !slices.ContainsFunc(renamed, b.canBeAliased) {
			return nil, false
		}
		for _, it := range renamed {
			b.aliasColumnsOf(it)
		}
		b.affected = true
		b.unsupported(int(ref.Location), refusedStar, "*", "would have to be written as the columns that the table has now")
		return nil, true
	}
	k := first
	for _, it := range items {
		for _, c := range it.cols {
			if c.name == "" {
				continue
			}
			if c.physical != c.name {
				out.cols[k].sent = c.physical
			}
			k++
		}
	}
	hidden := slices.ContainsFunc(items, func(it *item) bool { return it.hidden })
	switch {
	case hidden && len(ref.Fields) > 2:
		return b.bareStar(ref, items[0]), true
	case hidden && ref.Location < 0 && b.table >= 0: // TABLE t takes no alias
		b.replace(b.tokens.Start(b.table), b.tokens.End(b.table), "SELECT * FROM", nil)
	}
	return nil, true
}

// inOrder tells whether the star of an item puts out the version's columns in their order, under names that do not matter.
func (b *binding) inOrder(s *scope, it *item) bool {
	return s.byPlace && it.ordered && !it.unknown && it.catalog == nil && (it.rel != nil || it.rowType != 0)
}

// canBeAliased tells whether an alias list can give an item, or what it is made of, the version's names.
func (b *binding) canBeAliased(it *item) bool {
	return b.aliasable[it.node] != nil || slices.ContainsFunc(it.cols, func(c *column) bool {
		return b.aliasable[c.item.node] != nil || b.aliasable[c.root.item.node] != nil
	})
}

// aliasColumnsOf asks for alias lists for an item and for what its columns come from.
func (b *binding) aliasColumnsOf(it *item) {
	b.aliasNode(it.node)
	for _, c := range it.cols {
		b.aliasNode(c.item.node)
		b.aliasNode(c.root.item.node)
	}
}

// bareStar writes t.* instead of schema.t.*, where the table has an alias in what is sent.
func (b *binding) bareStar(ref *ast.ColumnRef, it *item) []*ast.Node {
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(ref.Fields)-1)
	if !b.tokens.Is(last, '*') {
		b.misplaced(int(ref.Location), "*")
		return nil
	}
	b.affected = true
	b.replace(b.tokens.Start(first), b.tokens.End(last), syntax.QuoteIdent(it.name)+".*", nil)
	return []*ast.Node{starNode(it.name)}
}

// starFromRow gives the row of a variable the version's names, in SELECT v.* with nothing else: it becomes
// SELECT * FROM (SELECT v.*) AS _segue_row (…).
func (b *binding) starFromRow(s *scope, t *ast.ResTarget, ref *ast.ColumnRef, renamed []*item) ([]*ast.Node, bool) {
	sel := s.selects
	if len(renamed) != 1 || sel == nil || len(sel.TargetList) != 1 || t.Name != "" || !b.vars.owns(renamed[0]) {
		return nil, false
	}
	rest := len(sel.FromClause) + len(sel.GroupClause) + len(sel.SortClause) + len(sel.WindowClause)
	if rest > 0 || sel.WhereClause != nil || sel.HavingClause != nil || !renamed[0].ordered {
		return nil, false
	}
	list, ok := renamed[0].versionNames()
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(ref.Fields)-1)
	if !ok || !b.tokens.Is(last, '*') {
		return nil, false
	}
	row := b.sql[b.tokens.Start(first):b.tokens.End(last)]
	text := "* FROM (SELECT " + row + ") AS _segue_row " + list
	tree, err := syntax.Parse("SELECT " + text)
	if err != nil {
		return nil, false
	}
	made := tree.Stmts[0].Stmt.GetSelectStmt()
	b.affected = true
	b.replace(b.tokens.Start(first), b.tokens.End(last), text, func() { sel.FromClause = made.FromClause })
	return made.TargetList, true
}

// versionNames is the alias list of all columns of an item, in the version's names. ok is false where it does not show one
// of them, or two have the same.
func (it *item) versionNames() (list string, ok bool) {
	var names []string
	for _, c := range it.cols {
		if c.name == "" || slices.Contains(names, c.name) {
			return "", false
		}
		names = append(names, c.name)
	}
	return "(" + strings.Join(syntax.QuoteIdents(names), ", ") + ")", len(names) > 0
}

// orderBySent writes the name that an output column of a kept star has at the server, in ORDER BY and DISTINCT ON. It tells
// whether the name is that of one.
func (b *binding) orderBySent(ref *ast.ColumnRef, name string, out output) bool {
	i := slices.IndexFunc(out.cols, func(c outputColumn) bool { return c.label == name })
	if i < 0 || !slices.ContainsFunc(out.cols, func(c outputColumn) bool { return c.sent != "" }) {
		return false
	}
	sent := out.cols[i].atServer()
	for k := range out.cols {
		if c := &out.cols[k]; c.atServer() == sent && c.root != out.cols[i].root {
			b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(name), "means another column in the database")
		}
	}
	if sent != name {
		b.affected = true
		b.renameToken(b.tokens.At(int(ref.Location)), name, sent, func() { ref.Fields[0] = stringNode(sent) })
	}
	return true
}

// atServer is what the column is called in what is sent.
func (c *outputColumn) atServer() string {
	if c.sent != "" {
		return c.sent
	}
	return c.label
}

// sentAs tells whether an output column has the name in what is sent.
func (o output) sentAs(name string) bool {
	return slices.ContainsFunc(o.cols, func(c outputColumn) bool { return c.atServer() == name })
}
