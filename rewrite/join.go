package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
)

// A pair is two columns that a join merges, and the name that the merged column has in the version.
type pair struct {
	name        string
	left, right *column
}

// sameType tells whether the merged column needs no coercion, and so is the column of one side.
func (p pair) sameType() bool {
	return p.left.typ != 0 && p.left.typ == p.right.typ && p.left.typmod == p.right.typmod
}

// join mirrors the JoinExpr branch of transformFromClauseItem.
func (b *binding) join(s *scope, j *ast.JoinExpr) (*item, []*item) {
	b.saw(j)
	b.saw(j.Alias)
	b.saw(j.JoinUsingAlias)
	left, lefts := b.fromItem(s, j.Larg)
	saved := s.items
	laterally := j.Jointype == ast.JoinType_JOIN_INNER || j.Jointype == ast.JoinType_JOIN_LEFT
	setLateral(lefts, true, !laterally)
	if j.Rarg.GetRangeVar() == nil { // a table looks at nothing beside it
		s.items = append(slices.Clip(saved), lefts...)
	}
	right, rights := b.fromItem(s, j.Rarg)
	s.items = saved
	if left == nil || right == nil {
		b.refuse(-1, "a join", "lacks a side")
		return &item{unknown: true, colsVisible: true}, nil
	}
	b.checkNames(lefts, rights)
	items := append(lefts, rights...) // nobody else has the slices
	it := &item{
		colsVisible: true,
		unknown:     left.unknown || right.unknown,
		plain:       left.plain && right.plain,
		ordered:     left.ordered && right.ordered,
	}
	merged := b.merge(j, left, right, it)
	if j.JoinUsingAlias != nil {
		items = append(items, b.usingAliasItem(j, merged))
	}
	if j.Quals != nil {
		setLateral(items, false, false)
		s.within(items, func() { b.expr(s, j.Quals) })
		if j.Jointype == ast.JoinType_JOIN_INNER {
			b.narrow(s, j.Quals)
		}
	}
	addsRows(j.Jointype, left, right)
	if j.Alias != nil {
		b.catalogs.byPlace = true
		return b.aliasedJoin(j, it)
	}
	for _, i := range items {
		i.colsVisible = false
	}
	return it, append(items, it)
}

// aliasedJoin hides the tables of the join behind its alias.
func (b *binding) aliasedJoin(j *ast.JoinExpr, it *item) (*item, []*item) {
	whole := &item{
		name: j.Alias.Aliasname, relVisible: true, colsVisible: true,
		unknown: it.unknown, plain: it.plain, ordered: it.ordered,
	}
	for _, c := range it.cols {
		w := *c
		w.item = whole
		whole.cols = append(whole.cols, &w)
	}
	b.renameColumns(whole, j.Alias, -1)
	return whole, []*item{whole}
}

// usingAliasItem is x in JOIN … USING (…) AS x: the merged columns alone.
func (b *binding) usingAliasItem(j *ast.JoinExpr, merged []*column) *item {
	it := &item{name: j.JoinUsingAlias.Aliasname, relVisible: true, plain: true, ordered: true}
	for _, c := range merged {
		w := *c
		w.item = it
		it.cols = append(it.cols, &w)
		it.plain = it.plain && c.name == c.physical
	}
	return it
}

// merge works out the columns of a join: the merged ones, those left over on the left, those on the right. Where the
// version's names lead to other pairs than the server's, the join is written in another way.
func (b *binding) merge(j *ast.JoinExpr, left, right, it *item) []*column {
	var pairs []pair
	switch {
	case j.IsNatural:
		pairs = b.naturalPairs(j, left, right)
	case len(j.UsingClause) > 0:
		pairs = b.usingPairs(j, left, right)
	}
	b.spellJoin(j, pairs, left, right)
	if len(pairs) == 0 {
		// The left side of a join in a join shows its columns no more: its list goes on.
		it.cols = append(left.listed(), right.cols...)
		if left.merges {
			it.plain = it.plain && right.spelledAlike()
		} else {
			it.plain = it.plain && it.spelledAlike()
		}
		it.merges = true
		return nil
	}
	merged := make([]*column, 0, len(pairs))
	for _, p := range pairs {
		merged = append(merged, mergedColumn(j.Jointype, p, it))
	}
	it.cols = append(it.cols, merged...)
	for _, side := range []*item{left, right} {
		for _, c := range side.cols {
			if !isMerged(pairs, c) {
				it.cols = append(it.cols, c)
			}
		}
	}
	it.plain = it.plain && it.spelledAlike()
	it.merges = true
	return merged
}

