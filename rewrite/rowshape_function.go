package rewrite

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A rowUse says what a builtin function does with the rows that it is given.
type rowUse byte

const (
	rowsUnlisted  rowUse = iota // not known: it may see the names of the fields
	rowsUnseen                  // it looks at values only, or prints the row as text; it returns no row
	rowsReturned                // it returns one of its rows
	rowsCollected               // it returns an array of its rows
	rowsUnpacked                // it returns the elements of an array of rows
	rowsShown                   // it shows the names: it gets a record that has the version's
)

// rowUses are builtin functions that are polymorphic, or take records.
var rowUses = func() map[string]rowUse {
	out := map[string]rowUse{}
	for use, names := range map[rowUse][]string{
		rowsUnseen: {"count", "num_nulls", "num_nonnulls", "concat", "concat_ws", "format", "quote_literal", "quote_nullable",
			"pg_column_size", "pg_typeof", "hash_record", "hash_record_extended", "record_out", "record_send", "array_out",
			"array_length", "array_ndims", "array_dims", "array_lower", "array_upper", "cardinality", "array_position",
			"array_positions", "array_to_string", "generate_subscripts", "record_eq", "record_ne", "record_lt", "record_gt",
			"record_le", "record_ge", "btrecordcmp", "array_eq", "array_ne", "arraycontains", "arraycontained", "arrayoverlap",
			"rank", "dense_rank", "percent_rank", "cume_dist"},
		rowsReturned: {"lag", "lead", "first_value", "last_value", "nth_value", "any_value", "array_append", "array_prepend",
			"array_cat", "array_remove", "array_replace", "trim_array", "array_shuffle", "array_sample", "array_larger",
			"array_smaller", "min", "max", "mode", "percentile_disc"},
		rowsCollected: {"array_agg"},
		rowsUnpacked:  {"unnest"},
		rowsShown: {"to_json", "to_jsonb", "row_to_json", "array_to_json", "json_agg", "jsonb_agg", "json_agg_strict",
			"jsonb_agg_strict", "json_build_array", "jsonb_build_array", "json_build_object", "jsonb_build_object",
			"json_object_agg", "jsonb_object_agg", "json_object_agg_strict", "jsonb_object_agg_strict", "json_object_agg_unique",
			"jsonb_object_agg_unique", "json_object_agg_unique_strict", "jsonb_object_agg_unique_strict", "hstore"},
	} {
		for _, name := range names {
			out[name] = use
		}
	}
	return out
}()

// rowUse says what a call does with rows. What users have made is not listed, and neither is a builtin function where
// they have made another of its name.
func (b *binding) rowUse(f *ast.FuncCall) rowUse {
	name := ast.StrVals(f.Funcname)
	if len(name) == 0 {
		return rowsUnlisted
	}
	last := name[len(name)-1]
	candidates := b.functions(name)
	for _, c := range candidates {
		if c.Schema != "pg_catalog" && last != "hstore" {
			return rowsUnlisted
		}
	}
	if len(candidates) == 0 && !ast.IsBuiltin(name, last) {
		return rowsUnlisted
	}
	return rowUses[last]
}

// toleratesOrder marks the arguments of a call for which it does not matter in what order a row's fields stand.
func (b *binding) toleratesOrder(f *ast.FuncCall) {
	if !b.reordered() {
		return
	}
	counts := len(f.Args) == 1 && ast.IsBuiltin(ast.StrVals(f.Funcname), "count") && !f.AggDistinct
	for _, a := range f.Args {
		if ref := a.GetColumnRef(); ref != nil && (counts || b.rowUse(f) == rowsShown) {
			put(&b.tolerated, ref, true)
		}
		if call := a.GetFuncCall(); call != nil && counts {
			put(&b.fielded, call, true)
		}
	}
}

