package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A rowBinding is what was found out about rows in the statement at hand.
type rowBinding struct {
	rowRefs      map[*ast.ColumnRef]value // references to whole rows, and to functions of them
	namedTypes   map[*ast.TypeName]value
	columnTypes  map[*ast.TypeName]catalog.OID // of table.column%TYPE
	indirections map[*ast.A_Indirection]value
	subvalues    map[*ast.SubLink]value
	projections  map[*ast.FuncCall]*column // calls that are fields of rows
	respelled    map[proto.Message]bool    // indirections, calls and types whose last name changes
	tolerated    map[*ast.ColumnRef]bool   // references for which the order of the row's fields does not matter
	fielded      map[*ast.FuncCall]bool    // calls of which a field is read, or the rows are counted
	opened       map[int]bool              // brackets that are known to be around the row of an indirection
	params       []value                   // of PREPARE, as far as it gives them types
}

// put writes to a map that is made when it is needed: most statements have no rows.
func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// seesRows tells whether the statement has rows with other fields at the server.
func (b *binding) seesRows() bool {
	differs := func(v value) bool { return b.difference(v) != sameShape }
	for _, v := range b.rowRefs {
		if differs(v) {
			return true
		}
	}
	for _, v := range b.namedTypes {
		if differs(v) {
			return true
		}
	}
	for _, c := range b.columns {
		if differs(b.columnValue(c)) {
			return true
		}
	}
	return false
}

// relabelled tells whether the name that gives a label changes.
func (b *binding) relabelled(l label) bool {
	return l.ref != nil && b.renamed[l.ref] || l.node != nil && b.respelled[l.node]
}

// rowTarget notes the rows in an output column, and predicts the origin of a row and of its fields: PostgreSQL takes
// (p).surname for p.surname.
func (b *binding) rowTarget(n *ast.Node, out *outputColumn) {
	if v := b.valueOf(n); v.holdsRows() {
		if v.typ != 0 {
			v.item = nil
		}
		out.rows = v
	}
	if v, ok := b.rowRefs[n.GetColumnRef()]; ok && v.item != nil && v.item.catalog == nil {
		out.known = true
		if v.item.rel != nil {
			out.relation = v.item.rel.OID
		}
	}
}

// sublinkValue is what a subquery in an expression holds, whose first column is given.
func (b *binding) sublinkValue(l *ast.SubLink, c outputColumn) value {
	v := c.rows
	if !v.holdsRows() {
		v = b.ofType(c.typ)
	}
	switch l.SubLinkType {
	case ast.SubLinkType_EXPR_SUBLINK:
		return v
	case ast.SubLinkType_ARRAY_SUBLINK:
		return arrayOf(v)
	}
	return value{}
}

// rows is what column i of an output holds; the zero value where there is no such column.
func (o output) rows(i int) value {
	if i >= len(o.cols) {
		return value{}
	}
	if c := o.cols[i]; !c.rows.holdsRows() {
		return value{typ: c.typ}
	}
	return o.cols[i].rows
}

// columnRows adds what the items of one row of VALUES hold to what the columns hold.
func (b *binding) columnRows(rows []value, items []*ast.Node) []value {
	for i, n := range items {
		if i == len(rows) {
			rows = append(rows, value{})
		}
		v := b.valueOf(n)
		if !isStar(n) {
			if !rows[i].holdsRows() {
				rows[i] = v
				rows[i].blank = v.typ == 0
			}
			continue
		}
		if slices.ContainsFunc(b.starValues(v), func(v value) bool { return b.difference(v) != sameShape }) {
			b.unsupported(b.minLocation(n), refusedRow, "* in VALUES", "stands for rows that are not followed")
		}
	}
	return rows
}

// rowOperators are the operators that look at the values of rows only: comparisons, || and those of arrays.
var rowOperators = map[string]bool{
	"=": true, "<>": true, "!=": true, "<": true, "<=": true, ">": true, ">=": true,
	"*=": true, "*<>": true, "*<": true, "*<=": true, "*>": true, "*>=": true,
	"||": true, "@>": true, "<@": true, "&&": true,
}

// rowOperator refuses an operator that may see the names of a row's fields.
func (b *binding) rowOperator(x *ast.A_Expr) {
	name := ast.LastName(x.Name)
	switch x.Kind {
	case ast.A_Expr_Kind_AEXPR_OP, ast.A_Expr_Kind_AEXPR_OP_ANY, ast.A_Expr_Kind_AEXPR_OP_ALL:
	default:
		return
	}
	if rowOperators[name] {
		return
	}
	for _, n := range []*ast.Node{x.Lexpr, x.Rexpr} {
		if b.shown != nil {
			b.shown.addAll("the operator "+name, b.movedIn(b.valueOf(n)))
		}
		if b.difference(b.valueOf(n)) != sameShape {
			b.unsupported(int(x.Location), refusedRow, "the operator "+name, "may see the names of a row's fields")
		}
	}
}

// unpackRows gives an item the fields of rows that unnest makes of an array.
func (b *binding) unpackRows(it *item, v value, arg *ast.Node) {
	rel := b.relationOf(v.typ)
	if rel == nil || len(it.cols) > 0 {
		b.unsupported(b.minLocation(arg), refusedRow, "unnest", "makes rows whose fields are not followed")
		it.unknown = true
		return
	}
	b.rowColumns(it, v.typ)
}

// rowsFromJSON refuses a definition of columns by which rows are made from JSON: the keys are the fields' names.
func (b *binding) rowsFromJSON(pair []*ast.Node, it *item) {
	if len(pair) == 0 || !strings.HasPrefix(ast.LastName(pair[0].GetFuncCall().GetFuncname()), "json") {
		return
	}
	for _, c := range it.cols {
		if b.shown != nil {
			b.shown.addAll(ast.LastName(pair[0].GetFuncCall().GetFuncname()), b.movedIn(b.columnValue(c)))
		}
		if b.difference(b.columnValue(c)) != sameShape {
			b.unsupported(int(pair[0].GetFuncCall().Location), refusedRowType, "the column "+syntax.QuoteIdent(c.name), "is a row that is made from JSON")
		}
	}
}

// rowsInPath refuses SEARCH and CYCLE by a column with rows: they make records of what they list.
func (b *binding) rowsInPath(c *cte, list []*ast.Node) {
	for _, n := range list {
		for i := range c.out.cols {
			if c.out.cols[i].label == ast.StrVal(n) && b.difference(c.out.rows(i)) != sameShape {
				b.unsupported(-1, refusedRow, "SEARCH or CYCLE by a row", "makes records that are not followed")
			}
		}
	}
}
