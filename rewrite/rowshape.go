package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// Row shapes: what happens to a row that is used as one value.
//
// Such a value has the row type of its table at the server, so that its fields have the names of the database. Where
// nobody can see them (a row as text, in a comparison, in GROUP BY) it is left alone. Where the client names a field,
// the physical name is spliced. Where a function shows the names, as row_to_json does, it gets a record with the
// version's names instead. All else that might see them is refused. So the type of every expression that may hold a row
// is followed; a type that is not known here is none that holds rows under migration.

// A value is what is known of the type of an expression, as far as rows are concerned. The zero value holds none.
type value struct {
	typ   catalog.OID // a row type, or another that holds rows; 0 for an anonymous record
	item  *item       // whose row it is: the fields are called as its columns; nil where only the type is known
	array bool        // it is an array of these
	blank bool        // an anonymous record of which the server does not know the fields by name
}

// holdsRows tells whether there may be a row in the value.
func (v value) holdsRows() bool { return v.typ != 0 || v.item != nil }

// element is what a subscript makes of an array.
func (v value) element() value {
	v.array = false
	return v
}

// arrayOf is the array with such elements; arrays of arrays are arrays of more dimensions.
func arrayOf(v value) value {
	v.array = v.holdsRows()
	return v
}

// A difference says how rows at the server differ from those of the version.
type difference byte

const (
	sameShape    difference = iota
	namesDiffer             // fields have other names, at the same places
	orderDiffers            // fields stand at other places, or the version does not show some
)

// difference compares a value with what the version makes of it, in all its depth.
func (b *binding) difference(v value) difference {
	if v.typ != 0 {
		return b.typeDifference(v.typ, maxTypeDepth)
	}
	if v.item == nil {
		return sameShape
	}
	return b.itemDifference(v.item, maxTypeDepth)
}

func (b *binding) itemDifference(it *item, depth int) difference {
	d := sameShape
	if !it.ordered {
		d = orderDiffers
	}
	for _, c := range it.cols {
		if c.name != c.physical {
			d = max(d, namesDiffer)
		}
		if c.rows.holdsRows() {
			d = max(d, b.difference(c.rows))
		} else {
			d = max(d, b.typeDifference(c.typ, depth-1))
		}
	}
	return d
}

func (b *binding) typeDifference(typ catalog.OID, depth int) difference {
	if typ == 0 || depth == 0 {
		return sameShape
	}
	if rel := b.relationOf(typ); rel != nil {
		d := sameShape
		if l := b.lens.Table(rel.OID); l != nil && !l.Identity {
			d = b.itemDifference(b.rowItem(rel), 1)
		}
		for i := range rel.Columns {
			d = max(d, b.typeDifference(rel.Columns[i].Type, depth-1))
		}
		return d
	}
	t := b.cat.Type(typ)
	if t == nil {
		return sameShape
	}
	d := b.typeDifference(t.Base, depth-1)
	d = max(d, b.typeDifference(t.Elem, depth-1))
	return max(d, b.typeDifference(t.Subtype, depth-1))
}

// relationOf is the relation of which a type is the row type, composite types included; nil for any other type.
func (b *binding) relationOf(typ catalog.OID) *catalog.Relation {
	if rel := b.cat.ByRowType(typ); rel != nil {
		return rel
	}
	if t := b.cat.Type(typ); t != nil && t.Relation != 0 {
		return b.cat.Relation(t.Relation)
	}
	return nil
}

// rowItem is an item with the columns of a relation, for the fields of its row type.
func (b *binding) rowItem(rel *catalog.Relation) *item {
	it := &item{name: rel.Name, table: b.lens.Table(rel.OID)}
	b.relationColumns(it, rel)
	return it
}

// ofType is a value of that type, with domains and arrays undone.
func (b *binding) ofType(typ catalog.OID) value {
	v := value{typ: typ}
	for range maxTypeDepth {
		t := b.cat.Type(v.typ)
		switch {
		case v.typ == 0 || b.relationOf(v.typ) != nil:
			return v
		case t == nil:
			return value{}
		case t.Elem != 0:
			v.typ, v.array = t.Elem, true
		case t.Base != 0:
			v.typ = t.Base
		case t.Subtype != 0:
			return v
		default:
			return value{}
		}
	}
	return value{}
}

// columnValue is what a column holds.
func (b *binding) columnValue(c *column) value {
	if !c.rows.holdsRows() {
		return b.ofType(c.typ)
	}
	v := c.rows
	if v.typ != 0 {
		known := b.ofType(v.typ)
		v.typ, v.array = known.typ, v.array || known.array
	}
	return v
}

// itemValue is the row of an item as one value. That of a table has the table's type, whatever its alias says.
func (b *binding) itemValue(it *item) value {
	if it.unknown {
		return value{}
	}
	v := value{item: it}
	if it.catalog == nil && b.relationOf(it.rowType) != nil {
		v.typ = it.rowType
	}
	return v
}

