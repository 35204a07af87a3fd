package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Arrays of pg_type.dat that hold text, and the pseudo types that stand for any.
var textArrays = map[catalog.OID]bool{1002: true, 1003: true, 1009: true, 1014: true, 1015: true, 2277: true, 5078: true}

// namesLookup binds x::regclass[] and x::regtype[] where x may be an array of texts that only the server knows: a parameter, or what
// a query has read. Each is looked up as relationLookup has one looked up. false means that the expression is none of these.
func (b *binding) namesLookup(s *scope, n *ast.Node) bool {
	c := n.GetTypeCast()
	element := aliasElement(b.typeNamedBy(c.GetTypeName()))
	if c.Arg.GetAConst() != nil || c.Arg.GetAArrayExpr() != nil || len(c.TypeName.GetArrayBounds()) == 0 {
		return false
	}
	start, end, ok := b.operandRange(c)
	lookup := b.arrayLookup(element)
	if !ok || lookup == "" {
		return false
	}
	b.saw(c)
	b.typeName(c.TypeName)
	b.expr(s, c.Arg)
	if b.mayBeTexts(c.Arg) {
		b.wrapArrayLookup(c.Arg, lookup, element, start, end)
	}
	return true
}

// arrayLookup is namesSQL for the elements of an array of an OID alias type; "" where they are read as they are.
func (b *binding) arrayLookup(element catalog.OID) string {
	if element != regclass && element != regtype {
		return ""
	}
	return b.namesSQL(aliasNames[element], absentIsMarked)
}

// mayBeTexts tells whether an expression may be an array of texts that is no constant.
func (b *binding) mayBeTexts(n *ast.Node) bool {
	switch n := n.GetNode().(type) {
	case *ast.Node_ColumnRef:
		c := b.columns[n.ColumnRef]
		return c == nil || c.typ == 0 || b.isTexts(c.typ)
	case *ast.Node_TypeCast:
		return len(n.TypeCast.TypeName.GetArrayBounds()) > 0 && isTextType(&ast.TypeName{Names: n.TypeCast.TypeName.Names})
	case *ast.Node_FuncCall:
		candidates := b.candidates(n.FuncCall)
		return len(candidates) == 0 || slices.ContainsFunc(candidates, func(f *catalog.Function) bool { return b.isTexts(f.Return) })
	case *ast.Node_ParamRef, *ast.Node_AExpr, *ast.Node_SubLink, *ast.Node_CaseExpr, *ast.Node_CoalesceExpr:
		return true
	}
	return false
}

// isTexts tells whether a type, or what a domain is of, is an array of texts.
func (b *binding) isTexts(typ catalog.OID) bool {
	typ = b.baseOf(typ)
	if t := b.cat.Type(typ); t != nil && t.Elem != 0 && b.isText(t.Elem) {
		return true
	}
	return textArrays[typ]
}

// wrapArrayLookup has an expression, from start to end of the text, looked up element by element in the version's names. An array of
// more than one dimension is read as it is.
func (b *binding) wrapArrayLookup(n *ast.Node, lookup string, element catalog.OID, start, end int) {
	b.affected, b.catalogs.used = true, true
	l := b.labelOf(n)
	one := lookedUp("e.n", "pg_catalog."+aliasNames[element]+"in(pg_catalog.textout("+lookup+"))")
	before := "(SELECT CASE WHEN pg_catalog.array_ndims(a.n) OPERATOR(pg_catalog.>) 1 THEN a.n::pg_catalog." + aliasNames[element] + "[] WHEN a.n IS NOT NULL THEN ARRAY(SELECT " + one +
		" FROM pg_catalog.unnest(a.n) WITH ORDINALITY AS e(n, o) ORDER BY e.o) END AS " + syntax.QuoteIdent(l.name) + " FROM (SELECT ("
	after := ")::pg_catalog.text[] OFFSET 0) AS a(n))"
	if l.strength < 2 {
		before, after = "(CASE WHEN true THEN "+before, after+" END)" // CASE gives way to the label of a cast
	}
	b.changes = slices.Insert(b.changes, 0, change{edit: splice.Edit{Start: start, End: start, New: before}})
	b.replace(end, end, after, func() { fillTemplate(n, []string{before, after}, []*ast.Node{{Node: n.Node}}) })
}
