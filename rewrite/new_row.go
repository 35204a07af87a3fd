package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A new row is given more than what the statement says: what its mapped columns set beside themselves, what the lens has
// every new row say (rules.TableLens.NewRow), and the defaults that columns have in the version and not in the database.

// newRow is what is set beside the columns which a list names, or beside the first ones of the table where there is no list.
func (b *binding) newRow(target *item, list []*ast.Node, count int) markedWrite {
	m := b.marks(target, list, count)
	if target.table == nil || !target.table.Declares() {
		return m
	}
	for _, a := range target.table.NewRow {
		m.set(a.Column.Name, a.Pieces[0])
	}
	written := target.written(list, count)
	for _, c := range target.shown(len(target.cols)) {
		if sql := c.ownDefault(); sql != "" && !slices.Contains(written, c) {
			m.set(c.physical, sql)
			m.defaults = true
		}
	}
	if len(m.names) > 0 && b.catalogs.stored {
		b.affected = true
		b.unsupported(-1, refusedMapped, "what is kept in the database", "cannot insert into "+syntax.QuoteIdent(target.table.Logical)+", whose new rows say which version has made them while the migration lasts")
	}
	return m
}

// set adds a column, unless it is set already.
func (m *markedWrite) set(name, value string) {
	if !slices.Contains(m.names, name) {
		m.names, m.values = append(m.names, name), append(m.values, value)
	}
}

// add adds what another write sets, unless it is set already.
func (m *markedWrite) add(other markedWrite) {
	for i, name := range other.names {
		m.set(name, other.values[i])
	}
	m.defaults = m.defaults || other.defaults
}

// written are the columns that a list names, or the first ones of the table where there is no list. One that the table does not
// have is nil.
func (it *item) written(list []*ast.Node, count int) []*column {
	if len(list) == 0 {
		return it.shown(count)
	}
	out := make([]*column, len(list))
	for i, n := range list {
		if c, f := it.column(n.GetResTarget().GetName(), inVersion); f == found {
			out[i] = c
		}
	}
	return out
}

// completeInsert completes the rows of INSERT: in front of its list of columns and of each row of VALUES, or behind the columns
// and the targets of a query, whose numbers must not change. names are the columns of a list that is added to the text, nil
// where there is one; it returns those to be added, and in what order set puts them into the tree is theirs.
func (b *binding) completeInsert(n *ast.InsertStmt, target *item, source output, names []string) []string {
	sel := n.SelectStmt.GetSelectStmt()
	m := b.flipNew(n, sel, target)
	m.add(b.newRow(target, n.Cols, len(source.cols)))
	if sel != nil && len(sel.ValuesLists) > 0 {
		b.defaultsOfRows(n, sel, target)
	}
	if len(m.names) == 0 || sel == nil {
		return names
	}
	values, ok := b.trees(m)
	if !ok {
		return names
	}
	plain := sel.Larg == nil && len(sel.TargetList) > 0 && sel.TargetList[0].GetResTarget().GetLocation() >= 0
	switch {
	case len(sel.ValuesLists) > 0:
		b.completeRows(n, sel, m, values)
	case plain && !(m.defaults && len(sel.DistinctClause) > 0):
		return b.completeSelect(n, sel, m, values, names)
	case !b.completeQuery(n, target, m, values):
		return names
	}
	if names != nil {
		return append(slices.Clone(m.names), names...)
	}
	open := b.tokens.At(int(n.Cols[0].GetResTarget().GetLocation())) - 1
	b.completeList(open, m, func() { n.Cols = append(m.targets(nil), n.Cols...) })
	return nil
}

// completeSelect puts the values behind the targets of a SELECT.
func (b *binding) completeSelect(n *ast.InsertStmt, sel *ast.SelectStmt, m markedWrite, values []*ast.Node, names []string) []string {
	last := sel.TargetList[len(sel.TargetList)-1].GetResTarget()
	end := b.tokens.IdentEnd(b.targetEnd(b.tokens.At(int(last.Location))))
	b.affected = true
	text, label := ", "+strings.Join(m.values, ", "), ""
	if len(sel.SortClause) > 0 { // it looks for labels first, and PostgreSQL makes some up
		label = rowValue
		text = ", " + strings.Join(m.values, " AS "+label+", ") + " AS " + label
	}
	if !m.copies {
		b.statement.given = append(b.statement.given, text)
	}
	b.replace(end, end, text, func() {
		for _, v := range values {
			sel.TargetList = append(sel.TargetList, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Name: label, Val: v}}})
		}
	})
	if names != nil {
		return append(names, m.names...)
	}
	open := b.tokens.At(int(n.Cols[0].GetResTarget().GetLocation())) - 1
	if !b.tokens.Is(open, '(') {
		b.misplaced(int(n.Relation.Location), "(")
		return names
	}
	at := b.tokens.Start(b.closing(open))
	b.replace(at, at, ", "+strings.Join(syntax.QuoteIdents(m.names), ", "), func() { n.Cols = append(n.Cols, m.targets(nil)...) })
	return nil
}

// rowValue is what values that are added to the targets of a query are called where names are looked for among them.
const rowValue = "_segue_value"

