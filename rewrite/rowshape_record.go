package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A tokenSpan is the tokens of an expression, first to last.
type tokenSpan struct{ first, last int }

// reshapeArgument gives a function that shows names a record with the version's, instead of argument i.
func (b *binding) reshapeArgument(f *ast.FuncCall, i int) {
	open := b.afterIdent(b.part(b.tokens.At(int(f.Location)), len(f.Funcname)-1))
	n := f.Args[i]
	if !b.tokens.Is(open, '(') || f.FuncVariadic && i == len(f.Args)-1 || f.AggDistinct && len(f.AggOrder) > 0 {
		b.notReshaped(n)
		return
	}
	parts := b.elementSpans(open)
	if i >= len(parts) {
		b.notReshaped(n)
		return
	}
	at := parts[i]
	if k := b.tokens.Kind(at.first); k == ast.Token_DISTINCT || k == ast.Token_ALL {
		at.first++
	}
	if named := n.GetNamedArgExpr(); named != nil {
		n, at.first = named.Arg, at.first+2
	}
	for j := at.first; i == len(f.Args)-1 && len(f.AggOrder) > 0 && j <= at.last; j++ {
		switch {
		case b.tokens.Is(j, '('), b.tokens.Is(j, '['):
			j = b.closing(j)
		case b.tokens.Kind(j) == ast.Token_ORDER && !b.tokens.Is(j-1, '.'):
			at.last = j - 1
		}
	}
	b.reshape(n, at, ast.LastName(f.Funcname) == "hstore")
}

// elementSpans are the elements of the bracketed list that opens at a token.
func (b *binding) elementSpans(open int) []tokenSpan {
	starts := b.elements(open)
	out := make([]tokenSpan, len(starts))
	for i, first := range starts {
		out[i] = tokenSpan{first, b.closing(open) - 1}
		if i+1 < len(starts) {
			out[i].last = starts[i+1] - 2
		}
	}
	return out
}

// reshape writes a record with the version's names instead of a row. An expression that belongs to its query level, as
// an aggregate does, stays where it is, and its operands are reshaped.
func (b *binding) reshape(n *ast.Node, at tokenSpan, nulls bool) {
	v := b.valueOf(n)
	if b.difference(v) == sameShape {
		return
	}
	switch x := n.Node.(type) {
	case *ast.Node_FuncCall:
		if b.handsOn(x.FuncCall) && !nulls {
			for i, a := range x.FuncCall.Args {
				if b.difference(b.valueOf(a)) != sameShape {
					b.reshapeArgument(x.FuncCall, i)
				}
			}
			return
		}
	case *ast.Node_RowExpr:
		b.reshapeEach(n, x.RowExpr.Args, '(')
		return
	case *ast.Node_AArrayExpr:
		b.reshapeEach(n, x.AArrayExpr.Elements, '[')
		return
	case *ast.Node_SubLink:
		if v.array {
			b.reshapeTarget(n, x.SubLink.Subselect.GetSelectStmt())
			return
		}
	}
	if v.array || !b.movable(n, v) {
		b.notReshaped(n)
		return
	}
	b.wrap(n, at, v, nulls)
}

func (b *binding) notReshaped(n *ast.Node) {
	b.aliasRow(b.valueOf(n))
	b.unsupported(b.minLocation(n), refusedRow, "a row", "would show the names of the database here")
}

// handsOn tells of functions that need a row only to return it, and whose call cannot be moved into a subquery.
func (b *binding) handsOn(f *ast.FuncCall) bool {
	switch ast.LastName(f.Funcname) {
	case "array_agg", "lag", "lead", "first_value", "last_value", "nth_value", "any_value":
		return b.rowUse(f) != rowsUnlisted && !f.AggWithinGroup
	}
	return false
}

// reshapeEach reshapes the items of ROW(…) or ARRAY[…].
func (b *binding) reshapeEach(n *ast.Node, items []*ast.Node, bracket byte) {
	open := b.tokens.At(locationOf(nodeMessage(n)))
	if !b.tokens.Is(open, bracket) {
		open++ // after the word ROW or ARRAY
	}
	if !b.tokens.Is(open, bracket) || slices.ContainsFunc(items, isStar) {
		b.notReshaped(n)
		return
	}
	parts := b.elementSpans(open)
	for i, x := range items {
		if i < len(parts) {
			b.reshape(x, parts[i], false)
		}
	}
}

// nodeMessage is the message that a node holds.
func nodeMessage(n *ast.Node) protoreflect.Message {
	m := n.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil {
		return m.Get(f).Message()
	}
	return m
}

// reshapeTarget reshapes the only column of a subquery that makes an array.
func (b *binding) reshapeTarget(n *ast.Node, sel *ast.SelectStmt) {
	if sel == nil || sel.Larg != nil || len(sel.TargetList) != 1 || len(sel.DistinctClause) > 0 {
		b.notReshaped(n)
		return
	}
	t := sel.TargetList[0].GetResTarget()
	first := b.tokens.At(int(t.GetLocation()))
	last := b.targetEnd(first)
	if t.GetName() != "" {
		if last--; b.tokens.Kind(last) == ast.Token_AS {
			last--
		}
	}
	if isStar(t.GetVal()) || t.GetLocation() < 0 || t.GetName() == "" && b.relabelled(b.labelOf(t.Val)) {
		b.notReshaped(n)
		return
	}
	b.reshape(t.Val, tokenSpan{first, last}, false)
}

