package rewrite

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// createFunction binds CREATE FUNCTION and CREATE PROCEDURE. A body of SQL that is parsed when the function is made
// follows every rename; one in a string is stored as it is sent: that is returned, nil where it cannot be read.
func (b *binding) createFunction(x *ast.CreateFunctionStmt) *body {
	b.saw(x)
	b.typeName(x.ReturnType)
	names := ast.StrVals(x.Funcname)
	if len(names) == 0 {
		return nil
	}
	list := b.functionParameters(x.Parameters)
	var language, as *ast.DefElem
	for _, o := range x.Options {
		b.sawAll(o)
		switch e := o.GetDefElem(); e.GetDefname() {
		case "language":
			language = e
		case "as":
			as = e
		}
	}
	name := names[len(names)-1]
	b.functionBody(parameterScope(name, list, b), x.SqlBody)
	b.become(x.SqlBody.GetReturnStmt().GetReturnval(), b.typeNamedBy(x.ReturnType), nil)
	if as == nil {
		return nil
	}
	text := as.GetArg().GetList().GetItems()
	bd := &body{binding: b, of: "a function's body", byPlace: returnsByPlace(x)}
	if x.Replace {
		bd.names = names
	}
	if typ := b.typeNamedBy(x.ReturnType); isAlias(typ) {
		bd.returnType = typ
	}
	bd.oneRow = !bd.byPlace && !x.ReturnType.GetSetof()
	read := len(text) == 1
	switch {
	case read && strings.EqualFold(ast.StrVal(language.GetArg()), "sql"):
		read = bd.in(as, 1, text[0], x.Options) && bd.inSQL(name, list)
	case read && strings.EqualFold(ast.StrVal(language.GetArg()), "plpgsql"):
		read = bd.in(as, 1, text[0], x.Options) && bd.inPL(name, list, isTrigger(x))
	default:
		read = false
	}
	if !read {
		b.stringsIn(&ast.Node{Node: &ast.Node_DefElem{DefElem: as}}, bd.of)
		bd.refuseUnread(strings.ToLower(ast.StrVal(language.GetArg())), text)
		return nil
	}
	return bd
}

// returnsByPlace tells whether what a function's queries call their columns does not matter: its result has names of its
// own, or none.
func returnsByPlace(x *ast.CreateFunctionStmt) bool {
	var outputs []*ast.TypeName
	for _, n := range x.Parameters {
		switch p := n.GetFunctionParameter(); p.GetMode() {
		case ast.FunctionParameterMode_FUNC_PARAM_OUT, ast.FunctionParameterMode_FUNC_PARAM_INOUT, ast.FunctionParameterMode_FUNC_PARAM_TABLE:
			outputs = append(outputs, p.ArgType)
		}
	}
	if len(outputs) == 0 {
		outputs = append(outputs, x.ReturnType)
	}
	return len(outputs) > 1 || ast.LastName(outputs[0].GetNames()) != "record" // the only output is the result itself
}

// isTrigger tells whether a function is for triggers, so that it has the rows old and new.
func isTrigger(x *ast.CreateFunctionStmt) bool {
	return ast.LastName(x.ReturnType.GetNames()) == "trigger"
}

// do binds DO.
func (b *binding) do(x *ast.DoStmt) {
	b.saw(x)
	b.statement.Effect.Schema, b.statement.Effect.State = true, true
	b.resettle("") // it can do anything
	language := "plpgsql"
	var as *ast.DefElem
	for _, o := range x.Args {
		b.sawAll(o)
		switch e := o.GetDefElem(); e.GetDefname() {
		case "language":
			language = strings.ToLower(ast.StrVal(e.Arg))
		case "as":
			as = e
		}
	}
	bd := &body{binding: b, of: "the body of DO", pathKnown: true, once: true}
	if as == nil || language == "plpgsql" && bd.in(as, 0, as.Arg, nil) && bd.inPL("", nil, false) {
		return
	}
	b.stringsIn(&ast.Node{Node: &ast.Node_DefElem{DefElem: as}}, bd.of)
	bd.refuseUnread(language, []*ast.Node{as.GetArg()})
}

// A parameter is one of a function.
type parameter struct {
	name  string
	value value
	input bool // it has a number, and a value when the body begins
}

// functionParameters binds the types and defaults of parameters.
func (b *binding) functionParameters(list []*ast.Node) []parameter {
	var out []parameter
	inputs := 0
	for _, n := range list {
		p := n.GetFunctionParameter()
		if p == nil {
			b.notUnderstood(n)
			continue
		}
		b.saw(p)
		b.typeName(p.ArgType)
		b.expr(&scope{}, p.Defexpr)
		b.become(p.Defexpr, b.typeNamedBy(p.ArgType), nil)
		if v, ok := b.shown.givenFor(inputs); ok && b.namedTypes[p.ArgType].typ == 0 {
			put(&b.namedTypes, p.ArgType, v)
		}
		output := p.Mode == ast.FunctionParameterMode_FUNC_PARAM_OUT || p.Mode == ast.FunctionParameterMode_FUNC_PARAM_TABLE
		out = append(out, parameter{name: p.Name, value: b.namedTypes[p.ArgType], input: !output})
		if !output {
			inputs++
		}
	}
	return out
}

// parameterScope is what names can mean where no column has them: in a body in SQL, the parameters that are given.
func parameterScope(function string, list []parameter, b *binding) *scope {
	own := &item{name: function, relVisible: true, colsVisible: true, plain: true, ordered: true}
	s := &scope{items: []*item{own}}
	for _, p := range list {
		if p.name == "" || !p.input {
			continue
		}
		own.newColumn(p.name, p.name).rows = p.value
		row := b.rowVariable(p.name, p.value)
		row.of = function
		s.items = append(s.items, row)
	}
	return s
}

// parameterRow finds the parameter of a function whose fields are named behind it, as in f.p.field. A table of that
// schema and name comes first (sql_fn_post_column_ref).
func (s *scope) parameterRow(function, name string) (*item, finding) {
	for ; s != nil; s = s.parent {
		for _, it := range s.items {
			if it.of == function && it.name == name && function != "" {
				return it, found
			}
		}
	}
	return nil, missing
}

// rowVariable is a parameter or a variable where its fields are named. What is not known to be a row has unknown ones.
func (b *binding) rowVariable(name string, v value) *item {
	if fields := b.fields(v); fields != nil && v.typ != 0 {
		it := fields
		it.name, it.rowType, it.relVisible = name, v.typ, true
		for _, c := range it.cols {
			c.relation, c.num = 0, 0 // RowDescription names tables only
		}
		return it
	}
	return &item{name: name, relVisible: true, unknown: true, plain: true}
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
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		if s, ok := m.Interface().(*ast.String); ok {
			b.refuseNamesInText(s.Sval, -1, construct)
		}
	})
}
