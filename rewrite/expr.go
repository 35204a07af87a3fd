package rewrite

import "github.com/seguedb/segue/rewrite/ast"

// exprs binds each expression of a list.
func (b *binding) exprs(s *scope, list []*ast.Node) {
	for _, n := range list {
		b.expr(s, n)
	}
}

// rowItems binds the items of VALUES and ROW, where t.* stands for its columns in order.
func (b *binding) rowItems(s *scope, list []*ast.Node) {
	for _, n := range list {
		if b.rowByPosition(s, n) {
			continue
		}
		b.expr(s, n)
		if i := n.GetAIndirection(); i != nil && isStar(n) && b.difference(b.indirections[i]) == orderDiffers {
			b.unsupported(b.minLocation(n), refusedRow, "(…).*", "stands for columns that are in another order in the database")
		}
	}
}

// rowByPosition handles t.* where only the order of its columns counts. It is left alone if the version's order is the
// server's.
func (b *binding) rowByPosition(s *scope, n *ast.Node) bool {
	ref := n.GetColumnRef()
	if ref == nil || len(ref.Fields) != 2 || ref.Fields[1].GetAStar() == nil {
		return false
	}
	it, f := s.relation(ast.StrVal(ref.Fields[0]), inVersion)
	if f != found || !it.ordered || it.renamed != "" {
		return false
	}
	b.saw(ref)
	b.useRow(it)
	put(&b.rowRefs, ref, b.itemValue(it))
	return true
}

// expr binds one expression. Every kind of node that the raw parser makes in expressions has its case, here or in
// sqlExpr; any other is not understood.
func (b *binding) expr(s *scope, n *ast.Node) {
	if n == nil || n.Node == nil || b.catalogExpr(s, n) {
		return
	}
	node := n
	switch n := n.Node.(type) {
	case *ast.Node_ColumnRef:
		b.columnRef(s, node, nil)
	case *ast.Node_AConst:
		b.saw(n.AConst)
	case *ast.Node_ParamRef:
		b.saw(n.ParamRef)
	case *ast.Node_AExpr:
		b.saw(n.AExpr)
		b.shown.compare(n.AExpr)
		b.expr(s, n.AExpr.Lexpr)
		b.expr(s, n.AExpr.Rexpr)
		b.comparedNames(n.AExpr)
		if ast.IsBuiltin(ast.StrVals(n.AExpr.Name), "||") && b.exprType(node) == 0 {
			b.printedArguments(n.AExpr.Lexpr, n.AExpr.Rexpr)
		}
		b.rowOperator(n.AExpr)
	case *ast.Node_BoolExpr:
		b.saw(n.BoolExpr)
		b.exprs(s, n.BoolExpr.Args)
	case *ast.Node_List:
		b.exprs(s, n.List.Items)
	case *ast.Node_FuncCall:
		b.funcCall(s, n.FuncCall)
		b.rowOfCall(node)
		if t := b.xmlTables[n.FuncCall]; t != nil {
			b.xmlOfTable(node, t)
		}
	case *ast.Node_TypeCast:
		b.typeCast(s, n.TypeCast)
	case *ast.Node_SubLink:
		b.subLink(s, n.SubLink)
	case *ast.Node_CaseExpr:
		b.saw(n.CaseExpr)
		b.expr(s, n.CaseExpr.Arg)
		b.exprs(s, n.CaseExpr.Args)
		b.expr(s, n.CaseExpr.Defresult)
		b.commonNames(resultsOf(n.CaseExpr))
	case *ast.Node_CaseWhen:
		b.saw(n.CaseWhen)
		b.expr(s, n.CaseWhen.Expr)
		b.expr(s, n.CaseWhen.Result)
	case *ast.Node_NullTest:
		b.saw(n.NullTest)
		b.expr(s, n.NullTest.Arg)
	case *ast.Node_BooleanTest:
		b.saw(n.BooleanTest)
		b.expr(s, n.BooleanTest.Arg)
	case *ast.Node_CoalesceExpr:
		b.saw(n.CoalesceExpr)
		b.exprs(s, n.CoalesceExpr.Args)
		b.commonNames(n.CoalesceExpr.Args)
	case *ast.Node_MinMaxExpr:
		b.saw(n.MinMaxExpr)
		b.exprs(s, n.MinMaxExpr.Args)
		b.commonNames(n.MinMaxExpr.Args)
	case *ast.Node_RowExpr:
		b.saw(n.RowExpr)
		b.rowItems(s, n.RowExpr.Args)
	case *ast.Node_AArrayExpr:
		b.saw(n.AArrayExpr)
		b.exprs(s, n.AArrayExpr.Elements)
		b.commonNames(n.AArrayExpr.Elements)
	case *ast.Node_AIndirection:
		b.indirection(s, n.AIndirection)
	case *ast.Node_SortBy:
		b.saw(n.SortBy)
		b.expr(s, n.SortBy.Node)
	default:
		b.sqlExpr(s, &ast.Node{Node: n})
	}
}

