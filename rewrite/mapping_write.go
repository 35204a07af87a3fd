package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Writes to columns of a version that are more than a name (rules.Mapping.Write): the column itself is set under its name in
// the database, and beside it what the mapping sets to constants. A statement that writes several such columns sets each
// constant once.

// takesValue reports whether the column can be written under its name, with constants beside it. Where it cannot, the
// statement is refused.
func (b *binding) takesValue(c *column, location int) bool {
	if _, ok := c.constants(); ok {
		return true
	}
	b.affected = true
	b.unsupported(location, refusedMapped, "a write to "+syntax.QuoteIdent(c.name), "would have to set others in the database")
	return false
}

// takesNewRow refuses a new row for a table with columns that are read by expressions. One that the statement leaves out would
// have what its expression makes of the defaults in the database, and not the default that it has in the version.
func (b *binding) takesNewRow(it *item, location int) {
	for _, c := range it.cols {
		if c.computed() != nil {
			b.affected = true
			b.unsupported(location, refusedMapped, "a new row", "would have another default for "+syntax.QuoteIdent(c.name)+", which is computed from others in the database")
			return
		}
	}
}

// takesValues is takesValue for the first columns that the version shows.
func (b *binding) takesValues(it *item, count, location int) bool {
	for _, c := range it.shown(count) {
		if !b.takesValue(c, location) {
			return false
		}
	}
	return true
}

// shown are the first columns that the version shows.
func (it *item) shown(count int) []*column {
	var out []*column
	for _, c := range it.cols {
		if c.name != "" && len(out) < count {
			out = append(out, c)
		}
	}
	return out
}

// constants are what is set beside a column that is written. ok is false where that is not all.
func (c *column) constants() (list []rules.Assignment, ok bool) {
	if c.mapping == nil {
		return nil, true
	}
	own := len(c.mapping.Write) == 0
	for _, a := range c.mapping.Write {
		switch {
		case len(a.Pieces) == 1:
			list = append(list, a)
		case a.Column.Num == c.num && slices.Equal(a.Pieces, []string{"", ""}):
			own = true
		default:
			return nil, false
		}
	}
	return list, own && c.computed() == nil
}

// A markedWrite is what a statement sets besides what its text says, and where.
type markedWrite struct {
	names, values []string
	defaults      bool // not all of the values are constants
	copies        bool // constants of the client's are among them

	others [][]string // what rows of VALUES behind the first one have in the place of as many of the first values
}

// marks are the constants that are set beside the mapped columns which a list names, or beside the first ones of the table
// where there is no list.
func (b *binding) marks(target *item, list []*ast.Node, count int) (m markedWrite) {
	if target.table == nil || !target.table.IsMapped() {
		return m
	}
	for _, c := range target.written(list, count) {
		if c == nil {
			continue
		}
		constants, _ := c.constants()
		for _, a := range constants {
			m.set(a.Column.Name, a.Pieces[0])
		}
	}
	return m
}

// targets are the columns as the targets of a list, with their values in SET.
func (m markedWrite) targets(values []*ast.Node) (out []*ast.Node) {
	for i, name := range m.names {
		t := &ast.ResTarget{Name: name}
		if values != nil {
			t.Val = values[i]
		}
		out = append(out, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: t}})
	}
	return out
}

// trees are the values as trees. ok is false where one cannot be read.
func (b *binding) trees(m markedWrite) (out []*ast.Node, ok bool) {
	for _, v := range m.values {
		n, ok := b.parsedExpression(v)
		if !ok {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// markSet sets the constants of a SET list, in front of it.
func (b *binding) markSet(list []*ast.Node, target *item, set func([]*ast.Node)) {
	b.setDefaults(list, target)
	b.setBefore(list, b.marks(target, list, 0), func(l []*ast.Node) { set(append(l, list...)) })
}

// setBefore puts assignments in front of a SET list.
func (b *binding) setBefore(list []*ast.Node, m markedWrite, apply func([]*ast.Node)) {
	if len(list) == 0 || len(m.names) == 0 {
		return
	}
	values, ok := b.trees(m)
	first := b.tokens.At(int(list[0].GetResTarget().GetLocation()))
	if b.tokens.Is(first-1, '(') {
		first--
	}
	if !ok || b.tokens.Kind(first-1) != ast.Token_SET {
		b.misplaced(b.tokens.Start(first), "SET")
		return
	}
	var text strings.Builder
	for i, name := range m.names {
		text.WriteString(syntax.QuoteIdent(name) + " = " + m.values[i] + ", ")
	}
	at := b.tokens.Start(first)
	b.affected = true
	b.replace(at, at, text.String(), func() { apply(m.targets(values)) })
}

// setDefaults gives each DEFAULT in a SET list what it means in the version.
func (b *binding) setDefaults(list []*ast.Node, target *item) {
	if target.table == nil || !target.table.Declares() && !target.table.IsMapped() {
		return
	}
	for _, n := range list {
		t := n.GetResTarget()
		v := t.GetVal()
		if m := v.GetMultiAssignRef(); m != nil && m.Source.GetRowExpr() != nil && int(m.Colno) <= len(m.Source.GetRowExpr().Args) {
			v = m.Source.GetRowExpr().Args[m.Colno-1]
		}
		if c, f := target.column(t.GetName(), inVersion); f == found {
			b.defaultOf(c, v)
		}
	}
}

// defaultOf gives a DEFAULT for the column what it means in the version, where the database has another one. Which one is meant
// beside constants, it does not know.
func (b *binding) defaultOf(c *column, value *ast.Node) {
	d := value.GetSetToDefault()
	if d == nil {
		return
	}
	if c.mapping != nil {
		b.unsupported(int(d.Location), refusedMapped, "DEFAULT for "+syntax.QuoteIdent(c.name), "is that of the database and not of this version")
		return
	}
	sql := c.ownDefault()
	if sql == "" {
		return
	}
	n, ok := b.parsedExpression(sql)
	if !ok {
		return
	}
	i := b.tokens.At(int(d.Location))
	if b.tokens.Kind(i) != ast.Token_DEFAULT {
		b.misplaced(int(d.Location), "DEFAULT")
		return
	}
	b.affected = true
	b.replace(b.tokens.Start(i), b.tokens.End(i), sql, func() { value.Node = n.Node })
}

// ownDefault is the default that the column has in the version and not in the database; "" for none.
func (c *column) ownDefault() string {
	if c.table == nil {
		return ""
	}
	if lc := c.table.Column(c.logical); lc != nil && lc.Declared != nil {
		return lc.Declared.Given()
	}
	return ""
}
