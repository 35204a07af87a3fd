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
		b.refuse(int(f.Location), "the function "+strings.Join(name, "."), "takes or returns rows of "+quoteIdent(l.Logical))
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
	counts := len(f.Args) == 1 && isBuiltin(name, "count")
	for _, a := range f.Args {
		if !counts || !b.rowByPosition(s, a, false) {
			b.expr(s, a)
		}
	}
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
	if names := stringsOf(c.TypeName.GetNames()); isBuiltin(names, "regclass") && len(c.TypeName.ArrayBounds) == 0 {
		if k := c.Arg.GetAConst(); k != nil && k.GetSval() != nil {
			b.relationInString(k)
		} else {
			b.refuseNamesIn(c.Arg, "a cast to regclass")
		}
	}
	if names := stringsOf(c.TypeName.GetNames()); isBuiltin(names, "regtype") {
		b.refuseNamesIn(c.Arg, "a cast to regtype")
	}
	b.expr(s, c.Arg)
}
