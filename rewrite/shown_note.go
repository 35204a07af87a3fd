package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// shownNotes is what is noted while a stored object is bound as it stands: see Shown. A nil one notes nothing, and every
// text of a client is bound without.
type shownNotes struct {
	list  []Showing
	calls []shownCall
	given map[int]value // what parameters hold, by number, instead of what their types say

	compared []*ast.TypeCast // sides of comparisons
}

// A shownCall is the call of a function that users have made.
type shownCall struct {
	function *catalog.Function
	any      bool // it gets a row, and its type does not say of which table
	argument int
	row      value
}

func (s *shownNotes) add(by string, m movedName) {
	s.list = append(s.list, Showing{By: by, Table: m.table, Column: m.column, From: m.from, To: m.to})
}

func (s *shownNotes) addAll(by string, moved []movedName) {
	for _, m := range moved {
		s.add(by, m)
	}
}

// mark is how much has been noted, for forget.
func (s *shownNotes) mark() (list, calls int) {
	if s == nil {
		return 0, 0
	}
	return len(s.list), len(s.calls)
}

// forget takes back what has been noted since mark.
func (s *shownNotes) forget(list, calls int) {
	if s != nil {
		s.list, s.calls = s.list[:list], s.calls[:calls]
	}
}

// noteArgument notes what a call does with a row.
func (b *binding) noteArgument(f *ast.FuncCall, i int) {
	a := f.Args[i]
	if v := b.vars.record(b.columns[a.GetColumnRef()], firstName(a)); v != nil {
		b.vars.shown = append(b.vars.shown, func() { b.noteRow(f, i, value{item: &item{cols: v.moved}}) })
		return
	}
	b.noteRow(f, i, b.valueOf(a))
}

// record is the variable of a body that a reference to c is, if its fields are those of what it is filled with.
func (v *variables) record(c *column, name string) *variable {
	if v == nil || name == "" || v.known[name] == nil || v.isRow(name) {
		return nil
	}
	r := v.known[name]
	if !r.record || r.column.rows.holdsRows() || c != nil && c != r.column {
		return nil
	}
	return r
}

// noteRow notes what a call does with a row that it gets as argument i.
func (b *binding) noteRow(f *ast.FuncCall, i int, v value) {
	moved := b.movedIn(v)
	if len(moved) == 0 || v.item != nil && b.isProjection(f, v) {
		return
	}
	name, called := ast.LastName(f.Funcname), false
	for _, c := range b.candidates(f) {
		if c.Schema == "pg_catalog" || name == "hstore" || !b.takes(c, f, i, v) {
			continue
		}
		called = true
		b.shown.calls = append(b.shown.calls, shownCall{function: c, any: c.Args > i && isAnyRow(c.ArgTypes[i]), argument: i, row: v})
	}
	switch use := rowUses[name]; {
	case strings.Contains(name, "populate_record"), !called && use == rowsShown:
		b.shown.addAll(name, moved)
	case !called && use == rowsUnlisted && len(b.candidates(f)) > 0 && b.candidates(f)[0].Schema == "pg_catalog":
		b.shown.addAll(name, moved)
	case !called && name == "pg_typeof":
		b.noteTableNames("pg_typeof", v.typ)
	}
}

// takes tells whether a function can take the row as argument i of a call.
func (b *binding) takes(c *catalog.Function, f *ast.FuncCall, i int, v value) bool {
	if f.Args[i].GetNamedArgExpr() != nil {
		return true
	}
	if i >= len(c.ArgTypes) {
		return false
	}
	if isAnyRow(c.ArgTypes[i]) {
		return true
	}
	t := b.ofType(c.ArgTypes[i])
	return t.typ != 0 && v.typ != 0 && (t.typ == v.typ || b.inherits(v.typ, t.typ))
}

// noteTableNames notes that the name of the table is shown of which a type is the row type.
func (b *binding) noteTableNames(by string, typ catalog.OID) {
	if rel := b.relationOf(typ); rel != nil {
		b.noteTable(by, rel.OID)
	}
}