// sqlExpr binds the expressions that SQL has a syntax of its own for.
func (b *binding) sqlExpr(s *scope, n *ast.Node) {
	switch n := n.Node.(type) {
	case *ast.Node_CollateClause:
		b.saw(n.CollateClause)
		b.expr(s, n.CollateClause.Arg)
	case *ast.Node_SqlvalueFunction:
		b.saw(n.SqlvalueFunction)
	case *ast.Node_SetToDefault:
		b.saw(n.SetToDefault)
	case *ast.Node_CurrentOfExpr:
		b.saw(n.CurrentOfExpr)
	case *ast.Node_NamedArgExpr:
		b.saw(n.NamedArgExpr)
		b.expr(s, n.NamedArgExpr.Arg)
	case *ast.Node_GroupingFunc:
		b.saw(n.GroupingFunc)
		b.exprs(s, n.GroupingFunc.Args)
	case *ast.Node_MultiAssignRef:
		b.saw(n.MultiAssignRef)
		b.expr(s, n.MultiAssignRef.Source)
	case *ast.Node_XmlExpr:
		b.xmlExpr(s, n.XmlExpr)
	case *ast.Node_XmlSerialize:
		b.saw(n.XmlSerialize)
		b.typeName(n.XmlSerialize.TypeName)
		b.expr(s, n.XmlSerialize.Expr)
	default:
		b.jsonExpr(s, &ast.Node{Node: n})
	}
}

// xmlExpr binds XMLELEMENT and the like; XMLFOREST and XMLATTRIBUTES take their names from columns.
func (b *binding) xmlExpr(s *scope, x *ast.XmlExpr) {
	b.saw(x)
	for _, n := range x.NamedArgs {
		if t := n.GetResTarget(); t != nil {
			b.saw(t)
			b.target(s, t)
		}
	}
	b.exprs(s, x.Args)
}

// jsonExpr binds the constructors of SQL/JSON.
func (b *binding) jsonExpr(s *scope, n *ast.Node) {
	switch n := n.Node.(type) {
	case *ast.Node_JsonIsPredicate:
		b.saw(n.JsonIsPredicate)
		b.sawAll(n.JsonIsPredicate.Format)
		b.expr(s, n.JsonIsPredicate.Expr)
	case *ast.Node_JsonObjectConstructor:
		b.saw(n.JsonObjectConstructor)
		b.jsonOutput(n.JsonObjectConstructor.Output)
		b.exprs(s, n.JsonObjectConstructor.Exprs)
	case *ast.Node_JsonArrayConstructor:
		b.saw(n.JsonArrayConstructor)
		b.jsonOutput(n.JsonArrayConstructor.Output)
		b.exprs(s, n.JsonArrayConstructor.Exprs)
	case *ast.Node_JsonArrayQueryConstructor:
		b.saw(n.JsonArrayQueryConstructor)
		b.jsonOutput(n.JsonArrayQueryConstructor.Output)
		b.sawAll(n.JsonArrayQueryConstructor.Format)
		out := b.query(s, n.JsonArrayQueryConstructor.Query)
		if b.shown != nil {
			b.shown.addAll("a constructor of JSON", b.movedIn(out.rows(0)))
		}
	case *ast.Node_JsonKeyValue:
		b.saw(n.JsonKeyValue)
		b.expr(s, n.JsonKeyValue.Key)
		b.jsonValue(s, n.JsonKeyValue.Value)
	case *ast.Node_JsonValueExpr:
		b.jsonValue(s, n.JsonValueExpr)
	case *ast.Node_JsonObjectAgg:
		b.saw(n.JsonObjectAgg)
		b.saw(n.JsonObjectAgg.Arg)
		b.expr(s, n.JsonObjectAgg.Arg.GetKey())
		b.jsonValue(s, n.JsonObjectAgg.Arg.GetValue())
		b.jsonAgg(s, n.JsonObjectAgg.Constructor)
	case *ast.Node_JsonArrayAgg:
		b.saw(n.JsonArrayAgg)
		b.jsonValue(s, n.JsonArrayAgg.Arg)
		b.jsonAgg(s, n.JsonArrayAgg.Constructor)
	default:
		b.newerExpr(s, &ast.Node{Node: n})
	}
}

func (b *binding) jsonOutput(o *ast.JsonOutput) {
	if o != nil {
		b.saw(o)
		b.sawAll(o.Returning)
		b.typeName(o.TypeName)
	}
}

func (b *binding) jsonValue(s *scope, v *ast.JsonValueExpr) {
	if v != nil {
		b.saw(v)
		b.sawAll(v.Format)
		b.expr(s, v.RawExpr)
		b.expr(s, v.FormattedExpr)
		if b.shown != nil {
			b.shown.addAll("a constructor of JSON", b.movedIn(b.valueOf(v.RawExpr)))
		}
		if b.difference(b.valueOf(v.RawExpr)) != sameShape {
			b.notReshaped(v.RawExpr)
		}
	}
}

func (b *binding) jsonAgg(s *scope, c *ast.JsonAggConstructor) {
	if c != nil {
		b.saw(c)
		b.jsonOutput(c.Output)
		b.expr(s, c.AggFilter)
		b.exprs(s, c.AggOrder)
		b.window(s, c.Over)
	}
}

// subLink binds a subquery in an expression, and remembers the label that its only column gives to the expression.
func (b *binding) subLink(s *scope, l *ast.SubLink) {
	b.saw(l)
	if b.inBody && l.SubLinkType != ast.SubLinkType_EXPR_SUBLINK {
		b.placeOnly(l.Subselect) // a single value may give its label to the column that it is in
	}
	out := b.query(s, l.Subselect)
	b.expr(s, l.Testexpr)
	if len(out.cols) > 0 {
		b.sublabels[l] = label{name: out.cols[0].label, strength: 2, unsure: out.cols[0].unsure || out.unknown}
		put(&b.subvalues, l, b.sublinkValue(l, out.cols[0]))
		switch typ := b.baseOf(out.cols[0].typ); {
		case l.SubLinkType == ast.SubLinkType_EXPR_SUBLINK:
			put(&b.sublinkTypes, l, typ)
		case l.SubLinkType == ast.SubLinkType_ARRAY_SUBLINK && isAlias(typ):
			put(&b.sublinkTypes, l, b.arrayOfType(typ))
		}
	}
}