// queryRows is what the rows of a query are called in the one that is put around it.
const queryRows = "_segue_rows"

// completeQuery puts a query with the values around one that cannot take more columns: UNION, TABLE, and DISTINCT where a value
// may differ from row to row. Constants of no type of their own have got one in such a query already.
func (b *binding) completeQuery(n *ast.InsertStmt, target *item, m markedWrite, values []*ast.Node) bool {
	first, last := b.sourceOf(n)
	if first > last {
		b.misplaced(int(n.Relation.Location), "SELECT")
		return false
	}
	before := "SELECT " + strings.Join(m.values, ", ") + ", " + queryRows + ".* FROM ("
	start, end := b.tokens.Start(first), b.tokens.IdentEnd(last)
	source := n.SelectStmt
	around, ok := b.parsedQuery(before + "SELECT) AS " + queryRows)
	if !ok {
		return false
	}
	b.affected = true
	b.replace(start, start, before, nil)
	b.replace(end, end, ") AS "+queryRows, func() {
		around.GetSelectStmt().FromClause[0].GetRangeSubselect().Subquery = source
		n.SelectStmt = around
	})
	return true
}

// parsedQuery is the tree of a query of ours, which the caller may change.
func (b *binding) parsedQuery(text string) (*ast.Node, bool) {
	tree, err := syntax.Parse(text)
	if err != nil {
		b.unsupported(-1, refusedUnproven, "an expression of the lens", "cannot be read")
		return nil, false
	}
	return tree.Stmts[0].Stmt, true
}

// sourceOf are the first and the last token of the query of INSERT.
func (b *binding) sourceOf(n *ast.InsertStmt) (first, last int) {
	first = b.tableEnd(b.tokens.At(int(n.Relation.Location)), n.Relation) + 1
	if len(n.Cols) > 0 && b.tokens.Is(first, '(') {
		first = b.closing(first) + 1
	}
	if b.tokens.Kind(first) == ast.Token_OVERRIDING {
		first += 3 // OVERRIDING USER VALUE
	}
	i := first
	for ; i < b.tokens.Len(); i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case b.tokens.Is(i, ')'), b.tokens.Is(i, ';'),
			b.tokens.Kind(i) == ast.Token_ON && b.tokens.Kind(i+1) == ast.Token_CONFLICT,
			b.tokens.Kind(i) == ast.Token_RETURNING && !b.tokens.Is(i-1, '.') && b.tokens.Kind(i-1) != ast.Token_AS:
			return first, i - 1
		}
	}
	return first, i - 1
}

// insertDefaults writes INSERT … DEFAULT VALUES as what it means, where a new row is given something that the database does not
// give it.
func (b *binding) insertDefaults(n *ast.InsertStmt, target *item) {
	m := b.newRow(target, nil, 0)
	if len(m.names) == 0 {
		return
	}
	values, ok := b.trees(m)
	first, _ := b.sourceOf(n)
	if !ok || b.tokens.Kind(first) != ast.Token_DEFAULT || b.tokens.Kind(first+1) != ast.Token_VALUES {
		b.misplaced(int(n.Relation.Location), "DEFAULT VALUES")
		return
	}
	sql := "(" + strings.Join(syntax.QuoteIdents(m.names), ", ") + ") "
	overriding := b.tokens.Kind(first-3) == ast.Token_OVERRIDING
	if overriding { // it stands between the list and the values
		at := b.tokens.Start(first - 3)
		b.replace(at, at, sql, nil)
		sql = ""
	}
	b.affected = true
	b.replace(b.tokens.Start(first), b.tokens.End(first+1), sql+"VALUES ("+strings.Join(m.values, ", ")+")", func() {
		n.Cols = m.targets(nil)
		row := &ast.Node{Node: &ast.Node_List{List: &ast.List{Items: values}}}
		n.SelectStmt = &ast.Node{Node: &ast.Node_SelectStmt{SelectStmt: &ast.SelectStmt{
			ValuesLists: []*ast.Node{row}, LimitOption: ast.LimitOption_LIMIT_OPTION_DEFAULT, Op: ast.SetOperation_SETOP_NONE,
		}}}
	})
}

// completeMerged completes the row of an INSERT in MERGE, in front of its list of columns and of its values. k is the number of
// its WHEN clause in the statement at hand.
func (b *binding) completeMerged(w *ast.MergeWhenClause, target *item, k int) {
	for i, c := range target.written(w.TargetList, len(w.Values)) {
		if c != nil && i < len(w.Values) {
			b.defaultOf(c, w.Values[i])
		}
	}
	m := b.newRow(target, w.TargetList, len(w.Values))
	values, ok := b.trees(m)
	if !ok || len(m.names) == 0 && (len(w.TargetList) > 0 || target.ordered) {
		return
	}
	insert := b.mergeAction(k)
	if b.tokens.Kind(insert) != ast.Token_INSERT {
		b.misplaced(-1, "INSERT")
		return
	}
	if len(w.TargetList) > 0 {
		b.completeList(insert+1, m, func() { w.TargetList = append(m.targets(nil), w.TargetList...) })
	} else {
		b.listMerged(w, target, m, insert)
	}
	row := b.find(syntax.Span{From: insert, To: b.tokens.Len()}, ast.Token_VALUES)
	switch {
	case len(m.names) == 0:
	case len(w.Values) == 0 && b.tokens.Kind(row-1) == ast.Token_DEFAULT:
		b.replace(b.tokens.Start(row-1), b.tokens.End(row), "VALUES ("+strings.Join(m.values, ", ")+")", func() { w.Values = values })
	case b.tokens.Is(row+1, '('):
		at := b.tokens.End(row + 1)
		b.replace(at, at, strings.Join(m.values, ", ")+", ", func() { w.Values = append(slices.Clone(values), w.Values...) })
	default:
		b.misplaced(b.tokens.Start(insert), "VALUES")
	}
}

