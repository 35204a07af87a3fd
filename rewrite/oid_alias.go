package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// The OID alias types: their values are the OIDs of objects, which are written and printed by the names of these. A
// constant that is one by its context names a table as much as one in FROM does, and what is printed of one is such a
// name. So the types of expressions are followed as far as that takes.

// Types of pg_type.dat.
const (
	textType          catalog.OID = 25
	oidType           catalog.OID = 26
	unknownType       catalog.OID = 705 // of a constant, or a parameter, of which the context decides
	regprocedure      catalog.OID = 2202
	regclass          catalog.OID = 2205
	regtype           catalog.OID = 2206
	regprocedureArray catalog.OID = 2207
	regclassArray     catalog.OID = 2210
	regtypeArray      catalog.OID = 2211
)

// aliasTypes are the OID alias types that can name a table, or the type of its rows.
var aliasTypes = map[string]catalog.OID{"regclass": regclass, "regtype": regtype, "regprocedure": regprocedure}

// aliasNames are their names.
var aliasNames = map[catalog.OID]string{regclass: "regclass", regtype: "regtype", regprocedure: "regprocedure"}

// aliasArrays are the arrays of them.
var aliasArrays = map[catalog.OID]catalog.OID{regclass: regclassArray, regtype: regtypeArray, regprocedure: regprocedureArray}

// aliasElement is the OID alias type of which a type is the array; 0 for any other.
func aliasElement(array catalog.OID) catalog.OID {
	for element, of := range aliasArrays {
		if of == array {
			return element
		}
	}
	return 0
}

// isAlias tells whether a type is an OID alias type that can name a table, or an array of one.
func isAlias(typ catalog.OID) bool { return aliasNames[typ] != "" || aliasElement(typ) != 0 }

// baseOf undoes domains.
func (b *binding) baseOf(typ catalog.OID) catalog.OID {
	for range maxTypeDepth {
		t := b.cat.Type(typ)
		if t == nil || t.Base == 0 {
			return typ
		}
		typ = t.Base
	}
	return typ
}

// renaming tells whether the version calls a table otherwise than the database.
func (b *binding) renaming() bool {
	if !b.renamingKnown {
		b.renamingKnown = true
		b.renamesTables = slices.ContainsFunc(b.lens.Tables, func(t *rules.TableLens) bool { return t.Logical != t.Physical })
	}
	return b.renamesTables
}

// exprType is the type of an expression that has been bound; 0 where it is not known. It is certain as far as OID alias types
// are concerned, and unknownType stands for what becomes of the type that its context wants.
func (b *binding) exprType(n *ast.Node) catalog.OID {
	switch n := n.GetNode().(type) {
	case *ast.Node_AConst:
		return typeOfConstant(n.AConst)
	case *ast.Node_ParamRef:
		return unknownType
	case *ast.Node_ColumnRef:
		if c := b.columns[n.ColumnRef]; c != nil {
			return b.baseOf(c.typ)
		}
	case *ast.Node_TypeCast:
		return b.baseOf(b.typeNamedBy(n.TypeCast.TypeName))
	case *ast.Node_FuncCall:
		return b.baseOf(b.typeOfCall(n.FuncCall))
	case *ast.Node_NamedArgExpr:
		return b.exprType(n.NamedArgExpr.Arg)
	case *ast.Node_CoalesceExpr:
		return b.commonType(n.CoalesceExpr.Args)
	case *ast.Node_MinMaxExpr:
		return b.commonType(n.MinMaxExpr.Args)
	case *ast.Node_CaseExpr:
		return b.commonType(resultsOf(n.CaseExpr))
	case *ast.Node_AArrayExpr:
		return b.arrayOfType(b.commonType(n.AArrayExpr.Elements))
	case *ast.Node_AIndirection:
		return b.typeWithin(n.AIndirection)
	case *ast.Node_SubLink:
		return b.sublinkTypes[n.SubLink]
	case *ast.Node_AExpr:
		return b.typeOfOperation(n.AExpr)
	}
	return 0
}

func typeOfConstant(k *ast.A_Const) catalog.OID {
	switch {
	case k.GetIval() != nil:
		return 23
	case k.GetFval() != nil:
		return 1700
	case k.GetBoolval() != nil:
		return 16
	}
	return unknownType
}

