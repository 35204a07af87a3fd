package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// funcCall binds a function call in an expression.
func (b *binding) funcCall(s *scope, f *ast.FuncCall) {
	name := stringsOf(f.Funcname)
	if l := b.functionRows(name); l != nil {
		b.concern(l)
		b.use(l, "*")
	}
	b.callArguments(s, f)
}

// callArguments binds what a call consists of, apart from the type of its result.
func (b *binding) callArguments(s *scope, f *ast.FuncCall) {
	b.saw(f)
	name := stringsOf(f.Funcname)
	b.namesInArguments(f, name)
	if isBuiltin(name, "set_config") && len(f.Args) > 0 {
		b.resettle(strings.ToLower(f.Args[0].GetAConst().GetSval().GetSval()))
	}
	b.toleratesOrder(f)
	b.exprs(s, f.Args)
	b.rowArguments(f)
	if b.shown != nil {
		b.noteCall(f)
	}
	b.callMayAppear(f)
	b.justMade(int(f.Location), "the function "+lastString(f.Funcname), lastString(f.Funcname), true)
	b.exprs(s, f.AggOrder)
	b.expr(s, f.AggFilter)
	b.window(s, f.Over)
}

// isBuiltin tells whether a function name can be that of pg_catalog.
func isBuiltin(name []string, want string) bool {
	return len(name) > 0 && name[len(name)-1] == want && (len(name) == 1 || name[0] == "pg_catalog")
}

// typeCast binds a cast; that of a constant to regclass names a relation.
func (b *binding) typeCast(s *scope, c *ast.TypeCast) {
	b.saw(c)
	b.typeName(c.TypeName)
	b.shown.toOID(c)
	names := stringsOf(c.TypeName.GetNames())
	switch k := c.Arg.GetAConst(); {
	case isRegclass(c) && k.GetSval() != nil:
		b.relationInString(k)
	case isBuiltin(names, "regtype") && len(c.TypeName.ArrayBounds) == 0 && k.GetSval() != nil && b.typeInString(k):
	case isBuiltin(names, "regclass"), isBuiltin(names, "regtype"), isBuiltin(names, "regprocedure"):
		b.refuseTableNamesIn(c.Arg, "a cast to "+lastString(c.TypeName.Names))
	}
	b.expr(s, c.Arg)
	if b.shown != nil {
		b.noteRegclass(c)
	}
}

// isRegclass tells whether a cast makes a regclass.
func isRegclass(c *ast.TypeCast) bool {
	return isBuiltin(stringsOf(c.GetTypeName().GetNames()), "regclass") && len(c.TypeName.ArrayBounds) == 0
}

// comparedWithRegclass rewrites the constants that a regclass is compared with: they become one too.
func (b *binding) comparedWithRegclass(x *ast.A_Expr) {
	sides := []*ast.Node{x.Lexpr, x.Rexpr}
	for i, side := range sides {
		if !isRegclass(side.GetTypeCast()) {
			continue
		}
		other := sides[1-i]
		for _, n := range append([]*ast.Node{other}, other.GetList().GetItems()...) {
			if k := n.GetAConst(); k.GetSval() != nil {
				b.relationInString(k)
			}
		}
		if other.GetAArrayExpr() != nil {
			b.refuseNamesIn(other, "a comparison with regclass")
		}
	}
}