// fields are the fields of a row that is no array; nil when they are not known.
func (b *binding) fields(v value) *item {
	if v.array {
		return nil
	}
	if v.typ == 0 {
		return v.item
	}
	if rel := b.relationOf(v.typ); rel != nil {
		return b.rowItem(rel)
	}
	return nil
}

// valueOf is what an expression holds. It must have been bound. Only a reference to a row itself knows its fields by
// the names of an alias.
func (b *binding) valueOf(n *ast.Node) value {
	if n == nil || n.Node == nil {
		return value{}
	}
	if ref := n.GetColumnRef(); ref != nil {
		return b.referred(ref)
	}
	v := b.operandsOf(n)
	if v.typ != 0 {
		v.item = nil
	}
	return v
}

// referred is what a reference to a row or a column holds.
func (b *binding) referred(ref *ast.ColumnRef) value {
	if v, ok := b.rowRefs[ref]; ok {
		return v
	}
	if c := b.columns[ref]; c != nil {
		return b.columnValue(c)
	}
	return value{}
}

// operandsOf is valueOf for what is no reference.
func (b *binding) operandsOf(n *ast.Node) value {
	switch n := n.Node.(type) {
	case *ast.Node_ParamRef:
		if i := int(n.ParamRef.Number) - 1; i >= 0 && i < len(b.params) {
			return b.params[i]
		}
	case *ast.Node_TypeCast:
		return b.namedTypes[n.TypeCast.TypeName]
	case *ast.Node_AIndirection:
		return b.indirections[n.AIndirection]
	case *ast.Node_SubLink:
		return b.subvalues[n.SubLink]
	case *ast.Node_FuncCall:
		return b.resultOf(n.FuncCall)
	case *ast.Node_NamedArgExpr:
		return b.valueOf(n.NamedArgExpr.Arg)
	case *ast.Node_CollateClause:
		return b.valueOf(n.CollateClause.Arg)
	case *ast.Node_RowExpr:
		return b.rowOfRow(n.RowExpr)
	case *ast.Node_AArrayExpr:
		return arrayOf(b.firstRow(n.AArrayExpr.Elements))
	}
	return b.choiceOf(n)
}

// choiceOf is valueOf for expressions that hand on one of their operands.
func (b *binding) choiceOf(n *ast.Node) value {
	switch n := n.Node.(type) {
	case *ast.Node_CoalesceExpr:
		return b.firstRow(n.CoalesceExpr.Args)
	case *ast.Node_MinMaxExpr:
		return b.firstRow(n.MinMaxExpr.Args)
	case *ast.Node_CaseExpr:
		for _, w := range n.CaseExpr.Args {
			if v := b.valueOf(w.GetCaseWhen().GetResult()); v.holdsRows() {
				return v
			}
		}
		return b.valueOf(n.CaseExpr.Defresult)
	case *ast.Node_AExpr:
		switch {
		case n.AExpr.Kind == ast.A_Expr_Kind_AEXPR_NULLIF:
			return b.valueOf(n.AExpr.Lexpr)
		case ast.LastName(n.AExpr.Name) == "||":
			return b.concatenation(n.AExpr)
		}
	}
	return value{}
}

// concatenation is an array if one side is; a row and a text make a text.
func (b *binding) concatenation(x *ast.A_Expr) value {
	for x != nil {
		if v := b.valueOf(x.Rexpr); v.array {
			return v
		}
		left := x.Lexpr.GetAExpr()
		if left == nil || ast.LastName(left.Name) != "||" {
			if v := b.valueOf(x.Lexpr); v.array {
				return v
			}
			break
		}
		x = left
	}
	return value{}
}

// firstRow is the first operand that holds rows; all have its type.
func (b *binding) firstRow(lists ...[]*ast.Node) value {
	for _, n := range slices.Concat(lists...) {
		if by := n.GetSortBy(); by != nil {
			n = by.Node
		}
		if v := b.valueOf(n); v.holdsRows() {
			return v
		}
	}
	return value{}
}

// rowOfRow is ROW(…), an anonymous record whose fields are f1, f2 and so on.
func (b *binding) rowOfRow(r *ast.RowExpr) value {
	it := &item{plain: true, ordered: true}
	nested := false
	for _, n := range r.Args {
		values := []value{b.valueOf(n)}
		if isStar(n) {
			values = b.starValues(values[0])
		}
		for _, v := range values {
			name := fieldNumber(len(it.cols))
			it.newColumn(name, name).rows = v
			nested = nested || v.holdsRows()
		}
	}
	if !nested {
		return value{}
	}
	return value{item: it}
}

// starValues are the values that a star puts into a row.
func (b *binding) starValues(v value) []value {
	var out []value
	if it := b.projected(v); it != nil {
		for _, c := range it.cols {
			if c.name != "" {
				out = append(out, b.columnValue(c))
			}
		}
	}
	return out
}
