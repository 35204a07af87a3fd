package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// copyStmt mirrors DoCopy and BeginCopy: a table with its list of columns, or a query.
func (b *binding) copyStmt(c *ast.CopyStmt) {
	b.saw(c)
	for _, o := range c.Options {
		b.sawAll(o)
	}
	if c.Relation == nil {
		out := b.query(nil, c.Query)
		b.queryInOutput(c.Query, out)
		return
	}
	it := b.unaliased(c.Relation)
	b.catalogTarget(it.rel, c.Relation.Location, "COPY")
	b.expr(&scope{items: []*item{it}}, c.WhereClause)
	if it.table == nil {
		return
	}
	r := named{rel: it.rel, table: it.table, schema: it.rel.Schema, name: it.rel.Name}
	if len(c.Attlist) == 0 {
		b.use(r.table, "*")
	}
	if b.copyHeader(c, r) {
		return
	}
	b.columnList(c.Attlist, b.afterName(c.Relation), r, c.Relation)
	if len(c.Attlist) == 0 && !it.ordered {
		b.addCopyList(c, r)
	}
	for _, o := range c.Options {
		b.copyOption(o.GetDefElem(), r)
	}
	if c.IsFrom {
		b.copyNewRows(c, r)
	}
}

// copyNewRows has the rows of COPY FROM say which version has made them. Nothing but a WHERE can be evaluated for each: after
// the row has its defaults, and before triggers see it. A default that only the version has cannot be given to them.
func (b *binding) copyNewRows(c *ast.CopyStmt, r named) {
	if !r.table.Declares() {
		return
	}
	cols, ok := b.copyColumns(c, r)
	if !ok {
		return
	}
	b.affected = true
	for _, lc := range r.table.Columns {
		if lc.Declared != nil && lc.Declared.Given() != "" && !slices.ContainsFunc(cols, func(c rules.ColumnLens) bool { return c.Num == lc.Num }) {
			b.unsupported(int(c.Relation.Location), refusedMapped, "COPY FROM", "cannot give "+syntax.QuoteIdent(lc.Logical)+" the default that it has in this version: list the column, and send a value of it in each row")
			return
		}
	}
	if len(r.table.EachCopied) == 0 {
		return
	}
	said := strings.Join(r.table.EachCopied, " AND ")
	end := b.statement.End
	if c.WhereClause == nil {
		where, ok := b.parsedExpression(said)
		if ok {
			b.replace(end, end, " WHERE "+said, func() { c.WhereClause = where })
		}
		return
	}
	// A row that the client's own condition leaves out must say nothing.
	before, after := "CASE WHEN ", " THEN "+said+" END"
	in := b.whole()
	where := b.find(in, ast.Token_WHERE)
	if where == in.To {
		b.misplaced(int(c.Relation.Location), "WHERE")
		return
	}
	b.replace(b.tokens.End(where), b.tokens.End(where), " "+strings.TrimSuffix(before, " "), nil)
	b.replace(end, end, after, func() {
		around := &ast.Node{}
		fillTemplate(around, []string{before, after}, []*ast.Node{c.WhereClause})
		c.WhereClause = around
	})
}

// addCopyList writes the columns of a COPY without a list.
func (b *binding) addCopyList(c *ast.CopyStmt, r named) {
	cols, _ := b.copyColumns(c, r)
	names := make([]string, len(cols))
	for i, lc := range cols {
		names[i] = lc.Physical
	}
	b.addColumnList(c.Relation, names, func(names []string) {
		for _, name := range names {
			c.Attlist = append(c.Attlist, stringNode(name))
		}
	})
}

// copyOption binds the options that list columns: FORCE_QUOTE, FORCE_NOT_NULL, FORCE_NULL.
func (b *binding) copyOption(o *ast.DefElem, r named) {
	cols := o.GetArg().GetList().GetItems()
	if len(cols) == 0 || !strings.HasPrefix(o.Defname, "force_") {
		return
	}
	i := b.tokens.At(int(o.Location)) + 1
	if b.tokens.Is(i, '(') {
		i++
	}
	for b.tokens.Kind(i) == ast.Token_NOT || b.tokens.Kind(i) == ast.Token_NULL_P || b.tokens.Kind(i) == ast.Token_QUOTE {
		i++ // the old way to write it: FORCE NOT NULL a, b
	}
	for k := range cols {
		b.listedColumn(cols, k, i, r)
		i = b.afterIdent(i) + 1
	}
}

