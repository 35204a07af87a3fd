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

// A markedWrite is what a statement sets to constants, and where.
type markedWrite struct {
	names, values []string
}

// marks are the constants that are set beside the columns which a list names, or beside the first ones of the table where
// there is no list.
func (b *binding) marks(target *item, list []*ast.Node, count int) (m markedWrite) {
	if target.table == nil || !target.table.IsMapped() {
		return m
	}
	written := target.shown(count)
	if len(list) > 0 {
		written = nil
		for _, n := range list {
			if c, f := target.column(n.GetResTarget().GetName(), inVersion); f == found {
				written = append(written, c)
			}
		}
	}
	for _, c := range written {
		constants, _ := c.constants()
		for _, a := range constants {
			if !slices.Contains(m.names, a.Column.Name) {
				m.names, m.values = append(m.names, a.Column.Name), append(m.values, a.Pieces[0])
			}
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
	m := b.marks(target, list, 0)
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
	b.keepsDefaults(list, target)
	var text strings.Builder
	for i, name := range m.names {
		text.WriteString(syntax.QuoteIdent(name) + " = " + m.values[i] + ", ")
	}
	at := b.tokens.Start(first)
	b.affected = true
	b.replace(at, at, text.String(), func() { set(append(m.targets(values), list...)) })
}

// keepsDefaults refuses DEFAULT for a column with constants beside it: which default is meant, the database does not know.
func (b *binding) keepsDefaults(list []*ast.Node, target *item) {
	for _, n := range list {
		t := n.GetResTarget()
		v := t.GetVal()
		if m := v.GetMultiAssignRef(); m != nil && m.Source.GetRowExpr() != nil && int(m.Colno) <= len(m.Source.GetRowExpr().Args) {
			v = m.Source.GetRowExpr().Args[m.Colno-1]
		}
		if c, f := target.column(t.GetName(), inVersion); f == found {
			b.keepsDefault(c, v)
		}
	}
}

func (b *binding) keepsDefault(c *column, value *ast.Node) {
	if c.mapping != nil && value.GetSetToDefault() != nil {
		b.unsupported(int(value.GetSetToDefault().Location), refusedMapped, "DEFAULT for "+syntax.QuoteIdent(c.name), "is that of the database and not of this version")
	}
}

// markInsert sets the constants of INSERT: in front of its list of columns and of each row of VALUES, or behind the columns
// and the targets of a query, whose numbers must not change. names are the columns of a list that is added to the text, nil
// where there is one; it returns those to be added, and in what order set puts them into the tree is theirs.
func (b *binding) markInsert(n *ast.InsertStmt, target *item, source output, names []string) []string {
	m := b.marks(target, n.Cols, len(source.cols))
	sel := n.SelectStmt.GetSelectStmt()
	if len(m.names) == 0 || sel == nil {
		return names
	}
	location := int(n.Relation.Location)
	values, ok := b.trees(m)
	switch {
	case !ok:
	case len(sel.ValuesLists) > 0:
		b.markRows(n, sel, target, m, values)
		if names != nil {
			return append(slices.Clone(m.names), names...)
		}
		open := b.tokens.At(int(n.Cols[0].GetResTarget().GetLocation())) - 1
		b.markList(open, m, func() { n.Cols = append(m.targets(nil), n.Cols...) })
	case sel.Larg == nil && len(sel.TargetList) > 0 && sel.TargetList[0].GetResTarget().GetLocation() >= 0:
		last := sel.TargetList[len(sel.TargetList)-1].GetResTarget()
		end := b.tokens.IdentEnd(b.targetEnd(b.tokens.At(int(last.Location))))
		b.affected = true
		b.replace(end, end, ", "+strings.Join(m.values, ", "), func() {
			for _, v := range values {
				sel.TargetList = append(sel.TargetList, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Val: v}}})
			}
		})
		if names != nil {
			return append(names, m.names...)
		}
		open := b.tokens.At(int(n.Cols[0].GetResTarget().GetLocation())) - 1
		if !b.tokens.Is(open, '(') {
			b.misplaced(location, "(")
			return names
		}
		at := b.tokens.Start(b.closing(open))
		b.replace(at, at, ", "+strings.Join(syntax.QuoteIdents(m.names), ", "), func() { n.Cols = append(n.Cols, m.targets(nil)...) })
	default:
		b.unsupported(location, refusedMapped, "INSERT", "of the rows of UNION, TABLE and the like cannot mark them as written by this version")
	}
	return names
}

// markMerged sets the constants of INSERT in MERGE, in front of its list of columns and of its values.
func (b *binding) markMerged(w *ast.MergeWhenClause, target *item) {
	if len(w.TargetList) == 0 {
		return
	}
	m := b.marks(target, w.TargetList, 0)
	values, ok := b.trees(m)
	if !ok || len(m.names) == 0 {
		return
	}
	for k, n := range w.TargetList {
		if c, f := target.column(n.GetResTarget().GetName(), inVersion); f == found && k < len(w.Values) {
			b.keepsDefault(c, w.Values[k])
		}
	}
	open := b.tokens.At(int(w.TargetList[0].GetResTarget().GetLocation())) - 1
	b.markList(open, m, func() { w.TargetList = append(m.targets(nil), w.TargetList...) })
	row := b.find(syntax.Span{From: b.closing(open) + 1, To: b.tokens.Len()}, ast.Token_VALUES) + 1
	if !b.tokens.Is(row, '(') {
		b.misplaced(b.tokens.Start(open), "VALUES")
		return
	}
	at := b.tokens.End(row)
	b.replace(at, at, strings.Join(m.values, ", ")+", ", func() { w.Values = append(slices.Clone(values), w.Values...) })
}

// markList puts columns in front of a list in the brackets that open at a token.
func (b *binding) markList(open int, m markedWrite, apply func()) {
	if !b.tokens.Is(open, '(') {
		b.misplaced(b.tokens.Start(open), "(")
		return
	}
	at := b.tokens.End(open)
	b.affected = true
	b.replace(at, at, strings.Join(syntax.QuoteIdents(m.names), ", ")+", ", apply)
}

// markRows puts the constants in front of each row of VALUES.
func (b *binding) markRows(n *ast.InsertStmt, sel *ast.SelectStmt, target *item, m markedWrite, values []*ast.Node) {
	written := target.shown(len(target.cols))
	if len(n.Cols) > 0 {
		written = nil
		for _, t := range n.Cols {
			c, _ := target.column(t.GetResTarget().GetName(), inVersion)
			written = append(written, c)
		}
	}
	i := b.afterName(n.Relation)
	for i < b.tokens.Len() && b.tokens.Kind(i) != ast.Token_VALUES {
		if b.tokens.Is(i, '(') {
			i = b.closing(i)
		}
		i++
	}
	for _, row := range sel.ValuesLists {
		i++
		if !b.tokens.Is(i, '(') {
			b.misplaced(b.tokens.Start(i), "VALUES")
			return
		}
		for k, v := range row.GetList().GetItems() {
			if k < len(written) && written[k] != nil {
				b.keepsDefault(written[k], v)
			}
		}
		at := b.tokens.End(i)
		b.replace(at, at, strings.Join(m.values, ", ")+", ", func() {
			l := row.GetList()
			l.Items = append(slices.Clone(values), l.Items...)
		})
		i = b.closing(i) + 1
	}
}
