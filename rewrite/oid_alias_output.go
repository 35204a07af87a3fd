package rewrite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// aliasesInOutput has a query print the version's names where columns of its output are of an OID alias type, by a query
// around it. set puts that into the tree.
func (b *binding) aliasesInOutput(sel *ast.SelectStmt, out output, set func(*ast.SelectStmt)) {
	if set == nil || !b.renaming() || b.statement.Tag == "ExplainStmt" || b.leftmostIntoOf(sel) {
		return
	}
	printed := make([]string, len(out.cols))
	found := false
	for i, c := range out.cols {
		if typ := b.baseOf(c.typ); isAlias(typ) {
			printed[i] = b.shownAs(typ, "q.c"+strconv.Itoa(i+1))
			found = found || printed[i] != ""
		}
	}
	if !found {
		return
	}
	b.affected, b.catalogs.used = true, true
	start, end, ok := b.queryRange()
	switch {
	case !ok || b.inBody || b.making != nil, out.unknown || slices.ContainsFunc(out.cols, func(c outputColumn) bool { return c.unsure }):
		b.unsupported(-1, refusedCatalog, "a value of type regclass, regtype or regprocedure", "prints a name in a way that is not understood")
		return
	case slices.ContainsFunc(sel.GetWithClause().GetCtes(), func(n *ast.Node) bool {
		return n.GetCommonTableExpr().GetCtequery().GetSelectStmt() == nil
	}):
		b.unsupported(-1, refusedCatalog, "a value of type regclass, regtype or regprocedure", "prints a name beside a WITH query that changes rows")
		return
	}
	before, after := b.aroundQuery(out, printed)
	b.changes = slices.Insert(b.changes, 0, change{edit: splice.Edit{Start: start, End: start, New: before}})
	b.replace(end, end, after, func() {
		tree, err := syntax.Parse(before + "SELECT" + after)
		if err != nil {
			return // the proof finds that the text does not parse
		}
		outer := tree.Stmts[0].Stmt.GetSelectStmt()
		outer.FromClause[0].GetRangeSubselect().Subquery = &ast.Node{Node: &ast.Node_SelectStmt{SelectStmt: sel}}
		set(outer)
	})
}

// shownAs is the SQL of a value in the output of a statement: the text that the version prints for it or, where the types of
// the output must stay, the value itself as long as that is what the database prints for it.
func (b *binding) shownAs(typ catalog.OID, object string) string {
	sql := b.views.printedAs(typ, object)
	if sql == "" || !b.sess.KeepTypes {
		return sql
	}
	text, name, element := "::pg_catalog.text", sql, typ
	if of := aliasElement(typ); of != 0 {
		text, name, element = "::pg_catalog.text[]", "pg_catalog.array_to_string("+sql+", ' ')", of
	}
	// What must not be printed is looked up as something that nobody has, since the server is to fail.
	failing := "pg_catalog.quote_ident(pg_catalog.concat('prepare this again: ', " + name + "))" + "::pg_catalog." + aliasNames[element]
	if element != typ {
		failing = "ARRAY[" + failing + "]"
	}
	return "CASE WHEN " + sql + eq + object + text + " THEN " + object + " WHEN " + object + " IS NOT NULL THEN " + failing + " END"
}

// aroundQuery is what stands before and after a query of which columns are printed otherwise.
func (b *binding) aroundQuery(out output, printed []string) (before, after string) {
	shown, columns := make([]string, len(out.cols)), make([]string, len(out.cols))
	for i, c := range out.cols {
		columns[i] = "c" + strconv.Itoa(i+1)
		shown[i] = "q." + columns[i]
		if printed[i] != "" {
			shown[i] = printed[i]
			if i < len(b.statement.Columns) {
				b.statement.Columns[i] = Column{Label: c.label, Known: true}
			}
		}
		shown[i] += " AS " + syntax.QuoteIdent(c.label)
	}
	return "SELECT " + strings.Join(shown, ", ") + " FROM (", ") AS q(" + strings.Join(columns, ", ") + ")"
}

// leftmostIntoOf tells whether a query makes a table.
func (b *binding) leftmostIntoOf(sel *ast.SelectStmt) bool {
	return b.leftmostInto(&ast.Node{Node: &ast.Node_SelectStmt{SelectStmt: sel}})
}