// rowOfCall refuses a call that returns a row as one value, whose fields stand at other places in the version.
func (b *binding) rowOfCall(n *ast.Node) {
	f := n.GetFuncCall()
	if f == nil || b.fielded[f] || b.functionRows(ast.StrVals(f.Funcname)) == nil {
		return
	}
	if v := b.valueOf(n); v.holdsRows() && b.difference(v) == orderDiffers {
		b.unsupported(int(f.Location), refusedRow, "the function "+ast.LastName(f.Funcname), "returns a row with its fields in another order in the database")
	}
}

// reordered tells whether the version has a table whose columns stand in another order than the server's.
func (b *binding) reordered() bool {
	return slices.ContainsFunc(b.lens.Tables, func(t *rules.TableLens) bool {
		rel := b.cat.Relation(t.OID)
		if t.Identity || rel == nil {
			return false
		}
		return !slices.EqualFunc(t.Columns, rel.Columns, func(l rules.ColumnLens, c catalog.Column) bool { return l.Num == c.Num })
	})
}

// rowArguments sees to the rows among the arguments of a call, which have been bound.
func (b *binding) rowArguments(f *ast.FuncCall) {
	for i, a := range f.Args {
		if b.shown != nil {
			b.noteArgument(f, i)
		}
		v := b.valueOf(a)
		if b.difference(v) == sameShape {
			continue
		}
		if b.isProjection(f, v) {
			b.project(f, v)
			return
		}
		switch use := b.rowUse(f); {
		case use == rowsShown:
			b.reshapeArgument(f, i)
		case use != rowsUnlisted, b.takesRow(f, i, v), b.takesNoRow(f):
		default:
			b.aliasRow(v)
			b.unsupported(int(f.Location), refusedRow, "the function "+ast.LastName(f.Funcname), "may see the names of a row's fields")
		}
	}
}

// takesRow tells whether the functions that a call can mean take the very type of a row at argument i: what they do
// with it is written in the names of the database, or follows them.
func (b *binding) takesRow(f *ast.FuncCall, i int, v value) bool {
	if v.typ == 0 {
		return false
	}
	v.item = nil
	found := false
	for _, c := range b.candidates(f) {
		for k, typ := range c.ArgTypes {
			if isPolymorphic(typ) {
				return false
			}
			if k == i || f.Args[i].GetNamedArgExpr() != nil {
				t := b.ofType(typ)
				found = found || t == v || t.array == v.array && b.inherits(v.typ, t.typ)
			}
		}
	}
	return found
}

// takesNoRow tells whether no function that a call can mean takes rows of any kind: the server says so.
func (b *binding) takesNoRow(f *ast.FuncCall) bool {
	all := b.functions(ast.StrVals(f.Funcname))
	if len(all) == 0 && !b.isAbsentFunction(ast.LastName(f.Funcname)) {
		return false
	}
	return !slices.ContainsFunc(all, func(c *catalog.Function) bool {
		return slices.ContainsFunc(c.ArgTypes, func(typ catalog.OID) bool { return isPolymorphic(typ) || b.ofType(typ).holdsRows() })
	})
}

// isAbsentFunction asks the server whether there is no function of a name, which the catalog does not know.
func (b *binding) isAbsentFunction(name string) bool {
	if slices.ContainsFunc([]byte(name), func(c byte) bool { return c >= 0x80 }) {
		return false // the question would depend on the encoding
	}
	q := "SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.pg_proc WHERE proname" + eq + syntax.QuoteLiteral(name)
	answer, asked := b.sess.Answers[q]
	if !asked {
		b.questions = append(b.questions, q)
		return false
	}
	b.statement.asked = append(b.statement.asked, q)
	return answer == "0"
}

// inherits tells whether rows of a type can be given for those of another (typeInheritsFrom).
func (b *binding) inherits(typ, from catalog.OID) bool {
	child, parent := b.relationOf(typ), b.relationOf(from)
	return child != nil && parent != nil && slices.Contains(b.cat.Descendants(parent.OID), child.OID)
}

