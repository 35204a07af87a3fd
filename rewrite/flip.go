package rewrite

import (
	"slices"
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// An UPDATE of a column that is under a change of columns writes both sides itself, and turns the marker, so that the trigger which
// would make the other side does not run (package change calls that a flip):
//
//	UPDATE orders SET cents = $1 WHERE id = $2
//	UPDATE orders SET amount = CASE WHEN same THEN orders.amount ELSE up(value) END,
//	  marker = CASE WHEN same THEN orders.marker WHEN orders.marker = 1 THEN -1 ELSE 1 END, cents = $1 WHERE id = $2
//
// and an INSERT does so with 1 for the marker, in each row of VALUES, or behind the targets of a SELECT from one table. value is $1 as the column keeps it, and same says that all of the side is as it was, byte by byte: then nothing of the row changes,
// as without a flip, and the trigger decides. What is not assigned of the side is read from the row.
//
// An assigned value is evaluated several times. So a statement is a flip only where it is a parameter, a column of the same
// row, or a calculation with those, and only where no parameter gets its type otherwise than it would: none occurs twice in
// the text. And only where the statement reads the row in any case, for which it needs the right to do so, and which brings in
// policies for SELECT. For everything else the triggers do the work: DEFAULT, rows, subqueries, calls of functions, MERGE, ON
// CONFLICT, statements in bodies, and EXPLAIN.
//
// Constants are not repeated for a single row. Texts with constants are read by the server each time that they come, and
// that takes as long as the trigger does (BenchmarkFlips).

// flip has an UPDATE write both sides of the changes that it assigns columns of.
func (b *binding) flip(s *scope, n *ast.UpdateStmt, target *item) {
	if target.table == nil || target.rel == nil || b.inBody || b.explaining != nil || b.catalogs.stored || b.making != nil {
		return
	}
	if it, f := s.relation(target.sent(), atServer); f != found || it != target || len(b.marks(target, n.TargetList, 0).names) > 0 {
		return
	}
	w := &flipping{binding: b, target: target, row: syntax.QuoteIdent(target.sent()), bulk: n.WhereClause == nil}
	var m markedWrite
	for i := range target.table.Counterparts {
		if p := &target.table.Counterparts[i]; p.Flip != nil {
			w.flip(p, n.TargetList, &m)
		}
	}
	if len(m.names) == 0 || !b.reads(target) {
		return
	}
	before := len(b.changes)
	b.setBefore(n.TargetList, m, func(l []*ast.Node) { n.TargetList = append(l, n.TargetList...) })
	if !w.copies && len(b.changes) > before {
		b.statement.given = append(b.statement.given, b.lastEdit().New)
	}
}

// A flipParameter is a parameter that is repeated.
type flipParameter struct {
	name, column string // $1, and the column that it is assigned to, as the version calls it
	cast         bool   // by the client
	location     int    // in the client's text: of the parameter, or of its cast
}

// writesSides notes what errors are put into the client's terms with.
func (w *flipping) writesSides(p *rules.Counterpart) {
	w.statement.flips = append(w.statement.flips, p.Marker)
	w.statement.sides = append(w.statement.sides, w.parameters...)
	w.parameters = nil
}

// flipNew is what new rows are given in both sides of the changes of which an INSERT names all columns of the version, in every row. What ON
// CONFLICT may make of a row is left to the triggers.
func (b *binding) flipNew(n *ast.InsertStmt, sel *ast.SelectStmt, target *item) (m markedWrite) {
	if target.table == nil || sel == nil || n.OnConflictClause != nil || b.inBody || b.explaining != nil || b.catalogs.stored || b.making != nil {
		return m
	}
	w := &flipping{binding: b, target: target}
	rows, value := w.newRows(n, sel)
	if len(rows) == 0 {
		return m
	}
	for i := range target.table.Counterparts {
		if p := &target.table.Counterparts[i]; p.Flip != nil && !w.writes(n.Cols, p) {
			w.flipRows(p, n.Cols, rows, value, &m)
		}
	}
	m.defaults = len(m.names) > 0
	m.copies = w.copies
	return m
}

// maxFlippedRows is how many rows of VALUES are given both sides. What they add to the text takes memory here and at the server, for which
// only the client's text has been counted.
const maxFlippedRows = 256

// newRows are the rows of INSERT, as expressions that go with its list of columns, and how one of them may be repeated. There are none where
// somebody else decides about them.
func (w *flipping) newRows(n *ast.InsertStmt, sel *ast.SelectStmt) (rows [][]*ast.Node, value func(*ast.Node, *column) (evaluation, bool)) {
	if len(sel.ValuesLists) > 0 {
		if isGeneralSelect(sel) || len(sel.ValuesLists) > maxFlippedRows {
			return nil, nil
		}
		for _, row := range sel.ValuesLists {
			rows = append(rows, row.GetList().GetItems())
		}
		return rows, w.value
	}
	// Of one table, a name with the table's in front cannot mean anything else.
	if sel.Op != ast.SetOperation_SETOP_NONE || len(sel.DistinctClause) > 0 || len(sel.GroupClause) > 0 || sel.HavingClause != nil ||
		len(sel.FromClause) != 1 || len(sel.TargetList) != len(n.Cols) {
		return nil, nil
	}
	if from := sel.FromClause[0].GetRangeVar(); from == nil || len(from.GetAlias().GetColnames()) > 0 || w.aliased[from] {
		return nil, nil
	}
	row := make([]*ast.Node, len(sel.TargetList))
	for i, t := range sel.TargetList {
		if row[i] = t.GetResTarget().GetVal(); isStar(row[i]) {
			return nil, nil
		}
	}
	return [][]*ast.Node{row}, w.selected
}

// selected is a column of the table that rows are selected from.
func (w *flipping) selected(n *ast.Node, to *column) (evaluation, bool) {
	c := w.columns[n.GetColumnRef()]
	if to == nil || n.GetColumnRef() == nil || c == nil || c.item == nil || c.item.rel == nil || c.attnum <= 0 || c.computed() != nil ||
		kindOf(c.typ) == 0 || kindOf(c.typ) != kindOf(to.typ) {
		return evaluation{}, false
	}
	return evaluation{sql: syntax.QuoteIdent(c.item.sent()) + "." + syntax.QuoteIdent(c.physical)}, true
}

// flipRows adds what one change gives to each of the rows, or nothing where one of them has a value that cannot be repeated.
func (w *flipping) flipRows(p *rules.Counterpart, list []*ast.Node, rows [][]*ast.Node, value func(*ast.Node, *column) (evaluation, bool), m *markedWrite) {
	at := make([]int, len(p.Own))
	for i, col := range p.Own {
		t, ok := w.assignment(list, col.Num)
		if at[i] = slices.IndexFunc(list, func(n *ast.Node) bool { return n.GetResTarget() == t }); !ok || t == nil {
			return
		}
	}
	given := make([][]string, len(rows))
	w.parameters = nil
	for k, row := range rows {
		own := make([]string, len(p.Own))
		for i, col := range p.Own {
			if at[i] >= len(row) {
				return
			}
			e, ok := value(row[at[i]], w.columnOf(col.Num))
			if !ok {
				return
			}
			own[i] = p.Flip.Own[i].Before + e.sql + p.Flip.Own[i].After
		}
		derived, marker := p.Flip.New(own)
		given[k] = append(derived, marker)
	}
	for _, o := range p.Other {
		m.names = append(m.names, o.Physical)
	}
	m.names = append(m.names, p.Flip.Marker.Name)
	m.values = append(m.values, given[0]...)
	for k, values := range given[1:] {
		if len(m.others) == k {
			m.others = append(m.others, nil)
		}
		m.others[k] = append(m.others[k], values...)
	}
	w.writesSides(p)
}

// reads reports whether the statement reads a column of an item, so that it needs the right to do so.
func (b *binding) reads(it *item) bool {
	for _, c := range b.columns {
		if c != nil && c.item == it {
			return true
		}
	}
	return false
}

// A flipping makes the assignments of flips into one table.
type flipping struct {
	*binding
	target *item
	row    string // what the statement calls a row of it
	bulk   bool   // the statement changes all rows
	copies bool   // a constant of the client's is repeated

	parameters []flipParameter // of the change at hand
	times      map[string]int  // how often the text has each parameter; nil until it is asked for
}

// flip adds the assignments for one change. It adds nothing where a value cannot be repeated, or none is assigned.
func (w *flipping) flip(p *rules.Counterpart, list []*ast.Node, m *markedWrite) {
	values := make([]rules.FlipValue, len(p.Own))
	assigned := 0
	w.parameters = nil
	for i, col := range p.Own {
		before := w.column(col.Physical)
		values[i] = rules.FlipValue{SQL: before, Before: before}
		t, ok := w.assignment(list, col.Num)
		if !ok {
			return
		}
		if t == nil {
			continue
		}
		assigned++
		values[i].Assigned = true
		e, ok := w.value(t.Val, w.columnOf(col.Num))
		if !ok {
			return
		}
		values[i].SQL = p.Flip.Own[i].Before + e.sql + p.Flip.Own[i].After
		values[i].Fixed = e.fixed
	}
	if assigned == 0 || w.writes(list, p) {
		return
	}
	other := make([]string, len(p.Other))
	for i, col := range p.Other {
		other[i] = w.column(col.Physical)
	}
	derived, turned := p.Flip.Write(values, other, w.column(p.Flip.Marker.Name))
	for i, sql := range derived {
		m.set(p.Other[i].Physical, sql)
	}
	m.set(p.Flip.Marker.Name, turned)
	w.writesSides(p)
}

// writes reports whether a list assigns a column of the other side, or the marker.
func (w *flipping) writes(list []*ast.Node, p *rules.Counterpart) bool {
	return slices.ContainsFunc(list, func(n *ast.Node) bool {
		c, f := w.target.column(n.GetResTarget().GetName(), inVersion)
		return f != found || c.num == p.Flip.Marker.Num || slices.ContainsFunc(p.Other, func(o rules.SideColumn) bool { return o.Num == c.num })
	})
}

func (w *flipping) column(physical string) string { return w.row + "." + syntax.QuoteIdent(physical) }

// columnOf is the column of the table that has the number.
func (w *flipping) columnOf(num int16) *column {
	i := slices.IndexFunc(w.target.cols, func(c *column) bool { return c.attnum == num && c.computed() == nil })
	if i < 0 {
		return nil
	}
	return w.target.cols[i]
}

// assignment is the one to a column; nil for none. ok is false where it is not one value that stands for itself.
func (w *flipping) assignment(list []*ast.Node, num int16) (t *ast.ResTarget, ok bool) {
	for _, n := range list {
		r := n.GetResTarget()
		c, f := w.target.column(r.GetName(), inVersion)
		switch {
		case f != found:
			return nil, false
		case c.attnum != num:
		case t != nil, len(r.Indirection) > 0:
			return nil, false
		default:
			t = r
		}
	}
	return t, true
}

// An evaluation is SQL that may be evaluated several times.
type evaluation struct {
	sql   string
	fixed bool // it is the same for every row
}

// value is what is assigned to a column, if it may be repeated.
func (w *flipping) value(n *ast.Node, to *column) (evaluation, bool) {
	if to == nil {
		return evaluation{}, false
	}
	switch v := n.GetNode().(type) {
	case *ast.Node_ParamRef:
		e, ok := w.parameter(v.ParamRef)
		w.parameters = append(w.parameters, flipParameter{name: e.sql, column: to.name, location: int(v.ParamRef.Location)})
		return e, ok
	case *ast.Node_ColumnRef:
		c := w.columns[v.ColumnRef]
		if c == nil || c.item != w.target || c.typ != to.typ || c.computed() != nil || c.typ == 0 {
			return evaluation{}, false
		}
		return evaluation{sql: w.column(c.physical)}, true
	case *ast.Node_TypeCast:
		return w.castParameter(v.TypeCast, to)
	case *ast.Node_AExpr:
		if !isNumber[w.baseOf(to.typ)] || to.typ != w.baseOf(to.typ) {
			return evaluation{}, false
		}
		return w.calculation(n)
	}
	return evaluation{}, false
}

// parameter is $n, if the text has no other.
func (w *flipping) parameter(p *ast.ParamRef) (evaluation, bool) {
	if w.times == nil {
		w.times = make(map[string]int)
		for i := range w.tokens.Len() {
			if w.tokens.Kind(i) == ast.Token_PARAM {
				w.times[w.tokens.Text(i)]++
			}
		}
	}
	name := "$" + strconv.Itoa(int(p.Number))
	return evaluation{sql: name, fixed: true}, w.times[name] == 1
}

// castParameter is a parameter that is cast to a type of the column's kind, as some drivers write all of them.
func (w *flipping) castParameter(x *ast.TypeCast, to *column) (evaluation, bool) {
	names := ast.StrVals(x.GetTypeName().GetNames())
	p := x.Arg.GetParamRef()
	if p == nil || len(names) == 0 || castsOddly(&ast.Node{Node: &ast.Node_TypeCast{TypeCast: x}}) || len(x.TypeName.Typmods)+len(x.TypeName.ArrayBounds) > 0 {
		return evaluation{}, false
	}
	if kind := kindOfType[names[len(names)-1]]; kind == 0 || kind != kindOf(to.typ) {
		return evaluation{}, false
	}
	e, ok := w.parameter(p)
	w.parameters = append(w.parameters, flipParameter{name: e.sql, column: to.name, cast: true, location: int(x.Location)})
	return evaluation{sql: "CAST(" + e.sql + " AS " + syntax.QuoteQualified(names) + ")", fixed: true}, ok
}

// calculation is one with numbers. Its operators are the client's own: they are looked up once more, where they are found again.
func (w *flipping) calculation(n *ast.Node) (evaluation, bool) {
	switch v := n.GetNode().(type) {
	case *ast.Node_ParamRef:
		return w.parameter(v.ParamRef)
	case *ast.Node_ColumnRef:
		c := w.columns[v.ColumnRef]
		if c == nil || c.item != w.target || c.computed() != nil || !isNumber[c.typ] {
			return evaluation{}, false
		}
		return evaluation{sql: w.column(c.physical)}, true
	case *ast.Node_AConst:
		return w.number(v.AConst)
	case *ast.Node_AExpr:
		x := v.AExpr
		op := ast.StrVal(onlyNode(x.Name))
		if x.Kind != ast.A_Expr_Kind_AEXPR_OP || x.Lexpr == nil || op != "+" && op != "-" && op != "*" && op != "/" {
			return evaluation{}, false
		}
		l, ok1 := w.calculation(x.Lexpr)
		r, ok2 := w.calculation(x.Rexpr)
		return evaluation{sql: "(" + l.sql + " " + op + " " + r.sql + ")", fixed: l.fixed && r.fixed}, ok1 && ok2
	}
	return evaluation{}, false
}

// number is a numeric constant that the client has written, in a statement that has parameters, or changes all rows.
func (w *flipping) number(k *ast.A_Const) (evaluation, bool) {
	sql := ""
	switch {
	case k.Isnull:
	case k.GetIval() != nil:
		sql = strconv.Itoa(int(k.GetIval().GetIval()))
	case k.GetFval() != nil:
		sql = k.GetFval().GetFval()
	}
	if sql == "" || !w.bulk && !slices.ContainsFunc(w.tokens.List, func(t syntax.Token) bool { return t.Kind == ast.Token_PARAM }) {
		return evaluation{}, false
	}
	w.copies = true
	return evaluation{sql: sql, fixed: true}, true
}

// isNumber are the types of numbers that PostgreSQL has, any of which can be assigned to any other.
var isNumber = map[catalog.OID]bool{20: true, 21: true, 23: true, 700: true, 701: true, 1700: true}

// kindOfType and kindOf tell the types between which values can be assigned, and which are not cast otherwise.
var kindOfType = map[string]byte{
	"int2": 'n', "int4": 'n', "int8": 'n', "float4": 'n', "float8": 'n', "numeric": 'n', "text": 't', "varchar": 't',
	"bool": 'b', "date": 'd', "timestamp": 'D', "timestamptz": 'Z', "uuid": 'u', "json": 'j', "jsonb": 'J', "bytea": 'y',
}

func kindOf(typ catalog.OID) byte {
	if isNumber[typ] {
		return 'n'
	}
	return map[catalog.OID]byte{25: 't', 1043: 't', 16: 'b', 1082: 'd', 1114: 'D', 1184: 'Z', 2950: 'u', 114: 'j', 3802: 'J', 17: 'y'}[typ]
}
