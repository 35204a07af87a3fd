package rewrite

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// createFunction binds CREATE FUNCTION and CREATE PROCEDURE. A body of SQL that is parsed when the function is made
// follows every rename; one in a string is run by names that nobody follows.
func (b *binding) createFunction(x *ast.CreateFunctionStmt) {
	b.saw(x)
	b.typeName(x.ReturnType)
	names := stringsOf(x.Funcname)
	if len(names) == 0 {
		return
	}
	own := &item{name: names[len(names)-1], relVisible: true, colsVisible: true, plain: true, ordered: true}
	s := &scope{items: []*item{own}}
	for _, n := range x.Parameters {
		p := n.GetFunctionParameter()
		if p == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(p)
		b.typeName(p.ArgType)
		b.expr(&scope{}, p.Defexpr)
		if p.Name != "" {
			own.newColumn(p.Name, p.Name)
			// A parameter of a composite type can be named before a dot.
			s.items = append(s.items, &item{name: p.Name, relVisible: true, unknown: true, plain: true})
		}
	}
	for _, o := range x.Options {
		b.sawAll(o)
		b.stringsIn(o, "a function's body")
	}
	b.functionBody(s, x.SqlBody)
}

// functionBody binds RETURN and BEGIN ATOMIC, whose names are those of parameters where nothing else has them.
func (b *binding) functionBody(s *scope, body *ast.Node) {
	switch {
	case body == nil:
	case body.GetReturnStmt() != nil:
		b.saw(body.GetReturnStmt())
		b.expr(s, body.GetReturnStmt().Returnval)
	case body.GetList() != nil:
		for _, n := range body.GetList().Items {
			b.functionBody(s, n)
		}
	default:
		b.query(s, body)
	}
}

// stringsIn looks for tables in the strings of a node.
func (b *binding) stringsIn(n *ast.Node, construct string) {
	eachMessage(n.ProtoReflect(), func(m protoreflect.Message) {
		if s, ok := m.Interface().(*ast.String); ok {
			b.refuseNamesInText(s.Sval, -1, construct)
		}
	})
}