// noteTable notes that the name of a table is shown, if it becomes another.
func (b *binding) noteTable(by string, oid catalog.OID) {
	if t := b.lens.Table(oid); t != nil && t.Logical != t.Physical {
		b.shown.add(by, movedName{table: t.OID, from: t.Logical, to: t.Physical})
	}
}

// noteCall notes the functions that a call can mean, for what they show by themselves, and functions that print tables.
func (b *binding) noteCall(f *ast.FuncCall) {
	for _, c := range b.candidates(f) {
		if c.Schema != "pg_catalog" && c.Return != voidType && c.Return != triggerType && !slices.ContainsFunc(c.ArgTypes, b.holdsMoved) {
			b.shown.calls = append(b.shown.calls, shownCall{function: c})
		}
	}
	name := ast.LastName(f.Funcname)
	if !strings.Contains(name, "_to_xml") || len(f.Args) == 0 {
		return
	}
	text := strings.ToLower(constantUnder(f.Args[0]))
	for i := range b.lens.Tables {
		t := b.lens.Tables[i]
		schema := strings.HasPrefix(name, "database_") || strings.HasPrefix(name, "schema_") && (text == t.Schema || text == "")
		if t.Identity || !schema && !syntax.ContainsWord(text, strings.ToLower(t.Logical)) {
			continue
		}
		b.shown.addAll(name, movedColumnsOf(t))
		b.noteTable(name, t.OID)
	}
}

// holdsMoved tells whether a type has rows whose fields get other names: what a function does with such is noted with the
// row that it is given.
func (b *binding) holdsMoved(typ catalog.OID) bool { return len(b.movedInType(typ, maxTypeDepth)) > 0 }

// constantUnder is the text of a constant, whatever it is cast to; "" for anything else.
func constantUnder(n *ast.Node) string {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().Arg
	}
	return n.GetAConst().GetSval().GetSval()
}

// noteRegclass notes that a name of a table is shown by a cast that has been bound. In a comparison nobody sees it.
func (b *binding) noteRegclass(c *ast.TypeCast) {
	if inner := c.Arg.GetTypeCast(); isRegclass(inner) && ast.IsBuiltin(ast.StrVals(c.TypeName.GetNames()), "text") && !b.inBody {
		if t := b.tableNamedBy(inner.Arg.GetAConst()); t != nil {
			b.noteTable("::regclass::text", t.OID)
		}
	}
	ref := c.Arg.GetColumnRef()
	if !isRegclass(c) || ref == nil || ast.LastName(ref.Fields) != "tableoid" || slices.Contains(b.shown.compared, c) {
		return
	}
	col := b.columns[ref]
	if col == nil || col.item == nil || col.item.rel == nil {
		return
	}
	oid := col.item.rel.OID
	for _, heir := range append([]catalog.OID{oid}, b.cat.Descendants(oid)...) {
		b.noteTable("tableoid::regclass", heir)
	}
}

// toOID notes a cast of a cast to a number, of which only the OID counts.
func (s *shownNotes) toOID(c *ast.TypeCast) {
	if s != nil && ast.IsBuiltin(ast.StrVals(c.TypeName.GetNames()), "oid") {
		s.compared = append(s.compared, c.Arg.GetTypeCast())
	}
}

// compare notes the casts that are sides of a comparison, where only the OID counts.
func (s *shownNotes) compare(x *ast.A_Expr) {
	if s != nil && rowOperators[ast.LastName(x.Name)] && ast.LastName(x.Name) != "||" {
		s.compared = append(s.compared, x.Lexpr.GetTypeCast(), x.Rexpr.GetTypeCast())
	}
}

// givenFor is what the parameter of that number holds, where that is said.
func (s *shownNotes) givenFor(parameter int) (v value, ok bool) {
	if s != nil {
		v, ok = s.given[parameter]
	}
	return v, ok
}
