package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// printedAs is the SQL of what a value of an OID alias type, or an array of them, prints for the version; "" if no such
// name differs.
func (in *introspection) printedAs(typ catalog.OID, object string) string {
	if element := aliasElement(typ); element != 0 {
		each := in.printedAs(element, "u.n")
		if each == "" {
			return ""
		}
		// The bounds are printed where they are not from 1 on.
		return "CASE WHEN pg_catalog.array_ndims(" + object + ")" + eq + "1 THEN (pg_catalog.array_dims(" + object + ")" + concat + "'='" + concat +
			"ARRAY(SELECT " + each + " FROM pg_catalog.unnest(" + object + ") WITH ORDINALITY AS u(n, i) ORDER BY u.i)::pg_catalog.text)" +
			"::pg_catalog.text[] ELSE " + object + "::pg_catalog.text[] END"
	}
	if typ == regprocedure {
		return in.procedureSQL(object)
	}
	return in.nameSQL(aliasNames[typ], object)
}

// procedureSQL is the SQL of a function with the types of its arguments (format_procedure).
func (in *introspection) procedureSQL(object string) string {
	text := object + "::pg_catalog.text"
	sql := ""
	printed := func(types []catalog.OID, print func(catalog.OID) string) string {
		each := make([]string, len(types))
		for i, typ := range types {
			each[i] = print(typ)
		}
		return "('('" + concat + strings.Join(each, concat+"','"+concat) + concat + "')')"
	}
	in.cat.EachFunction(func(f *catalog.Function) bool {
		if !slices.ContainsFunc(f.ArgTypes, func(typ catalog.OID) bool { return in.names.printedTypes.entries[number(int64(typ))] != nil }) {
			return true
		}
		old := printed(f.ArgTypes, func(typ catalog.OID) string { return "pg_catalog.format_type(" + oidLiteral(typ) + ", NULL)" })
		sql += " WHEN " + object + eq + oidLiteral(f.OID) + " AND pg_catalog.right(" + text + ", pg_catalog.length(" + old + "))" + eq + old + " THEN pg_catalog.left(" + text +
			", OPERATOR(pg_catalog.-) pg_catalog.length(" + old + "))" + concat + printed(f.ArgTypes, in.printedType)
		return true
	})
	if sql == "" {
		return ""
	}
	return "CASE" + sql + " ELSE " + text + " END"
}

// printsAlias is the OID alias type of an expression, which has been bound, if some of what it prints differs; 0 otherwise.
func (b *binding) printsAlias(n *ast.Node) catalog.OID {
	if n == nil || b.views == nil || b.catalogs.stored || !b.renaming() {
		return 0
	}
	typ := b.exprType(n)
	if nameType(n) != "" && !b.printsName(n) {
		return 0
	}
	if !isAlias(typ) || b.views.printedAs(typ, "r.o") == "" || b.isOtherTable(nameSource(n).GetColumnRef()) {
		return 0
	}
	b.catalogs.used = true
	return typ
}

// printed has an expression, which has been bound, give what it prints for the version, as text.
func (b *binding) printed(n *ast.Node) {
	if typ := b.printsAlias(n); typ != 0 {
		b.wrapAlias(n, typ)
	}
}

// wrapAlias has an expression of an OID alias type give the version's name as text. The label that the expression gives
// stays what it was.
func (b *binding) wrapAlias(n *ast.Node, typ catalog.OID) {
	b.affected = true
	start, end, ok := b.placeOf(n)
	if !ok {
		b.unsupported(b.minLocation(n), refusedCatalog, "a value of type "+typeTitle(typ), "prints a name in a way that is not understood")
		return
	}
	if b.keepsLevel(n) {
		b.wrapInPlace(n, typ, start, end)
		return
	}
	l, row := b.labelOf(n), "r"
	if b.vars.has(row) {
		row = "segue_r"
	}
	before, after := "(SELECT "+b.views.printedAs(typ, row+".o")+" AS "+syntax.QuoteIdent(l.name)+" FROM (SELECT ", ") AS "+row+"(o))"
	if b.changesWithin(start, end) { // otherwise the planner would copy a look-up into each place that reads it
		after = " OFFSET 0" + after
	}
	if l.strength < 2 && aliasElement(typ) == 0 {
		before, after = "("+before, after+concat+"'')" // an operator gives no label
	}
	b.changes = slices.Insert(b.changes, 0, change{edit: splice.Edit{Start: start, End: start, New: before}}) // around what is inside
	b.replace(end, end, after, func() { fillTemplate(n, []string{before, after}, []*ast.Node{{Node: n.Node}}) })
}

// wrapInPlace is wrapAlias without a subquery, for an expression that means something else within one.
func (b *binding) wrapInPlace(n *ast.Node, typ catalog.OID, start, end int) {
	if b.changesWithin(start, end) {
		b.unsupported(b.minLocation(n), refusedCatalog, "a value of type "+typeTitle(typ), "prints a name in a way that is not understood")
		return
	}
	if l := b.labelOf(n); l.ref != nil {
		b.renamed[l.ref] = true
	} else if l.node != nil {
		put(&b.respelled, proto.Message(l.node), true)
	}
	text := "(" + b.views.printedAs(typ, "("+b.sql[start:end]+")") + ")"
	b.replace(start, end, text, func() { fillTemplate(n, []string{text}, nil) })
}