// copyHeader makes a COPY of a query out of COPY TO with a header line, which would show physical names, and of one with
// columns that are computed. It tells whether that is done, or refused.
func (b *binding) copyHeader(c *ast.CopyStmt, r named) bool {
	header := copyHeaderOption(c.Options)
	if header == "" && !r.table.IsMapped() || r.table.Identity {
		return false
	}
	cols, ok := b.copyColumns(c, r)
	if !ok {
		return true
	}
	same, mapped := true, false
	for _, lc := range cols {
		same = same && lc.Logical == lc.Physical
		mapped = mapped || !lc.IsPlain()
	}
	mapped = mapped || c.IsFrom && slices.ContainsFunc(r.table.Columns, func(lc rules.ColumnLens) bool { return lc.Reads() != nil })
	switch {
	case c.IsFrom && mapped:
		b.unsupported(int(c.Relation.Location), refusedMapped, "COPY FROM", "can only fill columns by their names, and this version has some that are written to others in the database")
		return true
	case same, header == "" && !mapped:
		return false
	case c.IsFrom && header == "match":
		b.unsupported(int(c.Relation.Location), refusedHeader, "COPY FROM with HEADER MATCH", "compares with the names that the columns have in the database")
		return true
	case c.IsFrom || r.rel.Kind != catalog.Table:
		return mapped // DoCopy refuses to copy from other kinds by their name
	}
	b.copyQuery(c, r, cols)
	return true
}

// copyHeaderOption is the value of the option HEADER: "", "true" or "match".
func copyHeaderOption(options []*ast.Node) string {
	for _, n := range options {
		o := n.GetDefElem()
		if o.GetDefname() != "header" {
			continue
		}
		switch v := strings.ToLower(o.Arg.GetString_().GetSval()); {
		case o.Arg == nil, o.Arg.GetBoolean().GetBoolval(), o.Arg.GetInteger().GetIval() == 1, v == "true", v == "on":
			return "true"
		case v == "match":
			return v
		}
	}
	return ""
}

// copyColumns are the columns that COPY means: those listed, or all that are not generated.
func (b *binding) copyColumns(c *ast.CopyStmt, r named) ([]rules.ColumnLens, bool) {
	var out []rules.ColumnLens
	if len(c.Attlist) == 0 {
		for _, lc := range r.table.Columns {
			if col := r.rel.ColumnByNum(lc.Num); lc.Reads() != nil || col != nil && !col.Stored {
				out = append(out, lc)
			}
		}
		return out, true
	}
	for _, n := range c.Attlist {
		lc := r.table.Column(ast.StrVal(n))
		if lc == nil {
			b.lookAgain([]*item{{table: r.table, rel: r.rel}}, ast.StrVal(n))
			b.fail("42703", -1, false, `column "`+ast.StrVal(n)+`" of relation "`+r.table.Logical+`" does not exist`, "")
			return nil, false
		}
		b.use(r.table, lc.Logical)
		out = append(out, *lc)
	}
	return out, true
}

// copyQuery writes COPY (SELECT …) TO instead of COPY t (…) TO. COPY of a table leaves its children out.
func (b *binding) copyQuery(c *ast.CopyStmt, r named, cols []rules.ColumnLens) {
	var texts []string
	var targets []*ast.Node
	for _, lc := range cols {
		text, val, ok := b.copiedColumn(&lc)
		if !ok {
			return
		}
		t := &ast.ResTarget{Val: val}
		if lc.Logical != lc.Physical {
			t.Name = lc.Logical
			text += " AS " + syntax.QuoteIdent(lc.Logical)
		}
		texts = append(texts, text)
		targets = append(targets, &ast.Node{Node: &ast.Node_ResTarget{ResTarget: t}})
	}
	first := b.tokens.At(int(c.Relation.Location))
	last := b.afterName(c.Relation) - 1
	if len(c.Attlist) > 0 {
		last = b.closing(last + 1)
	}
	from := &ast.RangeVar{Schemaname: r.rel.Schema, Relname: r.rel.Name, Relpersistence: "p"}
	sql := "(SELECT " + strings.Join(texts, ", ") + " FROM ONLY " + syntax.QuoteQualified([]string{r.rel.Schema, r.rel.Name}) + ")"
	b.dropChanges(b.tokens.Start(first), b.tokens.End(last))
	b.replace(b.tokens.Start(first), b.tokens.End(last), sql, func() {
		c.Relation, c.Attlist = nil, nil
		c.Query = &ast.Node{Node: &ast.Node_SelectStmt{SelectStmt: &ast.SelectStmt{
			TargetList:  targets,
			FromClause:  []*ast.Node{{Node: &ast.Node_RangeVar{RangeVar: from}}},
			LimitOption: ast.LimitOption_LIMIT_OPTION_DEFAULT,
			Op:          ast.SetOperation_SETOP_NONE,
		}}}
	})
}

// copiedColumn is what a column is read by in a query of its table alone.
func (b *binding) copiedColumn(lc *rules.ColumnLens) (text string, val *ast.Node, ok bool) {
	e := lc.Reads()
	if e == nil {
		return syntax.QuoteIdent(lc.Physical), columnRefNode([]string{lc.Physical}), true
	}
	text = e.SQL("", func(p rules.PhysicalColumn) string { return syntax.QuoteIdent(p.Name) })
	val, ok = b.parsedExpression(text)
	return text, val, ok
}

// dropChanges forgets the changes within a range that is replaced as a whole.
func (b *binding) dropChanges(start, end int) {
	kept := b.changes[:0]
	for _, c := range b.changes {
		if c.edit.Start < start || c.edit.End > end {
			kept = append(kept, c)
		}
	}
	b.changes = kept
}
