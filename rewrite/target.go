package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// targets mirrors transformTargetList for SELECT and RETURNING: stars are expanded, expressions bound, labels kept.
// set puts a changed list into the tree.
func (b *binding) targets(s *scope, list []*ast.Node, set func([]*ast.Node)) output {
	out := output{}
	expanded := make([]*ast.Node, 0, len(list))
	changed := false
	for _, n := range list {
		t := n.GetResTarget()
		if t == nil {
			b.notUnderstood(n)
			out.unknown = true
			continue
		}
		b.saw(t)
		nodes, ok := b.starTarget(s, t, &out)
		switch {
		case !ok:
			out.cols = append(out.cols, b.target(s, t))
			expanded = append(expanded, n)
		case nodes == nil:
			expanded = append(expanded, n)
		default:
			expanded = append(expanded, nodes...)
			changed = true
		}
	}
	if changed {
		b.changes = append(b.changes, change{edit: b.lastEdit(), apply: func() { set(expanded) }})
	}
	return out
}

// lastEdit is the edit made last: a second change of the tree belongs to it.
func (b *binding) lastEdit() splice.Edit { return b.changes[len(b.changes)-1].edit }

// target is one expression of a target list. Where the change of a name would change the label, AS keeps it.
func (b *binding) target(s *scope, t *ast.ResTarget) outputColumn {
	before := len(b.changes)
	b.expr(s, t.Val)
	l := b.labelOf(t.Val)
	out := outputColumn{label: l.name, unsure: l.unsure}
	if t.Name != "" {
		out.label, out.unsure = t.Name, false
	}
	b.origin(s, t.Val, &out)
	b.rowTarget(t.Val, &out)
	b.aliasOutput(t.Val, &out)
	if t.Name == "" && b.relabelled(l) && len(b.changes) > before {
		b.keepLabel(t, l)
	}
	return out
}

// keepLabel adds AS with the label that the expression had before its last name changed.
func (b *binding) keepLabel(t *ast.ResTarget, l label) {
	last := b.targetEnd(b.tokens.At(int(t.Location)))
	end := b.tokens.IdentEnd(last)
	name := l.name
	b.replace(end, end, " AS "+syntax.QuoteIdent(name), func() { t.Name = name })
}

// targetEnd finds the last token of the target expression that begins at token i: the grammar keeps no such location.
// Whatever it gets wrong does not parse to the same tree.
func (b *binding) targetEnd(i int) int {
	for ; i < b.tokens.Len(); i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case b.tokens.Kind(i) == ast.Token_CASE:
			i = b.caseEnd(i)
		case b.tokens.Is(i, ','), b.tokens.Is(i, ')'), b.tokens.Is(i, ']'), b.tokens.Is(i, ';'), b.endsTarget(i):
			return i - 1
		}
	}
	return b.tokens.Len() - 1
}