// listMerged adds the list of columns to an INSERT of MERGE that has none.
func (b *binding) listMerged(w *ast.MergeWhenClause, target *item, m markedWrite, insert int) {
	names := append(slices.Clone(m.names), target.physicalNames(len(w.Values))...)
	at := b.tokens.End(insert)
	b.affected = true
	b.replace(at, at, " ("+strings.Join(syntax.QuoteIdents(names), ", ")+")", func() {
		for _, name := range names {
			w.TargetList = append(w.TargetList, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: &ast.ResTarget{Name: name}}})
		}
	})
}

// mergeAction is the first word of what the k-th WHEN clause of MERGE does. The parser keeps no place of it.
func (b *binding) mergeAction(k int) int {
	in := b.whole()
	if in.From = b.find(in, ast.Token_MERGE); in.From == in.To { // in EXPLAIN it stands further behind
		return in.To
	}
	for i := in.From; i < in.To; i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case b.tokens.Kind(i) == ast.Token_CASE:
			i = b.caseEnd(i)
		case b.tokens.Kind(i) == ast.Token_WHEN:
			if k--; k >= 0 {
				continue
			}
			for ; i < in.To && b.tokens.Kind(i) != ast.Token_THEN; i++ {
				if b.tokens.Kind(i) == ast.Token_CASE {
					i = b.caseEnd(i)
				}
			}
			return i + 1
		}
	}
	return in.To
}

// completeList puts columns in front of a list in the brackets that open at a token.
func (b *binding) completeList(open int, m markedWrite, apply func()) {
	if len(m.names) == 0 {
		return
	}
	if !b.tokens.Is(open, '(') {
		b.misplaced(b.tokens.Start(open), "(")
		return
	}
	at := b.tokens.End(open)
	b.affected = true
	b.replace(at, at, strings.Join(syntax.QuoteIdents(m.names), ", ")+", ", apply)
}

// eachRow calls yield for each row of VALUES of INSERT, with the token that opens it.
func (b *binding) eachRow(n *ast.InsertStmt, sel *ast.SelectStmt, yield func(row *ast.List, open int)) {
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
		yield(row.GetList(), i)
		i = b.closing(i) + 1
	}
}

// defaultsOfRows gives each DEFAULT in VALUES what it means in the version.
func (b *binding) defaultsOfRows(n *ast.InsertStmt, sel *ast.SelectStmt, target *item) {
	if target.table == nil || !target.table.Declares() && !target.table.IsMapped() {
		return
	}
	written := target.written(n.Cols, len(target.cols))
	for _, row := range sel.ValuesLists {
		for k, v := range row.GetList().GetItems() {
			if k < len(written) && written[k] != nil {
				b.defaultOf(written[k], v)
			}
		}
	}
}

// completeRows puts the values in front of each row of VALUES.
func (b *binding) completeRows(n *ast.InsertStmt, sel *ast.SelectStmt, m markedWrite, values []*ast.Node) {
	b.affected = true
	rows, ok := b.parsedRows(m.others)
	if !ok {
		return
	}
	first := strings.Join(m.values, ", ") + ", "
	if !m.copies {
		b.statement.given = append(b.statement.given, first)
	}
	k := 0
	b.eachRow(n, sel, func(row *ast.List, open int) {
		text, trees := first, values
		if k > 0 && k <= len(rows) {
			own := m.others[k-1]
			text = strings.Join(slices.Concat(own, m.values[len(own):]), ", ") + ", "
			trees = slices.Concat(rows[k-1], values[len(own):])
			if !m.copies {
				b.statement.given = append(b.statement.given, text)
			}
		}
		k++
		at := b.tokens.End(open)
		b.replace(at, at, text, func() { row.Items = append(slices.Clone(trees), row.Items...) })
	})
}

// parsedRows are the trees of rows of expressions of ours, read at once: there may be many.
func (b *binding) parsedRows(rows [][]string) (out [][]*ast.Node, ok bool) {
	if len(rows) == 0 {
		return nil, true
	}
	n, ok := b.parsedQuery("VALUES (" + strings.Join(flatRows(rows), "), (") + ")")
	if !ok {
		return nil, false
	}
	for _, row := range n.GetSelectStmt().ValuesLists {
		out = append(out, row.GetList().GetItems())
	}
	return out, true
}

func flatRows(rows [][]string) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = strings.Join(row, ", ")
	}
	return out
}
