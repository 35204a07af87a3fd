package rewrite

import (
	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// A label is the name of an output column, and where it comes from.
type label struct {
	name     string
	strength int            // as FigureColnameInternal returns it: 0 none, 1 weak, 2 good
	ref      *ast.ColumnRef // the reference that gave the name, if one did
	node     proto.Message  // the field, function or type that gave it, if one did
	unsure   bool           // servers of other major versions say something else
}

// unnamed is what PostgreSQL calls a column that nothing names.
const unnamed = "?column?"

// labelOf mirrors FigureColname (parse_target.c). Subqueries in the expression must have been bound.
func (b *binding) labelOf(n *ast.Node) label {
	l := b.figureLabel(n)
	if l.strength == 0 {
		l.name = unnamed
	}
	return l
}

// figureLabel mirrors FigureColnameInternal.
func (b *binding) figureLabel(n *ast.Node) label {
	if n == nil {
		return label{}
	}
	switch n := n.Node.(type) {
	case *ast.Node_ColumnRef:
		if name := ast.LastName(n.ColumnRef.Fields); name != "" {
			return label{name: name, strength: 2, ref: n.ColumnRef}
		}
	case *ast.Node_AIndirection:
		if name := ast.LastName(n.AIndirection.Indirection); name != "" {
			return label{name: name, strength: 2, node: n.AIndirection}
		}
		return b.figureLabel(n.AIndirection.Arg)
	case *ast.Node_FuncCall:
		// The special syntax of SQL is another function, or another label, before PostgreSQL 14.
		special := n.FuncCall.Funcformat == ast.CoercionForm_COERCE_SQL_SYNTAX
		return label{name: ast.LastName(n.FuncCall.Funcname), strength: 2, node: n.FuncCall, unsure: special && b.cat.ServerVersion < 140000}
	case *ast.Node_AExpr:
		if n.AExpr.Kind == ast.A_Expr_Kind_AEXPR_NULLIF {
			return label{name: "nullif", strength: 2}
		}
	case *ast.Node_TypeCast:
		l := b.figureLabel(n.TypeCast.Arg)
		if l.strength <= 1 && n.TypeCast.TypeName != nil {
			return label{name: ast.LastName(n.TypeCast.TypeName.Names), strength: 1, node: n.TypeCast.TypeName, unsure: l.unsure}
		}
		return l
	case *ast.Node_CollateClause:
		return b.figureLabel(n.CollateClause.Arg)
	case *ast.Node_SubLink:
		return b.sublinkLabel(n.SubLink)
	case *ast.Node_CaseExpr:
		l := b.figureLabel(n.CaseExpr.Defresult)
		if l.strength <= 1 {
			return label{name: "case", strength: 1, unsure: l.unsure}
		}
		return l
	case *ast.Node_AConst:
		_, boolean := n.AConst.Val.(*ast.A_Const_Boolval)
		return label{unsure: boolean && b.cat.ServerVersion < 150000} // true was 't'::bool before
	}
	return fixedLabel(n)
}

func (b *binding) sublinkLabel(s *ast.SubLink) label {
	switch s.SubLinkType {
	case ast.SubLinkType_EXISTS_SUBLINK:
		return label{name: "exists", strength: 2}
	case ast.SubLinkType_ARRAY_SUBLINK:
		return label{name: "array", strength: 2}
	case ast.SubLinkType_EXPR_SUBLINK:
		if l, ok := b.sublabels[s]; ok {
			return l
		}
		return label{unsure: true}
	}
	return label{}
}

// fixedLabel gives the labels of constructs that have one of their own.
func fixedLabel(n *ast.Node) label {
	name := ""
	switch n := n.Node.(type) {
	case *ast.Node_GroupingFunc:
		name = "grouping"
	case *ast.Node_AArrayExpr:
		name = "array"
	case *ast.Node_RowExpr:
		name = "row"
	case *ast.Node_CoalesceExpr:
		name = "coalesce"
	case *ast.Node_MinMaxExpr:
		name = "greatest"
		if n.MinMaxExpr.Op == ast.MinMaxOp_IS_LEAST {
			name = "least"
		}
	case *ast.Node_SqlvalueFunction:
		name = sqlValueLabels[n.SqlvalueFunction.Op]
	case *ast.Node_XmlExpr:
		name = xmlLabels[n.XmlExpr.Op]
	case *ast.Node_XmlSerialize:
		name = "xmlserialize"
	case *ast.Node_JsonObjectConstructor:
		name = "json_object"
	case *ast.Node_JsonArrayConstructor, *ast.Node_JsonArrayQueryConstructor:
		name = "json_array"
	case *ast.Node_JsonObjectAgg:
		name = "json_objectagg"
	case *ast.Node_JsonArrayAgg:
		name = "json_arrayagg"
	default:
		name = newerLabel(&ast.Node{Node: n})
	}
	if name == "" {
		return label{}
	}
	return label{name: name, strength: 2}
}

var sqlValueLabels = map[ast.SQLValueFunctionOp]string{
	ast.SQLValueFunctionOp_SVFOP_CURRENT_DATE:        "current_date",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIME:        "current_time",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:      "current_time",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP:   "current_timestamp",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIME:           "localtime",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIME_N:         "localtime",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:      "localtimestamp",
	ast.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:    "localtimestamp",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:        "current_role",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_USER:        "current_user",
	ast.SQLValueFunctionOp_SVFOP_USER:                "user",
	ast.SQLValueFunctionOp_SVFOP_SESSION_USER:        "session_user",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:     "current_catalog",
	ast.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:      "current_schema",
}

var xmlLabels = map[ast.XmlExprOp]string{
	ast.XmlExprOp_IS_XMLCONCAT:    "xmlconcat",
	ast.XmlExprOp_IS_XMLELEMENT:   "xmlelement",
	ast.XmlExprOp_IS_XMLFOREST:    "xmlforest",
	ast.XmlExprOp_IS_XMLPARSE:     "xmlparse",
	ast.XmlExprOp_IS_XMLPI:        "xmlpi",
	ast.XmlExprOp_IS_XMLROOT:      "xmlroot",
	ast.XmlExprOp_IS_XMLSERIALIZE: "xmlserialize",
}
