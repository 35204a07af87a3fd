package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
)

// spellJoin sees to it that the server merges the same columns: USING and NATURAL mean the version's names. Where the
// physical names do not say the same, the tables of the join are given alias lists with the version's.
func (b *binding) spellJoin(j *ast.JoinExpr, pairs []pair, left, right *item) {
	for _, p := range pairs {
		for _, c := range []*column{p.left, p.right} {
			if !b.takesName(c, b.minLocation(j.Rarg), "a join by column names") {
				return
			}
		}
	}
	switch {
	case j.IsNatural:
		b.spellNatural(j, pairs, left, right)
	case len(j.UsingClause) > 0 && len(pairs) == len(j.UsingClause): // else a name is missing: that has been reported
		b.spellUsing(j, pairs, left, right)
	}
}

func (b *binding) spellUsing(j *ast.JoinExpr, pairs []pair, left, right *item) {
	if !samePhysical(pairs, left, right) {
		b.joinByAliases(j)
		return
	}
	at := b.usingToken(j)
	for i, p := range pairs {
		if p.left.physical == p.name {
			continue
		}
		if at < 0 {
			b.misplaced(-1, p.name)
			return
		}
		b.renameToken(b.elements(at + 1)[i], p.name, p.left.physical, func() { j.UsingClause[i] = stringNode(p.left.physical) })
	}
}

// spellNatural leaves a NATURAL join alone if the server merges the very same columns.
func (b *binding) spellNatural(j *ast.JoinExpr, pairs []pair, left, right *item) {
	server := commonColumns(left, right, func(c *column) string { return c.physical })
	same := slices.EqualFunc(pairs, server, func(a, b pair) bool { return a.left == b.left && a.right == b.right })
	if !same || !samePhysical(pairs, left, right) {
		b.joinByAliases(j)
	}
}

// samePhysical tells whether USING can say the pairs: one physical name for both sides of each, which means no other
// column there.
func samePhysical(pairs []pair, left, right *item) bool {
	for _, p := range pairs {
		if p.left.physical != p.right.physical || p.left.physical == "" ||
			countPhysical(left, p.left.physical) > 1 || countPhysical(right, p.left.physical) > 1 {
			return false
		}
	}
	return true
}

func countPhysical(it *item, name string) int {
	n := 0
	for _, c := range it.cols {
		if c.physical == name {
			n++
		}
	}
	return n
}

func stringNode(s string) *ast.Node {
	return &ast.Node{Node: &ast.Node_String_{String_: &ast.String{Sval: s}}}
}

func columnRefNode(parts []string) *ast.Node {
	fields := make([]*ast.Node, len(parts))
	for i, p := range parts {
		fields[i] = stringNode(p)
	}
	return &ast.Node{Node: &ast.Node_ColumnRef{ColumnRef: &ast.ColumnRef{Fields: fields}}}
}

// usingToken finds the USING of a join, which has no location: the first that follows its right side, lists its names
// and is not that of a join inside it. -1 when there is none.
func (b *binding) usingToken(j *ast.JoinExpr) int {
	from := b.maxLocation(j.Rarg)
	if from < 0 {
		return -1
	}
	for i := b.tokens.At(from); i < b.tokens.Len(); i++ {
		if b.tokens.Kind(i) != ast.Token_USING || !b.tokens.Is(i+1, '(') || b.placed[i] || !b.lists(i+1, ast.StrVals(j.UsingClause)) {
			continue
		}
		b.place(i)
		return i
	}
	return -1
}

// place remembers that the token belongs to a join that has been dealt with.
func (b *binding) place(i int) {
	if b.placed == nil {
		b.placed = map[int]bool{}
	}
	b.placed[i] = true
}

// lists tells whether the bracket at token i holds exactly these names.
func (b *binding) lists(i int, names []string) bool {
	first := b.elements(i)
	if len(first) != len(names) {
		return false
	}
	for k, name := range names {
		if got, ok := b.tokens.Ident(first[k]); !ok || got != name {
			return false
		}
	}
	return true
}