// queryRange is where the query of the statement at hand stands: the statement itself, or what follows the words of
// PREPARE, DECLARE or COPY.
func (b *binding) queryRange() (start, end int, ok bool) {
	for i := b.tokens.At(b.statement.Start); i < b.tokens.Len() && b.tokens.Start(i) < b.statement.End; i++ {
		switch kind := b.tokens.Kind(i); {
		case b.tokens.Is(i, '('):
			inner := i
			for b.tokens.Is(inner, '(') {
				inner++
			}
			if !b.beginsQuery(inner) {
				i = b.closing(i)
				continue
			}
			if b.statement.Tag == "CopyStmt" {
				return b.tokens.Start(i + 1), b.tokens.End(b.closing(i) - 1), true
			}
			return b.tokens.Start(i), b.statement.End, true
		case kind == ast.Token_TABLE, b.beginsQuery(i):
			return b.tokens.Start(i), b.statement.End, true
		}
	}
	return 0, 0, false
}

func (b *binding) beginsQuery(i int) bool {
	switch b.tokens.Kind(i) {
	case ast.Token_SELECT, ast.Token_VALUES, ast.Token_TABLE:
		return true
	case ast.Token_WITH, ast.Token_WITH_LA:
		return b.tokens.Kind(i+1) != ast.Token_HOLD
	}
	return false
}

// aliasReturned has the columns and expressions of a RETURNING list print the version's names where they are of an OID alias
// type and no casts by themselves.
func (b *binding) aliasReturned(list []*ast.Node, out output, set func([]*ast.Node)) {
	if b.views == nil || b.catalogs.stored || !b.renaming() {
		return
	}
	at := 0
	for k, n := range list {
		t := n.GetResTarget()
		if isStar(t.GetVal()) {
			count := len(out.cols) - len(list) + 1 // where there is one star
			if at+count > len(out.cols) {
				return
			}
			b.starReturned(list, k, out.cols[at:at+count], at, set)
			at += count
			continue
		}
		if typ := b.printsAlias(t.GetVal()); typ != 0 && nameType(t.Val) == "" {
			b.wrapAliasTarget(t, typ, at)
		}
		at++
	}
}

// starReturned writes the columns that a star in RETURNING stands for, where one of them prints names; they are those of the
// output from the number at on.
func (b *binding) starReturned(list []*ast.Node, k int, cols []outputColumn, at int, set func([]*ast.Node)) {
	shown, wrapped, known := make([]string, len(cols)), false, true
	for i, c := range cols {
		if c.root == nil || c.root.physical == "" {
			known = false
			continue
		}
		name := syntax.QuoteIdent(c.root.item.sent()) + "." + syntax.QuoteIdent(c.root.physical)
		shown[i] = name + " AS " + syntax.QuoteIdent(c.label)
		if typ := b.baseOf(c.typ); isAlias(typ) {
			if sql := b.shownAs(typ, "r.o"); sql != "" {
				wrapped = true
				shown[i] = "(SELECT " + sql + " FROM (SELECT " + name + ") AS r(o)) AS " + syntax.QuoteIdent(c.label)
				if at+i < len(b.statement.Columns) {
					b.statement.Columns[at+i] = Column{Label: c.label, Known: true}
				}
			}
		}
	}
	if !wrapped {
		return
	}
	b.affected, b.catalogs.used = true, true
	val := list[k].GetResTarget().Val
	start := b.tokens.Start(b.tokens.At(b.minLocation(val)))
	end := b.tokens.End(b.targetEnd(b.tokens.At(start)))
	if !known || b.changesWithin(start, end) || val.GetColumnRef() == nil || slices.ContainsFunc(list[k+1:], func(n *ast.Node) bool { return isStar(n.GetResTarget().GetVal()) }) {
		b.unsupported(start, refusedCatalog, "* in RETURNING", "stands for a column that prints a name of the database")
		return
	}
	text := strings.Join(shown, ", ")
	b.replace(start, end, text, func() {
		tree, err := syntax.Parse("SELECT " + text)
		if err != nil {
			return // the proof finds that the text does not parse
		}
		set(slices.Concat(list[:k], tree.Stmts[0].Stmt.GetSelectStmt().TargetList, list[k+1:]))
	})
}

// wrapAliasTarget wraps output column i, and keeps its label.
func (b *binding) wrapAliasTarget(t *ast.ResTarget, typ catalog.OID, i int) {
	l := b.labelOf(t.Val)
	b.wrapAlias(t.Val, typ)
	if t.Name == "" && (l.strength < 2 || b.relabelled(l)) {
		b.keepLabel(t, l)
	}
	if i < len(b.statement.Columns) {
		b.statement.Columns[i] = Column{Label: b.statement.Columns[i].Label, Known: true}
	}
}
