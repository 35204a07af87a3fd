package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// rowStar binds (row).* as a target, which PostgreSQL expands to a copy of the row for each of its fields
// (ExpandRowReference). Where the names differ this does the same in the text. nodes are what the target becomes, nil
// when it stays.
func (b *binding) rowStar(s *scope, t *ast.ResTarget, out *output) (nodes []*ast.Node) {
	x := t.Val.GetAIndirection()
	before := len(b.changes)
	b.expr(s, t.Val)
	v := b.indirections[x]
	var fields *item
	if !v.array {
		fields = b.projected(v)
	}
	if fields == nil || fields.unknown {
		out.unknown = true
		if b.difference(v) != sameShape {
			b.unsupported(b.minLocation(t.Val), refusedRow, "(…).*", "stands for columns that are not known")
		}
		return nil
	}
	b.useRow(fields)
	byPlace := b.inBody && s.byPlace && fields.ordered
	plain := fields.ordered
	for _, c := range fields.cols {
		plain = plain && c.name == c.physical
		b.concernRows(c)
		if c.name != "" {
			o := outputColumn{label: c.name, typ: c.typ, typmod: c.typmod, rows: c.rows}
			if byPlace && c.physical != c.name {
				o.sent = c.physical
			}
			if b.shown != nil {
				o.moved = movedLabel(c)
			}
			out.cols = append(out.cols, o)
		}
	}
	switch {
	case plain, byPlace:
		return nil
	case b.inBody && !b.once:
		b.affected = true
		b.unsupported(b.minLocation(t.Val), refusedStar, "(…).*", "would have to be written as the columns that the table has now")
		return nil
	}
	if t.Name != "" {
		b.refuse(int(t.Location), "(…).* AS "+syntax.QuoteIdent(t.Name), "has a name that PostgreSQL drops")
		return nil
	}
	return b.expandRow(t, x, fields, before)
}

// expandRow writes (row).a AS b, … instead of (row).*; the row's own changes are those since before.
func (b *binding) expandRow(t *ast.ResTarget, x *ast.A_Indirection, fields *item, before int) []*ast.Node {
	first := b.tokens.At(int(t.Location))
	star := b.targetEnd(first)
	if !b.tokens.Is(star, '*') || !b.tokens.Is(star-1, '.') {
		b.misplaced(int(t.Location), "*")
		return nil
	}
	row, ok := b.changedText(b.tokens.Start(first), b.tokens.Start(star-1), b.changes[before:])
	if !ok {
		b.misplaced(int(t.Location), "*")
		return nil
	}
	var texts []string
	var nodes []*ast.Node
	var names []string
	for _, c := range fields.cols {
		if c.name == "" {
			continue
		}
		if !b.takesName(c, int(t.Location), "(…).*") {
			return nil
		}
		if c.physical == "" || slices.Contains(names, c.physical) {
			b.unsupported(int(t.Location), refusedDoubt, "(…).*", "stands for the field "+syntax.QuoteIdent(c.name)+", which cannot be named unmistakably")
			return nil
		}
		names = append(names, c.physical)
		text := syntax.QuoteIdent(c.physical)
		target := &ast.ResTarget{Val: &ast.Node{}}
		if c.name != c.physical {
			target.Name = c.name
			text += " AS " + syntax.QuoteIdent(c.name)
		}
		if len(texts) > 0 {
			text = row + "." + text
		}
		texts = append(texts, text)
		nodes = append(nodes, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: target}})
	}
	if len(nodes) == 0 {
		b.unsupported(int(t.Location), refusedDoubt, "(…).*", "stands for no column")
		return nil
	}
	b.affected = true
	b.replace(b.tokens.Start(star), b.tokens.End(star), strings.Join(texts, ", "), func() {
		for i, name := range names {
			field := proto.Clone(x).(*ast.A_Indirection)
			field.Indirection[len(field.Indirection)-1] = stringNode(name)
			nodes[i].GetResTarget().Val.Node = &ast.Node_AIndirection{AIndirection: field}
		}
	})
	return nodes
}

// changedText is a part of the text with the changes that lie in it.
func (b *binding) changedText(start, end int, changes []change) (string, bool) {
	edits := distinctEdits(nil, changes)
	for i := range edits {
		if edits[i].Start < start || edits[i].End > end {
			return "", false
		}
		edits[i].Start, edits[i].End = edits[i].Start-start, edits[i].End-start
	}
	part := b.sql[start:end]
	if splice.Sort(edits, len(part)) != nil {
		return "", false
	}
	splice.Separate(part, edits)
	return splice.Apply(part, edits), true
}
