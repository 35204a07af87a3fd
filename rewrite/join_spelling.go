package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// A joinSpelling is how a join is written in what is sent.
type joinSpelling byte

const (
	joinAsIs    joinSpelling = iota
	joinByUsing              // USING with the physical names
	joinByOn                 // ON, since the two sides have different physical names
)

// spellJoin chooses how the join is written so that the server merges the same columns, and changes the text where
// that is another way than the client's. USING and NATURAL mean the version's names.
func (b *binding) spellJoin(j *ast.JoinExpr, pairs []pair, left, right *item) joinSpelling {
	switch {
	case j.IsNatural:
		return b.spellNatural(j, pairs, left, right)
	case len(j.UsingClause) > 0:
		return b.spellUsing(j, pairs, left, right)
	}
	return joinAsIs
}

func (b *binding) spellUsing(j *ast.JoinExpr, pairs []pair, left, right *item) joinSpelling {
	at := b.usingToken(j)
	if len(pairs) != len(j.UsingClause) {
		return joinAsIs // a name is missing: that has been reported
	}
	if !samePhysical(pairs, left, right) {
		if !b.canJoinByOn(j, pairs, at) {
			return joinAsIs
		}
		text, quals := b.onClause(pairs)
		close := b.closing(at + 1)
		b.replace(b.tokens.start(at), b.tokens.end(close), text, func() { j.UsingClause, j.Quals = nil, quals })
		return joinByOn
	}
	for i, p := range pairs {
		if p.left.physical == p.name {
			continue
		}
		if at < 0 {
			b.misplaced(-1, p.name)
			return joinAsIs
		}
		b.renameToken(b.elements(at + 1)[i], p.name, p.left.physical, func() { j.UsingClause[i] = stringNode(p.left.physical) })
	}
	return joinByUsing
}

// spellNatural leaves a NATURAL join alone if the server merges the very same columns.
func (b *binding) spellNatural(j *ast.JoinExpr, pairs []pair, left, right *item) joinSpelling {
	server := commonColumns(left, right, func(c *column) string { return c.physical })
	same := slices.EqualFunc(pairs, server, func(a, b pair) bool { return a.left == b.left && a.right == b.right })
	if same && samePhysical(pairs, left, right) {
		return joinAsIs
	}
	natural, end := b.naturalTokens(j)
	if natural < 0 {
		b.unsupported(b.minLocation(j.Rarg), refusedJoin, "NATURAL JOIN", "means other columns in the database than in the version")
		return joinAsIs
	}
	b.replace(b.tokens.start(natural), b.tokens.start(natural+1), "", func() { j.IsNatural = false })
	if len(pairs) > 0 && samePhysical(pairs, left, right) {
		var names []string
		var nodes []*ast.Node
		for _, p := range pairs {
			names = append(names, quoteIdent(p.left.physical))
			nodes = append(nodes, stringNode(p.left.physical))
		}
		b.replace(end, end, " USING ("+strings.Join(names, ", ")+")", func() { j.UsingClause = nodes })
		return joinByUsing
	}
	if !b.canJoinByOn(j, pairs, natural) {
		return joinAsIs
	}
	text, quals := b.onClause(pairs)
	b.replace(end, end, " "+text, func() { j.Quals = quals })
	return joinByOn
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

// canJoinByOn tells whether ON means the same: the merged column is that of one side, nothing names the join as a
// whole, and both columns can be qualified.
func (b *binding) canJoinByOn(j *ast.JoinExpr, pairs []pair, token int) bool {
	location := b.tokens.start(token)
	ok := token >= 0 && j.Alias == nil && j.JoinUsingAlias == nil && j.Jointype != ast.JoinType_JOIN_FULL
	for _, p := range pairs {
		ok = ok && p.sameType() && canQualify(p.left) && canQualify(p.right)
	}
	if !ok {
		b.unsupported(location, refusedJoin, "a join by column names", "merges columns that have different names in the database")
	}
	return ok
}

func canQualify(c *column) bool {
	return c.item.relVisible && c.physical != "" && countPhysical(c.item, c.physical) == 1
}

// onClause says in ON what USING says of the pairs.
func (b *binding) onClause(pairs []pair) (string, *ast.Node) {
	if len(pairs) == 0 {
		return "ON true", &ast.Node{Node: &ast.Node_AConst{AConst: &ast.A_Const{
			Val: &ast.A_Const_Boolval{Boolval: &ast.Boolean{Boolval: true}},
		}}}
	}
	var texts []string
	var nodes []*ast.Node
	for _, p := range pairs {
		l, r := []string{p.left.item.sent(), p.left.physical}, []string{p.right.item.sent(), p.right.physical}
		texts = append(texts, dotted(l)+" = "+dotted(r))
		nodes = append(nodes, &ast.Node{Node: &ast.Node_AExpr{AExpr: &ast.A_Expr{
			Kind: ast.A_Expr_Kind_AEXPR_OP, Name: []*ast.Node{stringNode("=")}, Lexpr: columnRefNode(l), Rexpr: columnRefNode(r),
		}}})
	}
	if len(nodes) == 1 {
		return "ON " + texts[0], nodes[0]
	}
	return "ON " + strings.Join(texts, " AND "), &ast.Node{Node: &ast.Node_BoolExpr{BoolExpr: &ast.BoolExpr{
		Boolop: ast.BoolExprType_AND_EXPR, Args: nodes,
	}}}
}

func dotted(parts []string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = quoteIdent(p)
	}
	return strings.Join(quoted, ".")
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
	for i := b.tokens.at(from); i < b.tokens.len(); i++ {
		if b.tokens.kind(i) != ast.Token_USING || !b.tokens.is(i+1, '(') || b.placed[i] || !b.lists(i+1, stringsOf(j.UsingClause)) {
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
		if got, ok := b.tokens.ident(first[k]); !ok || got != name {
			return false
		}
	}
	return true
}

// naturalTokens finds the word NATURAL of a join whose right side is a plain table, and the offset where that ends.
func (b *binding) naturalTokens(j *ast.JoinExpr) (natural, end int) {
	rv := j.Rarg.GetRangeVar()
	if rv == nil {
		return -1, 0
	}
	first := b.tokens.at(int(rv.Location))
	for natural = first - 1; natural >= 0 && natural >= first-6; natural-- {
		if b.tokens.kind(natural) == ast.Token_NATURAL {
			return natural, b.tokens.end(b.tableEnd(first, rv))
		}
	}
	return -1, 0
}

// tableEnd is the last token of a table in FROM whose name begins at token i, its alias included.
func (b *binding) tableEnd(i int, rv *ast.RangeVar) int {
	only := b.tokens.is(i-1, '(') && b.tokens.kind(i-2) == ast.Token_ONLY
	for b.tokens.is(b.afterIdent(i), '.') {
		i = b.part(i, 1)
	}
	i = b.afterIdent(i) - 1
	if b.tokens.is(i+1, '*') || only && b.tokens.is(i+1, ')') {
		i++
	}
	if rv.Alias == nil {
		return i
	}
	if b.tokens.kind(i+1) == ast.Token_AS {
		i++
	}
	i = b.afterIdent(i+1) - 1
	if len(rv.Alias.Colnames) > 0 && b.tokens.is(i+1, '(') {
		i = b.closing(i + 1)
	}
	return i
}