// movable tells whether an expression means the same as the target of a subquery without FROM.
func (b *binding) movable(n *ast.Node, v value) bool {
	if v.typ == 0 && (v.blank || n.GetColumnRef() == nil && n.GetFuncCall() == nil) {
		return false // PostgreSQL does not find out the fields of other expressions (expandRecordVariable)
	}
	ok := true
	eachOwnMessage(nodeMessage(n), func(m protoreflect.Message) {
		switch x := m.Interface().(type) {
		case *ast.FuncCall:
			ok = ok && b.isPlainCall(x)
		case *ast.GroupingFunc:
			ok = false
		}
	})
	return ok
}

// isPlainCall tells whether a call is surely that of a function which is no aggregate, and returns one value.
func (b *binding) isPlainCall(f *ast.FuncCall) bool {
	if b.projections[f] != nil {
		return true
	}
	if f.Over != nil || f.AggStar || f.AggDistinct || f.AggWithinGroup || f.AggFilter != nil || len(f.AggOrder) > 0 {
		return false
	}
	candidates := b.candidates(f)
	for _, c := range candidates {
		if c.Kind != 'f' || c.ReturnsSet {
			return false
		}
	}
	return len(candidates) > 0
}

// eachOwnMessage is ast.WalkReflect without what is in subqueries.
func eachOwnMessage(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		each := func(m protoreflect.Message) {
			if _, sub := m.Interface().(*ast.SubLink); !sub {
				eachOwnMessage(m, visit)
			}
		}
		switch {
		case f.Kind() != protoreflect.MessageKind:
		case f.IsList():
			for i := range v.List().Len() {
				each(v.List().Get(i).Message())
			}
		default:
			each(v.Message())
		}
		return true
	})
}

// rowHole stands for the row in the text of a record.
const rowHole = "$1"

// wrap writes the record around the row. The row is evaluated once; a NULL instead of a row, as an outer join makes,
// stays one, since there is then no record to select. With nulls it becomes a record of NULLs: hstore takes the names
// from the argument's type.
func (b *binding) wrap(n *ast.Node, at tokenSpan, v value, nulls bool) {
	inner := rowHole
	if isStar(n) {
		if v.typ == 0 {
			b.notReshaped(n)
			return
		}
		inner = "COALESCE(" + rowHole + ")" // where a star is no list of columns
	}
	inner += " AS w"
	if n.GetColumnRef() == nil {
		inner += " OFFSET 0" // else the planner would evaluate it for each field
	}
	text, ok := b.record(v, inner, nulls, maxTypeDepth)
	if !ok {
		b.notReshaped(n)
		return
	}
	tree, err := syntax.Parse("SELECT " + text)
	if err != nil {
		b.misplaced(b.tokens.Start(at.first), "record")
		return
	}
	whole := tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val
	var hole *ast.Node
	ast.WalkReflect(whole.ProtoReflect(), func(m protoreflect.Message) {
		if x, ok := m.Interface().(*ast.Node); ok && x.GetParamRef() != nil {
			hole = x
		}
	})
	split := strings.LastIndex(text, rowHole)
	b.affected = true
	start, end := b.tokens.Start(at.first), b.tokens.IdentEnd(at.last)
	b.replace(start, start, text[:split], func() {
		hole.Node = n.Node
		n.Node = whole.Node
	})
	b.replace(end, end, text[split+len(rowHole):], nil)
}

// noticingColumnsOf adds a condition to those of a query that stands in a body kept as text. It is always true. PL/pgSQL plans a
// query once in a session, and the server has it planned anew after a table that it names has changed. A row in a variable
// names none, so a star over it would go on without the columns that are added later; a constant of type regclass does
// (fix_expr_common in setrefs.c). It has the table's number, since the name may go, and may not be looked up by everybody.
func noticingColumnsOf(rel *catalog.Relation, where string) string {
	always := "'" + number(int64(rel.OID)) + "'::pg_catalog.regclass IS NOT NULL"
	if where == "" {
		return " WHERE " + always
	}
	return where + " AND " + always
}

// record is the SQL of a record with the version's names, made from a row; ok is false where that is not possible. Its
// alias stands alone, where any column of that name would come first, also one of a query further out.
func (b *binding) record(v value, row string, nulls bool, depth int) (text string, ok bool) {
	fields := b.fields(v)
	if fields == nil || fields.unknown || depth == 0 {
		return "", false
	}
	where := " WHERE v.w IS DISTINCT FROM NULL"
	if nulls {
		where = ""
	}
	if b.inBody {
		list, ok := fields.versionNames()
		ok = ok && fields.ordered && !slices.ContainsFunc(fields.cols, func(c *column) bool { return b.difference(b.columnValue(c)) != sameShape })
		if rel := b.relationOf(v.typ); rel != nil && !b.once {
			where = noticingColumnsOf(rel, where)
		}
		if ok || !b.once {
			return "(SELECT _segue_row FROM (SELECT (v.w).* FROM (SELECT " + row + ") AS v" + where + ") AS _segue_row " + list + ")", ok
		}
	}
	var list []string
	var names []string
	for _, c := range fields.cols {
		if c.name == "" {
			continue
		}
		if c.physical == "" || slices.Contains(names, c.physical) {
			return "", false
		}
		names = append(names, c.physical)
		field := "(v.w)." + syntax.QuoteIdent(c.physical)
		if nested := b.columnValue(c); b.difference(nested) != sameShape {
			if nested.typ == 0 {
				return "", false
			}
			if field, ok = b.record(nested, field+" AS w", false, depth-1); !ok {
				return "", false
			}
		}
		list = append(list, field+" AS "+syntax.QuoteIdent(c.name))
	}
	if len(list) == 0 {
		return "", false
	}
	return "(SELECT _segue_row FROM (SELECT " + strings.Join(list, ", ") + " FROM (SELECT " + row + ") AS v" + where +
		") AS _segue_row)", true
}
