package rewrite

import (
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// funcCall binds a function call in an expression.
func (b *binding) funcCall(s *scope, f *ast.FuncCall) {
	name := ast.StrVals(f.Funcname)
	if l := b.functionRows(name); l != nil {
		b.concern(l)
		b.use(l, "*")
	}
	b.callArguments(s, f)
}

// callArguments binds what a call consists of, apart from the type of its result.
func (b *binding) callArguments(s *scope, f *ast.FuncCall) {
	b.saw(f)
	name := ast.StrVals(f.Funcname)
	b.namesInArguments(f, name)
	if ast.IsBuiltin(name, "set_config") && len(f.Args) > 0 {
		b.resettle(strings.ToLower(f.Args[0].GetAConst().GetSval().GetSval()))
	}
	b.toleratesOrder(f)
	b.exprs(s, f.Args)
	b.rowArguments(f)
	b.namesAmongArguments(f)
	if b.isPrinter(f) {
		b.printedArguments(f.Args...)
	}
	if b.shown != nil {
		b.noteCall(f)
	}
	b.callMayAppear(f)
	b.justMade(int(f.Location), "the function "+ast.LastName(f.Funcname), ast.LastName(f.Funcname), true)
	b.exprs(s, f.AggOrder)
	b.expr(s, f.AggFilter)
	b.window(s, f.Over)
}

// typeCast binds a cast; that of a constant to an OID alias type names a relation, a type or a function.
func (b *binding) typeCast(s *scope, c *ast.TypeCast) {
	b.saw(c)
	b.typeName(c.TypeName)
	b.shown.toOID(c)
	b.castOperand(s, c)
	if b.shown != nil {
		b.noteRegclass(c)
	}
}

// castOperand binds what is cast.
func (b *binding) castOperand(s *scope, c *ast.TypeCast) {
	names := ast.StrVals(c.TypeName.GetNames())
	typ := b.typeNamedBy(c.TypeName)
	switch k := c.Arg.GetAConst(); {
	case c.Arg.GetAArrayExpr() != nil && len(c.TypeName.GetArrayBounds()) > 0 && b.renaming():
		b.castArray(s, c, typ)
		return
	case isAlias(typ) && k.GetSval() != nil, k.GetSval() != nil && b.renaming() && b.holdsAlias(typ):
		b.expr(s, c.Arg)
		b.nameInConstant(k, typ)
		return
	case ast.IsBuiltin(names, "regclass"), ast.IsBuiltin(names, "regtype"), ast.IsBuiltin(names, "regprocedure"):
		b.refuseTableNamesIn(c.Arg, "a cast to "+ast.LastName(c.TypeName.Names))
	}
	b.expr(s, c.Arg)
}

// castArray binds ARRAY[…] that is cast to an array: each element is cast by itself (transformArrayExpr).
func (b *binding) castArray(s *scope, c *ast.TypeCast, typ catalog.OID) {
	a := c.Arg.GetAArrayExpr()
	b.saw(a)
	for _, e := range a.Elements {
		if e.GetAArrayExpr() != nil {
			b.castArray(s, &ast.TypeCast{Arg: e, TypeName: c.TypeName}, typ)
			continue
		}
		b.expr(s, e)
		if isAlias(typ) {
			b.become(e, aliasElement(typ), nil)
		} else if isTextType(&ast.TypeName{Names: c.TypeName.Names}) {
			b.printed(e)
		}
	}
}

// isRegclass tells whether a cast makes a regclass.
func isRegclass(c *ast.TypeCast) bool {
	return ast.IsBuiltin(ast.StrVals(c.GetTypeName().GetNames()), "regclass") && len(c.TypeName.ArrayBounds) == 0
}