// resultsOf are the expressions of which a CASE chooses, in the order in which transformCaseExpr looks at their types.
func resultsOf(c *ast.CaseExpr) []*ast.Node {
	var out []*ast.Node
	if c.Defresult != nil {
		out = append(out, c.Defresult)
	}
	for _, w := range c.Args {
		out = append(out, w.GetCaseWhen().GetResult())
	}
	return out
}

// commonType mirrors select_common_type (parse_coerce.c) for OID alias types: the first type that is known decides, but
// for an integer, which becomes an OID alias.
func (b *binding) commonType(list []*ast.Node) catalog.OID {
	types := make([]catalog.OID, len(list))
	for i, n := range list {
		types[i] = b.exprType(n)
	}
	return commonOf(types)
}

func commonOf(types []catalog.OID) catalog.OID {
	out := unknownType
	for _, typ := range types {
		switch {
		case typ == unknownType:
		case typ == 0:
			if !isAlias(out) {
				out = 0
			}
		case out == unknownType, isInteger(out) && aliasNames[typ] != "":
			out = typ
		case out == 0 && isAlias(typ):
			return typ // of something that is not known here, which has to go with it
		}
	}
	return out
}

func isInteger(typ catalog.OID) bool { return typ == 20 || typ == 21 || typ == 23 }

// arrayOfType is the array of an OID alias type, or of what is not known yet; 0 for any other.
func (b *binding) arrayOfType(element catalog.OID) catalog.OID {
	if isAlias(element) && aliasNames[element] == "" {
		return element // of more dimensions
	}
	return aliasArrays[element]
}

// typeWithin is the type of an element of an array, or of a field of a row.
func (b *binding) typeWithin(x *ast.A_Indirection) catalog.OID {
	typ := b.exprType(x.Arg)
	for _, n := range x.Indirection {
		switch {
		case n.GetAIndices() != nil && n.GetAIndices().IsSlice:
		case n.GetAIndices() != nil:
			if e := aliasElement(typ); e != 0 {
				typ = e
			} else if t := b.cat.Type(typ); t != nil {
				typ = b.baseOf(t.Elem)
			}
		default:
			rel := b.relationOf(typ)
			if rel == nil || n.GetString_() == nil {
				return 0
			}
			c := rel.Column(ast.StrVal(n))
			if c == nil {
				return 0
			}
			typ = b.baseOf(c.Type)
		}
	}
	return typ
}

// typeOfOperation is that of NULLIF, and of || with an array.
func (b *binding) typeOfOperation(x *ast.A_Expr) catalog.OID {
	left, right := b.exprType(x.Lexpr), b.exprType(x.Rexpr)
	switch {
	case x.Kind == ast.A_Expr_Kind_AEXPR_NULLIF:
		return left
	case x.Kind != ast.A_Expr_Kind_AEXPR_OP || ast.LastName(x.Name) != "||":
	case aliasElement(left) != 0:
		return left
	case aliasElement(right) != 0:
		return right
	}
	return 0
}

// typeNamedBy is the type that a name means: an OID alias type, an array or a domain of one, or another that the catalog has.
func (b *binding) typeNamedBy(t *ast.TypeName) catalog.OID {
	names := ast.StrVals(t.GetNames())
	if len(names) == 0 || t.PctType {
		return b.baseOf(b.columnTypes[t])
	}
	var typ catalog.OID
	for name, oid := range aliasTypes {
		if ast.IsBuiltin(names, name) {
			typ = oid
		}
	}
	if typ == 0 && isTextType(&ast.TypeName{Names: t.Names}) {
		typ = textType
	}
	if typ == 0 {
		schema := ""
		if len(names) > 1 {
			schema = names[len(names)-2]
		}
		typ, _, _ = b.typeNamed(schema, names[len(names)-1])
		typ = b.baseOf(typ)
	}
	if len(t.ArrayBounds) == 0 {
		return typ
	}
	if typ == textType || typ == 0 {
		return 0
	}
	return b.arrayOfType(typ)
}

// aliasOutput gives a column of a query's output the OID alias type that it has.
func (b *binding) aliasOutput(n *ast.Node, out *outputColumn) {
	if out.typ == 0 && b.renaming() {
		if typ := b.exprType(n); isAlias(typ) {
			out.typ = typ
		}
	}
}
