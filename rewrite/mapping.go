package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Columns of a version that are more than a name in the database (rules.Mapping). Reading one splices an expression in the
// place of the reference. Whatever can only take a name asks takesName or takesValue first, which refuse.

// computed is the expression by which the column is read; nil where it is read by its name.
func (c *column) computed() *rules.Expression {
	if c.mapping == nil {
		return nil
	}
	return c.mapping.Read
}

// computedColumn gives an item a column that is read by an expression over others of the item. The server has no name for it.
func (b *binding) computedColumn(it *item, rel *catalog.Relation, lc *rules.ColumnLens) {
	e := lc.Reads()
	for _, p := range e.Columns {
		if c := rel.ColumnByNum(p.Num); c == nil || c.Name != p.Name {
			b.unsupported(-1, refusedUnproven, "the table "+rel.Name, "is not as its lens says")
			return
		}
	}
	c := it.newColumn(lc.Logical, "")
	c.typ, c.typmod, c.mapping = e.Type, e.Typmod, lc.Mapping
	c.table, c.logical = it.table, lc.Logical
}

// addsRows notes the computed columns on the sides of an outer join for which it adds rows of NULL.
func addsRows(kind ast.JoinType, left, right *item) {
	if kind == ast.JoinType_JOIN_LEFT || kind == ast.JoinType_JOIN_FULL {
		right.addsRows()
	}
	if kind == ast.JoinType_JOIN_RIGHT || kind == ast.JoinType_JOIN_FULL {
		left.addsRows()
	}
}

func (it *item) addsRows() {
	for _, c := range it.cols {
		if c.mapping != nil {
			c.root.item.added = true
		}
	}
}

// takesName reports whether a plain name stands for the column where it is read. Where none does, the construct, which can
// only take one, is refused.
func (b *binding) takesName(c *column, location int, construct string) bool {
	if c.computed() == nil {
		return true
	}
	b.notAName(c.name, location, construct)
	return false
}

// notAName refuses a construct that can only take the name of a column, for one that is read by an expression.
func (b *binding) notAName(name string, location int, construct string) {
	b.affected = true
	b.unsupported(location, refusedMapped, construct, "can only take the name of a column, and "+syntax.QuoteIdent(name)+" is computed from others in the database")
}

// spliceComputed writes the expression by which a column is read in the place of a reference to it.
func (b *binding) spliceComputed(s *scope, n *ast.Node, parts []string, h hit) {
	ref := n.GetColumnRef()
	if h.shadowed {
		b.affected = true
		b.aliasLevels(s)
		b.unsupported(int(ref.Location), refusedDoubt, "the name "+syntax.QuoteIdent(h.col.name), "may mean a column that is not known here")
		return
	}
	text, node, ok := b.computedText(s, h.item, h.col, int(ref.Location))
	if !ok {
		return
	}
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(parts)-1)
	if name, ok := b.tokens.Ident(last); !ok || name != parts[len(parts)-1] {
		b.misplaced(int(ref.Location), syntax.QuoteQualified(parts))
		return
	}
	b.affected = true
	b.renamed[ref] = true
	b.replace(b.tokens.Start(first), b.tokens.IdentEnd(last), text, func() { n.Node = node.Node })
}

// computedTarget is starColumn for a column that is read by an expression.
func (b *binding) computedTarget(s *scope, it *item, c *column) (string, *ast.Node, bool) {
	text, node, ok := b.computedText(s, it, c, -1)
	if !ok {
		return "", nil, false
	}
	target := &ast.ResTarget{Name: c.name, Val: node}
	return text + " AS " + syntax.QuoteIdent(c.name), &ast.Node{Node: &ast.Node_ResTarget{ResTarget: target}}, true
}

// computedText is the expression of a column that was found in an item, as SQL and as its tree. ok is false where it is
// refused. In rows that an outer join adds it has to be NULL. And it has to name a column of its table in any case: that
// decides of which query an aggregate is a part (check_agg_arguments in parse_agg.c), and whether there must be a GROUP BY.
func (b *binding) computedText(s *scope, it *item, c *column, location int) (text string, node *ast.Node, ok bool) {
	e, own := c.computed(), c.root.item
	switch {
	case b.catalogs.stored, b.inBody, b.shown != nil:
		b.affected = true
		b.unsupported(location, refusedMapped, "what is kept in the database", "cannot read "+syntax.QuoteIdent(c.name)+", which is computed from other columns while the migration lasts")
		return "", nil, false
	}
	condition := ""
	if len(e.Columns) == 0 || own.added && !e.NullOfNull {
		row, ok := b.spellingOf(s, it, own, own.systemColumnIfAny("tableoid"))
		if !ok {
			b.affected = true
			b.unsupported(location, refusedMapped, "the column "+syntax.QuoteIdent(c.name), "is computed, and in this place it cannot be told whether there is a row of its table at all")
			return "", nil, false
		}
		condition = row + " IS NOT NULL"
	}
	names := make(map[int16]string, len(e.Columns))
	for _, p := range e.Columns {
		name, ok := b.spelling(s, it, own, p.Num)
		if !ok {
			b.aliasLevels(s)
			b.unsupported(location, refusedDoubt, "the column "+syntax.QuoteIdent(c.name), "is computed from "+syntax.QuoteIdent(p.Name)+", which cannot be named unmistakably in the database")
			return "", nil, false
		}
		names[p.Num] = name
	}
	text = e.SQL(condition, func(p rules.PhysicalColumn) string { return names[p.Num] })
	node, ok = b.parsedExpression(text)
	return text, node, ok
}

// parsedExpression is the tree of an expression of ours, with which the proof compares what is spliced. Equal texts share
// one: nothing may be changed in it.
func (b *binding) parsedExpression(text string) (*ast.Node, bool) {
	if n := b.expressions[text]; n != nil {
		return n, true
	}
	tree, err := syntax.Parse("SELECT " + text)
	if err != nil {
		b.unsupported(-1, refusedUnproven, "an expression of the lens", "cannot be read")
		return nil, false
	}
	n := tree.Stmts[0].GetStmt().GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal()
	put(&b.expressions, text, n)
	return n, true
}

// spelling is how to name a column of the table own, by its number, where what was found in the item it is meant.
func (b *binding) spelling(s *scope, it, own *item, num int16) (string, bool) {
	i := slices.IndexFunc(own.cols, func(c *column) bool { return c.attnum == num && c.computed() == nil })
	if i < 0 {
		return "", false
	}
	return b.spellingOf(s, it, own, own.cols[i])
}

func (b *binding) spellingOf(s *scope, it, own *item, c *column) (string, bool) {
	if c == nil {
		return "", false
	}
	for _, parts := range [][]string{{it.sent(), c.physical}, {own.sent(), c.physical}, {c.physical}} {
		if b.means(s, parts, c, false, nil) {
			return syntax.QuoteQualified(parts), true
		}
	}
	return "", false
}

// systemColumnIfAny is a system column of an item; nil where it has none.
func (it *item) systemColumnIfAny(name string) *column {
	if it.rel == nil || !hasSystemColumns(it.rel.Kind) {
		return nil
	}
	return it.systemColumn(name)
}
