package rewrite

import (
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// functionItem is a function in FROM (transformRangeFunction); its arguments see the items before it.
func (b *binding) functionItem(s *scope, r *ast.RangeFunction) *item {
	b.saw(r)
	b.saw(r.Alias)
	saved := s.lateral
	s.lateral = true
	it := b.planned(&item{relVisible: true, colsVisible: true, plain: true, ordered: true})
	for i, n := range r.Functions {
		b.functionInFrom(s, r, n.GetList().GetItems(), it, i)
	}
	s.lateral = saved
	if len(r.Coldeflist) > 0 {
		it.cols, it.unknown = nil, false
		b.columnDefinitions(it, r.Coldeflist)
		b.rowsFromJSON(r.Functions[0].GetList().GetItems(), it)
	}
	if r.Ordinality || len(r.Functions) > 1 {
		it.rowType = 0 // its row is a record of all
	}
	if r.Ordinality {
		it.newColumn("ordinality", "ordinality").known = true
	}
	if r.Alias != nil {
		it.name = r.Alias.Aliasname
	}
	b.renameColumns(it, r.Alias, -1)
	b.aliasFunction(it, r)
	return it
}

// functionInFrom binds one function and adds its columns; the pair is the call and its column definitions.
func (b *binding) functionInFrom(s *scope, r *ast.RangeFunction, pair []*ast.Node, it *item, i int) {
	if len(pair) == 0 {
		return
	}
	call := pair[0].GetFuncCall()
	if call == nil {
		b.expr(s, pair[0])
	} else {
		b.callArguments(s, call)
		if b.xmlTables[call] != nil {
			b.unsupported(int(call.Location), refusedString, "the function "+ast.LastName(call.Funcname), "prints names of the database in FROM")
		}
	}
	name := b.labelOf(pair[0]).name
	if i == 0 {
		it.name = name
	}
	if len(pair) > 1 && pair[1].GetList() != nil {
		b.columnDefinitions(it, pair[1].GetList().Items)
		b.rowsFromJSON(pair, it)
		return
	}
	alias := ""
	if r.Alias != nil && len(r.Functions) == 1 {
		alias = r.Alias.Aliasname
	}
	if call == nil {
		it.newColumn(firstOf(alias, name), firstOf(alias, name)).known = true
		if b.difference(b.valueOf(pair[0])) != sameShape {
			b.unsupported(b.minLocation(pair[0]), refusedRow, "an expression in FROM", "makes rows that are not followed")
		}
		return
	}
	if ast.IsBuiltin(ast.StrVals(call.Funcname), "unnest") {
		b.unnest(call, it, firstOf(alias, name))
		return
	}
	b.functionColumns(call, it, firstOf(alias, name))
}

// unnest gives an item the columns of unnest(…): with several arguments it is as if each had a call of its own.
func (b *binding) unnest(call *ast.FuncCall, it *item, name string) {
	if len(call.Args) > 1 {
		name = "unnest"
	}
	for _, a := range call.Args {
		if v := b.valueOf(a); v.array && b.difference(v) != sameShape {
			b.unpackRows(it, v, a)
		} else if b.isScalarArray(a) {
			c := it.newColumn(name, name)
			c.known, c.typ = true, aliasElement(b.exprType(a))
		} else {
			it.unknown = true
		}
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (b *binding) columnDefinitions(it *item, list []*ast.Node) {
	for _, n := range list {
		d := n.GetColumnDef()
		if d == nil {
			continue
		}
		b.saw(d)
		b.sawAll(d.CollClause)
		b.typeName(d.TypeName)
		c := it.newColumn(d.Colname, d.Colname)
		c.known, c.rows = true, b.namedTypes[d.TypeName]
	}
}

// functionColumns mirrors addRangeTableEntryForFunction: the attributes of a row, OUT arguments, or one column that is
// called as the function or its alias. They are unknown where functions of that name differ.
func (b *binding) functionColumns(call *ast.FuncCall, it *item, scalar string) {
	candidates := b.candidates(call)
	if len(candidates) == 0 {
		it.unknown = true
		return
	}
	first := candidates[0]
	for _, f := range candidates[1:] {
		if b.shapeOf(f) != b.shapeOf(first) || f.Return != first.Return && b.shapeOf(f) == shapeRow {
			it.unknown = true
			return
		}
	}
	switch b.shapeOf(first) {
	case shapeScalar:
		c := it.newColumn(scalar, scalar)
		if c.known = true; len(candidates) == 1 {
			c.typ = first.Return
		} else if typ := b.exprType(&ast.Node{Node: &ast.Node_FuncCall{FuncCall: call}}); isAlias(typ) {
			c.typ = typ
		}
		c.rows = b.resultOf(call)
	case shapeRow:
		b.rowColumns(it, first.Return)
	default:
		it.unknown = true
		if len(candidates) == 1 && len(first.Out) > 0 {
			it.unknown = false
			b.outColumns(it, first, scalar)
		}
	}
}

// candidates are the functions that a call can mean, by name and number of arguments.
func (b *binding) candidates(call *ast.FuncCall) []*catalog.Function {
	all := b.functions(ast.StrVals(call.Funcname))
	var exact []*catalog.Function
	for _, f := range all {
		if f.Args == len(call.Args) {
			exact = append(exact, f)
		}
	}
	if len(exact) > 0 && !call.FuncVariadic {
		return exact
	}
	return all
}

// A shape says what columns a function in FROM has.
type shape byte

const (
	shapeUnknown shape = iota
	shapeScalar
	shapeRow
)

// shapeOf mirrors get_expr_result_type as far as the catalog alone says it.
func (b *binding) shapeOf(f *catalog.Function) shape {
	if len(f.Out) > 0 || isAnyElement(f.Return) || f.Return == 2249 {
		return shapeUnknown
	}
	for typ := f.Return; typ != 0; {
		if b.cat.ByRowType(typ) != nil {
			return shapeRow
		}
		t := b.cat.Type(typ)
		if t == nil {
			break
		}
		if t.Relation != 0 {
			return shapeRow
		}
		typ = t.Base
	}
	return shapeScalar
}

// rowColumns gives an item the attributes of a row type, as the version shows them where it is that of a table under
// migration.
func (b *binding) rowColumns(it *item, typ catalog.OID) {
	rel := b.cat.ByRowType(typ)
	if t := b.cat.Type(typ); rel == nil && t != nil && t.Relation != 0 {
		rel = b.cat.Relation(t.Relation)
	}
	if rel == nil {
		it.unknown = true // a domain over a row
		return
	}
	it.table, it.rowType = b.lens.Table(rel.OID), rel.RowType
	b.concern(it.table)
	b.relationColumns(it, rel)
	for _, c := range it.cols {
		c.relation, c.num, c.known = 0, 0, true // RowDescription names tables only
	}
}

// outColumns are the OUT arguments of a function.
func (b *binding) outColumns(it *item, f *catalog.Function, scalar string) {
	if len(f.Out) == 1 {
		name := firstOf(f.Out[0], scalar)
		c := it.newColumn(name, name)
		c.known, c.typ = true, f.OutTypes[0]
		return
	}
	for i, name := range f.Out {
		if name == "" {
			name = "column" + strconv.Itoa(i+1)
		}
		c := it.newColumn(name, name)
		c.known, c.typ = true, f.OutTypes[i]
	}
}
