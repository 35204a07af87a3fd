//go:build pg18

package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// newerExpr binds an expression that grammar 16 does not have: the functions of SQL/JSON, and merge_action().
func (b *binding) newerExpr(s *scope, node *ast.Node) {
	switch n := node.Node.(type) {
	case *ast.Node_MergeSupportFunc:
		b.saw(n.MergeSupportFunc)
	case *ast.Node_JsonScalarExpr:
		b.saw(n.JsonScalarExpr)
		b.jsonOutput(n.JsonScalarExpr.Output)
		b.jsonValue(s, &ast.JsonValueExpr{RawExpr: n.JsonScalarExpr.Expr})
	case *ast.Node_JsonParseExpr:
		b.saw(n.JsonParseExpr)
		b.jsonOutput(n.JsonParseExpr.Output)
		b.jsonValue(s, n.JsonParseExpr.Expr)
	case *ast.Node_JsonSerializeExpr:
		b.saw(n.JsonSerializeExpr)
		b.jsonOutput(n.JsonSerializeExpr.Output)
		b.jsonValue(s, n.JsonSerializeExpr.Expr)
	case *ast.Node_JsonFuncExpr:
		f := n.JsonFuncExpr
		b.saw(f)
		b.jsonOutput(f.Output)
		b.jsonValue(s, f.ContextItem)
		b.expr(s, f.Pathspec)
		b.jsonPassing(s, f.Passing)
		b.jsonBehaviour(s, f.OnEmpty)
		b.jsonBehaviour(s, f.OnError)
	case *ast.Node_JsonArgument:
		b.saw(n.JsonArgument)
		b.jsonValue(s, n.JsonArgument.Val)
	case *ast.Node_JsonBehavior:
		b.jsonBehaviour(s, n.JsonBehavior)
	default:
		b.notUnderstood(node)
	}
}

// jsonPassing binds PASSING, which gives names to values for the path: no column is called by them.
func (b *binding) jsonPassing(s *scope, args []*ast.Node) {
	for _, n := range args {
		b.newerExpr(s, n)
	}
}

// jsonBehaviour binds ON EMPTY and ON ERROR.
func (b *binding) jsonBehaviour(s *scope, n *ast.JsonBehavior) {
	if n != nil {
		b.saw(n)
		b.expr(s, n.Expr)
	}
}

// newerFromItem is JSON_TABLE; nil where it is something else.
func (b *binding) newerFromItem(s *scope, node *ast.Node) *item {
	t := node.GetJsonTable()
	if t == nil {
		return nil
	}
	b.saw(t)
	b.saw(t.Alias)
	it := b.planned(&item{name: "json_table", relVisible: true, colsVisible: true, plain: true, ordered: true})
	if t.Alias != nil {
		it.name = t.Alias.Aliasname
	}
	saved := s.lateral
	s.lateral = true
	b.jsonValue(s, t.ContextItem)
	b.jsonPath(s, t.Pathspec)
	b.jsonPassing(s, t.Passing)
	b.jsonColumns(s, t.Columns, it)
	b.jsonBehaviour(s, t.OnError)
	s.lateral = saved
	b.renameColumns(it, t.Alias, int(t.Location))
	return it
}

// jsonColumns adds the columns of JSON_TABLE to its item: those of nested paths come behind all others of their level, as in
// transformJsonTableColumns.
func (b *binding) jsonColumns(s *scope, columns []*ast.Node, it *item) {
	for _, n := range columns {
		c := n.GetJsonTableColumn()
		if c == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(c)
		b.sawAll(c.Format)
		b.typeName(c.TypeName)
		b.jsonPath(s, c.Pathspec)
		b.jsonBehaviour(s, c.OnEmpty)
		b.jsonBehaviour(s, c.OnError)
		if c.Coltype != ast.JsonTableColumnType_JTC_NESTED {
			it.newColumn(c.Name, c.Name).known = true
		}
	}
	for _, n := range columns {
		if c := n.GetJsonTableColumn(); c != nil && c.Coltype == ast.JsonTableColumnType_JTC_NESTED {
			b.jsonColumns(s, c.Columns, it)
		}
	}
}

func (b *binding) jsonPath(s *scope, p *ast.JsonTablePathSpec) {
	if p != nil {
		b.saw(p)
		b.expr(s, p.String_)
	}
}

// newerLabel is the label of an expression that grammar 16 does not have; "" where it is none. It mirrors FigureColnameInternal.
func newerLabel(node *ast.Node) string {
	switch n := node.Node.(type) {
	case *ast.Node_MergeSupportFunc:
		return "merge_action"
	case *ast.Node_JsonParseExpr:
		return "json"
	case *ast.Node_JsonScalarExpr:
		return "json_scalar"
	case *ast.Node_JsonSerializeExpr:
		return "json_serialize"
	case *ast.Node_JsonFuncExpr:
		return jsonLabels[n.JsonFuncExpr.Op]
	}
	return ""
}

var jsonLabels = map[ast.JsonExprOp]string{
	ast.JsonExprOp_JSON_EXISTS_OP: "json_exists",
	ast.JsonExprOp_JSON_QUERY_OP:  "json_query",
	ast.JsonExprOp_JSON_VALUE_OP:  "json_value",
}