// caseEnd finds the END of the CASE at token i.
func (b *binding) caseEnd(i int) int {
	depth := 0
	for ; i < b.tokens.Len(); i++ {
		switch b.tokens.Kind(i) {
		case ast.Token_CASE:
			depth++
		case ast.Token_END_P:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

// endsTarget tells whether token i is a word that follows a target list.
func (b *binding) endsTarget(i int) bool {
	if b.tokens.Is(i-1, '.') {
		return false // a name that happens to be a keyword
	}
	switch b.tokens.Kind(i) {
	case ast.Token_CREATE, ast.Token_GRANT:
		return b.making != nil
	case ast.Token_FROM, ast.Token_WHERE, ast.Token_GROUP_P, ast.Token_HAVING, ast.Token_WINDOW, ast.Token_UNION,
		ast.Token_INTERSECT, ast.Token_EXCEPT, ast.Token_ORDER, ast.Token_LIMIT, ast.Token_OFFSET, ast.Token_FETCH,
		ast.Token_FOR, ast.Token_INTO, ast.Token_RETURNING, ast.Token_ON:
		return true
	case ast.Token_WITH, ast.Token_WITH_LA:
		return b.tokens.Kind(i+1) != ast.Token_TIME
	}
	return false
}

// origin predicts where RowDescription says that the value of an expression comes from (markTargetListOrigin): a plain
// column reference has an origin, and what is surely no plain column has none.
func (b *binding) origin(s *scope, n *ast.Node, out *outputColumn) {
	if n == nil {
		return
	}
	switch n := n.Node.(type) {
	case *ast.Node_ColumnRef:
		if c := b.columns[n.ColumnRef]; c != nil {
			out.root = c.root
			out.typ, out.typmod = c.typ, c.typmod
			out.relation, out.num, out.known = c.relation, c.num, c.known
		}
	case *ast.Node_TypeCast, *ast.Node_AIndirection:
		// A cast to the same type vanishes, and a field of a whole row is a column.
	case *ast.Node_FuncCall:
		out.known = b.projections[n.FuncCall] == nil && (len(n.FuncCall.Args) != 1 || n.FuncCall.Args[0].GetColumnRef() == nil)
	default:
		out.known = true
	}
}

// starTarget handles * and t.* as a target. ok is false when the target is something else. nodes are what it becomes,
// nil when it stays.
func (b *binding) starTarget(s *scope, t *ast.ResTarget, out *output) (nodes []*ast.Node, ok bool) {
	if ind := t.Val.GetAIndirection(); ind != nil && len(ind.Indirection) > 0 && ind.Indirection[len(ind.Indirection)-1].GetAStar() != nil {
		return b.rowStar(s, t, out), true
	}
	ref := t.Val.GetColumnRef()
	if ref == nil || len(ref.Fields) == 0 || ref.Fields[len(ref.Fields)-1].GetAStar() == nil {
		return nil, false
	}
	b.saw(ref)
	items := b.starItems(s, ref)
	b.starMeans(ref)
	plain := true
	first := len(out.cols)
	for _, it := range items {
		b.useRow(it)
		out.addColumns(it)
		plain = plain && it.plain && !(it.hidden && (len(ref.Fields) > 2 || ref.Location < 0 && it.catalog == nil)) // TABLE t takes no alias
	}
	if b.inBody && (ref.Location >= 0 || b.table >= 0) {
		if nodes, ok := b.keptStar(s, t, ref, items, out, first); ok {
			return nodes, true
		}
	}
	if plain && !(t.Name == "" && b.mayLie(s, ref, items)) {
		return nil, true
	}
	if t.Name != "" {
		b.refuse(int(t.Location), "* AS "+syntax.QuoteIdent(t.Name), "has a name that PostgreSQL drops")
		return nil, true
	}
	return b.expandStar(s, ref, items), true
}

// starItems are the items whose columns a star means.
func (b *binding) starItems(s *scope, ref *ast.ColumnRef) []*item {
	if parts := ast.StrVals(ref.Fields[:len(ref.Fields)-1]); len(parts) > 0 {
		if b.namesElsewhere(ref) {
			return nil
		}
		it, f := b.resolveItem(s, ref, parts)
		if f != found {
			return nil
		}
		return []*item{it}
	}
	var out []*item
	for _, it := range s.items {
		if it.colsVisible {
			out = append(out, it)
		}
	}
	return out
}

// mayLie tells whether a star stands for columns that a migration renames, though the version has the names of the
// database now, and whether each of them can be named instead. If the names change before the text arrives, one with the
// names fails and one with the star would show other labels.
func (b *binding) mayLie(s *scope, ref *ast.ColumnRef, items []*item) bool {
	lies := false
	for _, it := range items {
		if it.unknown || ref.Location < 0 {
			return false
		}
		moves := b.itemMoves(it)
		lies = lies || moves
		for _, c := range it.cols {
			if _, _, ok := b.starColumn(s, it, c); moves && c.name != "" && !ok {
				return false
			}
		}
	}
	return lies
}

// itemMoves tells whether a column of an item is one that a migration renames, and no alias names it.
func (b *binding) itemMoves(it *item) bool {
	return slices.ContainsFunc(it.cols, func(c *column) bool {
		if c.name == "" || c.table == nil || !b.columnMoves(c.table.OID, c.num) {
			return false
		}
		lc := c.table.Column(c.logical)
		return lc != nil && lc.Reads() == nil && lc.Physical == c.physical
	})
}

// addColumns appends what the star of an item puts out.
func (o *output) addColumns(it *item) {
	o.unknown = o.unknown || it.unknown
	for _, c := range it.cols {
		if c.name != "" {
			o.cols = append(o.cols, outputColumn{
				label: c.name, root: c.root, typ: c.typ, typmod: c.typmod, relation: c.relation, num: c.num, known: c.known,
				rows: c.rows, moved: c.moved,
			})
		}
	}
}

// expandStar writes the version's columns instead of a star.
func (b *binding) expandStar(s *scope, ref *ast.ColumnRef, items []*item) []*ast.Node {
	var texts []string
	var nodes []*ast.Node
	for _, it := range items {
		if it.plain && it.relVisible && !b.itemMoves(it) {
			if same, f := s.relation(it.name, atServer); f == found && same == it {
				texts = append(texts, syntax.QuoteIdent(it.name)+".*")
				nodes = append(nodes, starNode(it.name))
				continue
			}
		}
		if it.unknown {
			b.unsupported(int(ref.Location), refusedDoubt, "*", "stands for columns that are not known")
			return nil
		}
		for _, c := range it.cols {
			if c.name == "" {
				continue
			}
			text, node, ok := b.starColumn(s, it, c)
			if !ok {
				b.aliasLevels(s)
				b.unsupported(int(ref.Location), refusedDoubt, "*", "stands for the column "+syntax.QuoteIdent(c.name)+", which cannot be named unmistakably")
				return nil
			}
			texts = append(texts, text)
			nodes = append(nodes, node)
		}
	}
	list := strings.Join(texts, ", ")
	if ref.Location < 0 && b.table >= 0 {
		b.affected = true
		b.replace(b.tokens.Start(b.table), b.tokens.End(b.table), "SELECT "+list+" FROM", nil)
		return nodes
	}
	first := b.tokens.At(int(ref.Location))
	last := b.part(first, len(ref.Fields)-1)
	if len(nodes) == 0 || !b.tokens.Is(last, '*') {
		b.unsupported(int(ref.Location), refusedDoubt, "*", "stands for no column")
		return nil
	}
	b.affected = true
	b.replace(b.tokens.Start(first), b.tokens.End(last), list, nil)
	return nodes
}

// starColumn writes one column of an expanded star.
func (b *binding) starColumn(s *scope, it *item, c *column) (string, *ast.Node, bool) {
	if c.computed() != nil {
		return b.computedTarget(s, it, c)
	}
	for _, parts := range [][]string{{it.sent(), c.physical}, {c.item.sent(), c.root.physical}, {c.physical}} {
		if !b.means(s, parts, c, false, nil) {
			continue
		}
		text := syntax.QuoteQualified(parts)
		target := &ast.ResTarget{Val: columnRefNode(parts)}
		if parts[len(parts)-1] != c.name {
			target.Name = c.name
			text += " AS " + syntax.QuoteIdent(c.name)
		}
		return text, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: target}}, true
	}
	return "", nil, false
}

// starNode is the target t.*.
func starNode(name string) *ast.Node {
	ref := columnRefNode([]string{name})
	ref.GetColumnRef().Fields = append(ref.GetColumnRef().Fields, &ast.Node{Node: &ast.Node_AStar{AStar: &ast.A_Star{}}})
	return &ast.Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Val: ref}}}
}
