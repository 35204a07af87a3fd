package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// in finds the constant in which a body stands, so many tokens after where its clause begins, and the search_path under
// which it runs. ok is false where one of them is not known.
func (bd *body) in(clause *ast.DefElem, after int, text *ast.Node, options []*ast.Node) (ok bool) {
	bd.literal, ok = bd.constantAt(bd.tokens.At(int(clause.Location)) + after)
	if !ok || bd.literal.text != ast.StrVal(text) {
		return false
	}
	for _, o := range options {
		set := o.GetDefElem().GetArg().GetVariableSetStmt()
		if strings.EqualFold(set.GetName(), "search_path") && !bd.searchIn(set) {
			return false
		}
	}
	bd.text = text.GetString_()
	return true
}

// searchIn has the names of the body looked up in the search_path that the function sets for itself.
func (bd *body) searchIn(set *ast.VariableSetStmt) bool {
	bd.pathKnown = true
	switch set.Kind {
	case ast.VariableSetKind_VAR_SET_VALUE:
	case ast.VariableSetKind_VAR_SET_CURRENT:
		return true
	default:
		return false
	}
	path := []string{}
	for _, n := range set.Args {
		schema := n.GetAConst().GetSval().GetSval()
		if strings.ContainsAny(schema, `$"`) {
			return false // "$user", or a list within quotes
		}
		if schema != "" {
			path = append(path, schema)
		}
	}
	if !slices.Contains(path, "pg_catalog") {
		path = append([]string{"pg_catalog"}, path...)
	}
	if slices.Equal(path, bd.sess.SearchPath) {
		return true
	}
	// What the session's server says of names without a schema is about another path.
	overlay := map[rules.Name]*catalog.Relation{}
	for name, rel := range bd.sess.Overlay {
		if name.Schema != "" {
			overlay[name] = rel
		}
	}
	session := *bd.sess
	session.SearchPath, session.Overlay = path, overlay
	bd.session = &session
	return true
}

// inSQL binds a body in LANGUAGE sql: a column comes before a parameter of its name (sql_fn_post_column_ref).
func (bd *body) inSQL(function string, list []parameter) bool {
	bd.outermost = parameterScope(function, list, bd.binding)
	for _, p := range list {
		if p.input {
			bd.params = append(bd.params, p.value)
		}
	}
	p, ok := bd.part(bd.literal.text, 0, 0)
	if !ok {
		return false
	}
	bd.bind(p, func(c *binding, n *ast.Node) output {
		out := bd.returned(c, n)
		if bd.returnType != 0 && n == p.last() {
			c.valuesWritten(n.GetSelectStmt(), []catalog.OID{bd.returnType})
		}
		return out
	})
	bd.returnsRow(p)
	bd.finish(p.same)
	return true
}

// last is the last statement of a part.
func (p *part) last() *ast.Node {
	if len(p.tree.Stmts) == 0 {
		return nil
	}
	return p.tree.Stmts[len(p.tree.Stmts)-1].Stmt
}
