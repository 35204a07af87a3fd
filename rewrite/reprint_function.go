package rewrite

import (
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// function reprints CREATE FUNCTION: the row types in its head, and a body that is no string.
func (r *reprint) function(f *ast.CreateFunctionStmt) {
	if f == nil {
		r.unsure()
		return
	}
	l := &printLevel{}
	r.params = map[string]catalog.OID{}
	for _, n := range f.Parameters {
		p := n.GetFunctionParameter()
		if p.Name != "" {
			r.params[p.Name] = r.parameterType(p.ArgType)
		}
		r.typeName(p.ArgType)
		r.walk(p.Defexpr, l)
	}
	r.markParameters(f)
	if f.ReturnType != nil {
		r.typeName(f.ReturnType)
	}
	r.settle(l)
	r.walk(f.SqlBody, l)
}

func (r *reprint) parameterType(t *ast.TypeName) catalog.OID {
	names := stringsOf(t.GetNames())
	if len(names) == 0 || len(t.ArrayBounds) > 0 {
		return 0
	}
	if rel := r.names.rowType(strings.Join(names[:len(names)-1], ""), names[len(names)-1]); rel != nil {
		return rel.RowType
	}
	return 0
}

// markParameters marks the names of parameters, each of which stands before its type or a mode.
func (r *reprint) markParameters(f *ast.CreateFunctionStmt) {
	open := 0
	for open < r.tokens.len() && !r.tokens.is(open, '(') {
		open++
	}
	for i, depth := open, 0; i < r.tokens.len(); i++ {
		switch {
		case r.tokens.is(i, '('):
			depth++
		case r.tokens.is(i, ')'):
			if depth--; depth == 0 {
				r.markTable(i)
				return
			}
		}
		name, ok := r.tokens.ident(i)
		if !ok || depth != 1 {
			continue
		}
		_, isParameter := r.params[name]
		_, follows := r.tokens.ident(i + 1)
		r.known[i] = r.known[i] || isParameter && follows && !r.tokens.is(i-1, '.')
	}
}

// markTable marks the names of the columns in RETURNS TABLE (…), which stands after token i.
func (r *reprint) markTable(i int) {
	if r.tokens.kind(i+2) != ast.Token_TABLE {
		return
	}
	for j := i + 3; j < r.tokens.len() && !r.tokens.is(j, ')'); j++ {
		if _, ok := r.tokens.ident(j); ok && (r.tokens.is(j-1, '(') || r.tokens.is(j-1, ',')) {
			r.known[j] = true
		}
	}
}
