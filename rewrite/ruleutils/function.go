package ruleutils

import (
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// function prints CREATE FUNCTION: the row types in its head, and a body that is no string.
func (r *Printer) function(f *ast.CreateFunctionStmt) {
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

func (r *Printer) parameterType(t *ast.TypeName) catalog.OID {
	names := ast.StrVals(t.GetNames())
	if len(names) == 0 || len(t.ArrayBounds) > 0 {
		return 0
	}
	if rel := r.Names.rowType(strings.Join(names[:len(names)-1], ""), names[len(names)-1]); rel != nil {
		return rel.RowType
	}
	return 0
}

// markParameters marks the names of parameters, each of which stands before its type or a mode.
func (r *Printer) markParameters(f *ast.CreateFunctionStmt) {
	open := 0
	for open < r.tokens.Len() && !r.tokens.Is(open, '(') {
		open++
	}
	for i, depth := open, 0; i < r.tokens.Len(); i++ {
		switch {
		case r.tokens.Is(i, '('):
			depth++
		case r.tokens.Is(i, ')'):
			if depth--; depth == 0 {
				r.markTable(i)
				return
			}
		}
		name, ok := r.tokens.Ident(i)
		if !ok || depth != 1 {
			continue
		}
		_, isParameter := r.params[name]
		_, follows := r.tokens.Ident(i + 1)
		r.known[i] = r.known[i] || isParameter && follows && !r.tokens.Is(i-1, '.')
	}
}

// markTable marks the names of the columns in RETURNS TABLE (…), which stands after token i.
func (r *Printer) markTable(i int) {
	if r.tokens.Kind(i+2) != ast.Token_TABLE {
		return
	}
	for j := i + 3; j < r.tokens.Len() && !r.tokens.Is(j, ')'); j++ {
		if _, ok := r.tokens.Ident(j); ok && (r.tokens.Is(j-1, '(') || r.tokens.Is(j-1, ',')) {
			r.known[j] = true
		}
	}
}