// listed is the item's list of columns, to be gone on with.
func (it *item) listed() []*column {
	if it.merges {
		return it.cols
	}
	return slices.Clip(it.cols)
}

// spelledAlike tells whether all columns have the version's names at the server.
func (it *item) spelledAlike() bool {
	return !slices.ContainsFunc(it.cols, func(c *column) bool { return c.name != c.physical })
}

func isMerged(pairs []pair, c *column) bool {
	return slices.ContainsFunc(pairs, func(p pair) bool { return p.left == c || p.right == c })
}

// mergedColumn mirrors buildMergedJoinVar: the column of one side where that is the same value, and else one of its own.
func mergedColumn(kind ast.JoinType, p pair, it *item) *column {
	c := &column{name: p.name, physical: p.left.physical, item: it, typ: p.left.typ, typmod: p.left.typmod}
	c.root = c
	side := p.left
	if kind == ast.JoinType_JOIN_RIGHT {
		side = p.right
	}
	c.table = side.table
	if c.rows = p.left.rows; !c.rows.holdsRows() {
		c.rows = p.right.rows
	}
	if c.typ == 0 && !c.rows.holdsRows() {
		c.rows.typ = p.right.typ
	}
	if kind == ast.JoinType_JOIN_FULL {
		c.known = true
		return c
	}
	if p.sameType() {
		c.root, c.item = side.root, side.item
		c.relation, c.num, c.known = side.relation, side.num, side.known
	}
	return c
}

// usingPairs mirrors the lookups of transformFromClauseItem for USING.
func (b *binding) usingPairs(j *ast.JoinExpr, left, right *item) []pair {
	var out []pair
	for _, n := range j.UsingClause {
		name := ast.StrVal(n)
		l, lok := b.usingColumn(left, name, "left")
		r, rok := b.usingColumn(right, name, "right")
		if !lok || !rok {
			continue
		}
		for _, c := range []*column{l, r} {
			if c.table != nil {
				b.use(c.table, c.name)
			}
		}
		out = append(out, pair{name, l, r})
	}
	return out
}

func (b *binding) usingColumn(it *item, name, side string) (*column, bool) {
	var hit *column
	n := 0
	for _, c := range it.cols {
		if c.name == name {
			hit = c
			n++
		}
	}
	switch {
	case n == 1:
		return hit, true
	case n > 1:
		b.fail("42702", -1, false, `common column name "`+name+`" appears more than once in `+side+` table`, "")
	case it.unknown:
		c := it.newColumn(name, name)
		return c, true
	default:
		b.lookAgain([]*item{it}, name)
		server := slices.ContainsFunc(it.cols, func(c *column) bool { return c.physical == name })
		b.fail("42703", -1, !server, `column "`+name+`" specified in USING clause does not exist in `+side+` table`, "")
	}
	return nil, false
}

// naturalPairs are the columns that have the same name on both sides in the version, in the order of the left side.
func (b *binding) naturalPairs(j *ast.JoinExpr, left, right *item) []pair {
	b.catalogs.natural = true
	if left.unknown || right.unknown {
		b.unsupported(b.minLocation(j.Rarg), refusedJoin, "NATURAL JOIN", "needs columns that are not known")
		return nil
	}
	pairs := commonColumns(left, right, func(c *column) string { return c.name })
	for _, p := range pairs {
		if _, ok := b.usingColumn(left, p.name, "left"); !ok {
			return nil
		}
		if _, ok := b.usingColumn(right, p.name, "right"); !ok {
			return nil
		}
		b.use(p.left.table, p.name)
		b.use(p.right.table, p.name)
	}
	return pairs
}

func commonColumns(left, right *item, name func(*column) string) []pair {
	var out []pair
	for _, l := range left.cols {
		for _, r := range right.cols {
			if name(l) != "" && name(l) == name(r) {
				out = append(out, pair{name(l), l, r})
				break
			}
		}
	}
	return out
}