// isProjection tells whether a call is another way to write a field of a row (ParseFuncOrColumn): functions that take
// the row come first.
func (b *binding) isProjection(f *ast.FuncCall, v value) bool {
	if len(f.Funcname) != 1 || len(f.Args) != 1 || v.array || f.AggStar || f.AggDistinct || f.FuncVariadic || f.AggWithinGroup ||
		len(f.AggOrder) > 0 || f.AggFilter != nil || f.Over != nil || f.Args[0].GetNamedArgExpr() != nil {
		return false
	}
	name := ast.StrVal(f.Funcname[0])
	fields := b.projected(v)
	if fields == nil || b.takenByFunction(name, v) {
		return false
	}
	_, inV := fields.column(name, inVersion)
	_, at := fields.column(name, atServer)
	return inV != missing || at != missing
}

// projected is what the fields of a row are looked up in.
func (b *binding) projected(v value) *item {
	if v.item != nil {
		return v.item
	}
	return b.fields(v)
}

// takenByFunction tells whether a call of that name with a row is a function's.
func (b *binding) takenByFunction(name string, v value) bool {
	v.item = nil
	for _, c := range b.cat.Functions(name) {
		if len(c.ArgTypes) == 1 && (isAnyElement(c.ArgTypes[0]) || v.typ != 0 && b.ofType(c.ArgTypes[0]) == v) {
			return true
		}
	}
	return false
}

// project binds surname(p), which means p.surname.
func (b *binding) project(f *ast.FuncCall, v value) {
	fields := b.projected(v)
	name := ast.StrVal(f.Funcname[0])
	c, f1 := fields.column(name, inVersion)
	if f1 != found {
		_, at := fields.column(name, atServer)
		b.fail("42883", int(f.Location), at == missing, "function "+name+"("+b.typeTitle(v)+") does not exist",
			"No function matches the given name and argument types. You might need to add explicit type casts.")
		return
	}
	b.use(c.table, c.root.nameInVersion(c))
	b.concernRows(c)
	put(&b.projections, f, c)
	switch {
	case !b.takesName(c, int(f.Location), "the notation amount(t)"):
	case c.physical == name:
	case c.physical == "" || b.takenByFunction(c.physical, v):
		b.unsupported(int(f.Location), refusedDoubt, "the field "+syntax.QuoteIdent(name), "would be a function in the database")
	default:
		put(&b.respelled, proto.Message(f), true)
		b.renameToken(b.tokens.At(int(f.Location)), name, c.physical, func() { f.Funcname[0] = stringNode(c.physical) })
	}
}

// resultOf is what a call returns. Its arguments have been bound.
func (b *binding) resultOf(f *ast.FuncCall) value {
	if c := b.projections[f]; c != nil {
		return b.columnValue(c)
	}
	switch b.rowUse(f) {
	case rowsReturned:
		return b.firstRow(f.Args, f.AggOrder)
	case rowsCollected:
		return arrayOf(b.firstRow(f.Args))
	case rowsUnpacked:
		return b.firstRow(f.Args).element()
	case rowsUnseen, rowsShown:
		return value{}
	}
	return b.declaredResult(f)
}

// declaredResult is what the functions that a call can mean are declared to return.
func (b *binding) declaredResult(f *ast.FuncCall) value {
	var out value
	candidates := b.candidates(f)
	for i, c := range candidates {
		v := b.returned(c)
		if i > 0 && !sameRows(v, out) {
			if b.difference(v) != sameShape || b.difference(out) != sameShape {
				b.unsupported(int(f.Location), refusedRow, "the function "+ast.LastName(f.Funcname), "has several forms, of which some return rows")
			}
			return value{}
		}
		out = v
	}
	return out
}

func sameRows(a, b value) bool {
	return a.typ == b.typ && a.array == b.array && (a.item == nil) == (b.item == nil)
}

// returned is what a function returns: OUT arguments make a record.
func (b *binding) returned(f *catalog.Function) value {
	if len(f.Out) == 0 {
		return b.ofType(f.Return)
	}
	if len(f.Out) == 1 {
		return b.ofType(f.OutTypes[0])
	}
	it := &item{plain: true, ordered: true}
	b.outColumns(it, f, "")
	return value{item: it}
}