func typeTitle(typ catalog.OID) string {
	if element := aliasElement(typ); element != 0 {
		return aliasNames[element] + "[]"
	}
	return aliasNames[typ]
}

// keepsLevel tells whether an expression must stay at its level of the query: a window function, an aggregate that reads no
// column, and a function that returns several rows.
func (b *binding) keepsLevel(n *ast.Node) bool {
	keeps := false
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		f, ok := m.Interface().(*ast.FuncCall)
		if !ok || keeps {
			return
		}
		keeps = f.Over != nil
		for _, c := range b.functions(ast.StrVals(f.Funcname)) {
			keeps = keeps || c.ReturnsSet || c.Kind == 'a' && !b.readsColumns(&ast.Node{Node: &ast.Node_FuncCall{FuncCall: f}})
		}
	})
	return keeps
}

// placeOf is where an expression stands; ok is false for those of which the grammar does not say so.
func (b *binding) placeOf(n *ast.Node) (start, end int, ok bool) {
	switch n := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		first := b.tokens.At(int(n.ColumnRef.Location))
		return b.tokens.Start(first), b.tokens.IdentEnd(b.part(first, len(n.ColumnRef.Fields)-1)), true
	case *ast.Node_ParamRef:
		i := b.tokens.At(int(n.ParamRef.Location))
		return b.tokens.Start(i), b.tokens.End(i), true
	case *ast.Node_TypeCast:
		return b.castRange(n.TypeCast)
	case *ast.Node_FuncCall:
		if n.FuncCall.Over != nil || n.FuncCall.AggFilter != nil || n.FuncCall.AggWithinGroup {
			return b.clausesRange(n.FuncCall)
		}
		open := b.afterIdent(b.functionName(n.FuncCall))
		return b.tokens.Start(b.tokens.At(int(n.FuncCall.Location))), b.tokens.End(b.closing(open)), b.tokens.Is(open, '(')
	case *ast.Node_CoalesceExpr:
		return b.bracketed(int(n.CoalesceExpr.Location))
	case *ast.Node_MinMaxExpr:
		return b.bracketed(int(n.MinMaxExpr.Location))
	case *ast.Node_AArrayExpr:
		return b.bracketed(int(n.AArrayExpr.Location))
	case *ast.Node_CaseExpr:
		i := b.tokens.At(int(n.CaseExpr.Location))
		return b.tokens.Start(i), b.tokens.End(b.caseEnd(i)), b.tokens.Kind(i) == ast.Token_CASE
	case *ast.Node_SubLink:
		i := b.tokens.At(int(n.SubLink.Location))
		if b.tokens.Is(i, '(') {
			return b.tokens.Start(i), b.tokens.End(b.closing(i)), n.SubLink.SubLinkType == ast.SubLinkType_EXPR_SUBLINK
		}
		return b.bracketed(int(n.SubLink.Location))
	case *ast.Node_AIndirection:
		first := b.tokens.At(b.minLocation(n.AIndirection.Arg))
		last := b.indirectionToken(n.AIndirection)
		if ref := n.AIndirection.Arg.GetColumnRef(); ref == nil || last < first || b.tokens.Is(last, ')') {
			return 0, 0, false
		}
		for range n.AIndirection.Indirection {
			if !b.tokens.Is(last+1, '[') {
				return 0, 0, false
			}
			last = b.closing(last + 1)
		}
		return b.tokens.Start(first), b.tokens.End(last), true
	}
	return 0, 0, false
}

// bracketed is where a word with what stands in brackets behind it stands.
func (b *binding) bracketed(location int) (start, end int, ok bool) {
	i := b.tokens.At(location)
	return b.tokens.Start(i), b.tokens.End(b.closing(i + 1)), b.tokens.Is(i+1, '(') || b.tokens.Is(i+1, '[')
}

// clausesRange is where a call with WITHIN GROUP, FILTER and OVER stands.
func (b *binding) clausesRange(f *ast.FuncCall) (start, end int, ok bool) {
	first := b.tokens.At(int(f.Location))
	open := b.afterIdent(b.functionName(f))
	if !b.tokens.Is(open, '(') {
		return 0, 0, false
	}
	last := b.closing(open)
	for {
		switch kind := b.tokens.Kind(last + 1); {
		case kind == ast.Token_WITHIN && b.tokens.Is(last+3, '('):
			last = b.closing(last + 3)
		case (kind == ast.Token_FILTER || kind == ast.Token_OVER) && b.tokens.Is(last+2, '('):
			last = b.closing(last + 2)
		case kind == ast.Token_OVER:
			last = b.afterIdent(last+2) - 1
		default:
			return b.tokens.Start(first), b.tokens.End(last), true
		}
	}
}
