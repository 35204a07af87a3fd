package rewrite

import (
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A condition on a name that a substitute shows finds no index, since what it shows is an expression. So what the condition
// says of the column itself is put into the substitute, too: the row has the name, or is of a table that looks different.
// A row that fails this would fail the condition. That holds for conditions which the whole WHERE depends on, or the whole ON of an
// inner join, and which are not true of NULL: so it is the same whether the catalog is joined from within or from without.

// narrow finds what a condition of a level says of the columns of its substitutes.
func (b *binding) narrow(s *scope, where *ast.Node) {
	if b.views == nil || b.catalogs.stored || where == nil || len(b.catalogs.items) == 0 {
		return
	}
	if and := where.GetBoolExpr(); and != nil {
		if and.Boolop == ast.BoolExprType_AND_EXPR {
			for _, n := range and.Args {
				b.narrow(s, n)
			}
		}
		return
	}
	x := where.GetAExpr()
	if x == nil {
		return
	}
	switch x.Kind {
	case ast.A_Expr_Kind_AEXPR_OP, ast.A_Expr_Kind_AEXPR_OP_ANY, ast.A_Expr_Kind_AEXPR_IN, ast.A_Expr_Kind_AEXPR_LIKE, ast.A_Expr_Kind_AEXPR_ILIKE:
	default:
		return
	}
	op := ast.LastName(x.Name)
	left, right := x.Lexpr, x.Rexpr
	if x.Kind == ast.A_Expr_Kind_AEXPR_OP && op == "=" && left.GetColumnRef() == nil {
		left, right = right, left
	}
	if !narrowing[op] || !ast.IsBuiltin(ast.StrVals(x.Name), op) {
		return
	}
	it, column := b.shownName(s, left.GetColumnRef())
	if it == nil {
		return
	}
	if sql := b.narrowed(it, column, x.Kind, op, right); sql != "" {
		it.catalog.narrow = append(it.catalog.narrow, sql)
	}
}

// narrowing are the operators on names that an index serves, which are all strict.
var narrowing = map[string]bool{"=": true, "~": true, "~~": true}

// shownName is the catalog item of this level of which a reference is a column that shows the name of a table or type.
func (b *binding) shownName(s *scope, ref *ast.ColumnRef) (*item, *catalog.Column) {
	c := b.columns[ref]
	if c == nil || c.root == nil || c.root.item == nil || c.root.item.catalog == nil {
		return nil, nil
	}
	it := c.root.item
	for i, own := range it.cols {
		if own != c.root || i >= len(it.rel.Columns) {
			continue
		}
		column := &it.rel.Columns[i]
		for _, m := range shownBy(it.rel).mentions {
			if column.Name == m.table || column.Name == m.typ {
				for _, e := range s.entries {
					if e == it {
						return it, column
					}
				}
			}
		}
	}
	return nil, nil
}

// narrowed is the condition on the column t of a substitute that follows from one on what it shows; "" where none is known.
func (b *binding) narrowed(it *item, c *catalog.Column, kind ast.A_Expr_Kind, op string, operand *ast.Node) string {
	names := b.views.names.physical
	for _, m := range shownBy(it.rel).mentions {
		if c.Name == m.typ {
			names = b.views.names.physicalTypes
		}
	}
	if names == nil {
		return ""
	}
	column := "t." + syntax.QuoteIdent(c.Name)
	if list, ok := constantNames(kind, op, operand); ok {
		var all []string
		for _, name := range list {
			all = append(append(all, name), b.views.physicalOf(names, name)...)
		}
		return column + eq + "ANY (" + textArray(all) + nameArr + ")"
	}
	if p := operand.GetParamRef(); p != nil && op == "=" && kind == ast.A_Expr_Kind_AEXPR_OP && b.standsOnce(p) {
		name := "$" + number(int64(p.Number))
		return column + eq + "ANY (ARRAY(SELECT " + name + "::pg_catalog.name UNION ALL SELECT p.name::pg_catalog.name FROM pg_catalog.jsonb_array_elements_text(" +
			b.views.sql(names) + field + name + asText + ") AS p(name)))"
	}
	text, ok := constantOperand(operand)
	if !ok || kind != ast.A_Expr_Kind_AEXPR_OP && kind != ast.A_Expr_Kind_AEXPR_LIKE {
		return ""
	}
	return column + " OPERATOR(pg_catalog." + op + ") " + text + " OR " + column + eq + "ANY (ARRAY(SELECT p.name::pg_catalog.name FROM pg_catalog.jsonb_each(" +
		b.views.sql(names) + ") AS e(to_name, list), pg_catalog.jsonb_array_elements_text(e.list) AS p(name)" +
		" WHERE e.to_name::pg_catalog.name OPERATOR(pg_catalog." + op + ") " + text + "))"
}

// physicalOf are the names in the database of what has a name in the version.
func (in *introspection) physicalOf(names *rules.NameMap, name string) (out []string) {
	for _, g := range in.groups {
		switch {
		case !g.Renamed:
		case names == in.names.physical && g.Logical == name:
			out = append(out, g.Names[0])
		case names == in.names.physicalTypes && g.Logical == name:
			out = append(out, g.Names[0])
		case names == in.names.physicalTypes && arrayName(g.Logical) == name:
			out = append(out, arrayName(g.Names[0]))
		}
	}
	return out
}

// constantNames are the names that a column is compared with, where they are constants.
func constantNames(kind ast.A_Expr_Kind, op string, operand *ast.Node) ([]string, bool) {
	if op != "=" {
		return nil, false
	}
	list := []*ast.Node{operand}
	switch kind {
	case ast.A_Expr_Kind_AEXPR_OP:
	case ast.A_Expr_Kind_AEXPR_IN:
		list = operand.GetList().GetItems()
	default:
		return nil, false
	}
	var names []string
	for _, n := range list {
		if c := n.GetTypeCast(); c != nil && isTextType(c.TypeName) {
			n = c.Arg
		}
		if n.GetAConst().GetSval() == nil {
			return nil, false
		}
		names = append(names, n.GetAConst().GetSval().Sval)
	}
	return names, len(names) > 0
}

// constantOperand writes a constant text, perhaps with a collation, as it is in the statement.
func constantOperand(n *ast.Node) (string, bool) {
	if c := n.GetCollateClause(); c != nil {
		text, ok := constantOperand(c.Arg)
		return text + " COLLATE " + syntax.QuoteQualified(ast.StrVals(c.Collname)), ok
	}
	if k := n.GetAConst(); k.GetSval() != nil {
		return syntax.QuoteLiteral(k.GetSval().Sval), true
	}
	return "", false
}

// standsOnce tells whether a parameter stands at one place only, so that nothing else can decide its type.
func (b *binding) standsOnce(p *ast.ParamRef) bool {
	n := 0
	for i := range b.tokens.List {
		if b.tokens.Kind(i) == ast.Token_PARAM && strings.TrimPrefix(b.tokens.Text(i), "$") == number(int64(p.Number)) {
			n++
		}
	}
	return n == 1
}
