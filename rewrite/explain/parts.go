package explain

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// mapped is a part of a plan in the version's names.
func (s *planScope) mapped(p planPart) string {
	switch p.kind {
	case partScan:
		return s.scan(p)
	case partRelation:
		return s.relationName(p.node)
	case partAlias:
		if ref := s.refs[p.value]; ref != nil {
			return ref.name
		}
		return p.value
	case partTable:
		if t := s.tableCalled(p.value); t != nil {
			return t.Logical
		}
		return p.value
	}
	return s.expression(p)
}

// relationName is the name in the version of what a node reads.
func (s *planScope) relationName(n *planNode) string {
	if rel := s.relation(n); rel != nil {
		if t := s.lens.Table(rel.OID); t != nil && t.Physical == n.relation {
			return t.Logical
		}
	}
	return n.relation
}

// scan is what stands behind "on" in the text format. An alias is only printed where it differs (ExplainTargetRel).
func (s *planScope) scan(p planPart) string {
	n := p.node
	relation, alias := s.relationName(n), s.refs[n.alias].name
	if relation == n.relation && alias == n.alias {
		return p.value
	}
	quote := quoterLike(p.value)
	out := quote(relation)
	if n.schema != "" {
		out = quote(n.schema) + "." + out
	}
	if alias != relation {
		out += " " + quote(alias)
	}
	return out
}

// quoterLike quotes names as in a text of the server: all of them, with quote_all_identifiers, or those that need it.
func quoterLike(text string) func(string) string {
	if strings.HasPrefix(text, `"`) && len(text) > 1 {
		if end := syntax.QuotedLength(text, 1); end > 0 && syntax.IsBareIdent(syntax.Unquote(text[:end])) {
			return quoteAlways
		}
	}
	return syntax.QuoteIdent
}

func quoteAlways(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// expression maps the columns in SQL that ruleutils.c has printed: keywords are in upper case there, and names that are
// not in lower case are quoted.
func (s *planScope) expression(p planPart) string {
	e := &planExpression{planScope: s, bare: s.bare(p.node)}
	e.visit = e.column
	e.walk(p.value)
	return splice.Apply(p.value, e.edits)
}

// prefixes lists the aliases that stand before a column in an expression.
func (s *planScope) prefixes(expression string) (aliases []string) {
	e := &planExpression{planScope: s}
	e.visit = func(i, last int) {
		if alias, ok := e.Ident(i); ok && last == i+2 {
			aliases = append(aliases, alias)
		}
	}
	e.walk(expression)
	return aliases
}

// A planExpression is the work on one expression.
type planExpression struct {
	*planScope
	syntax.Tokens
	bare  map[string]string
	visit func(first, last int) // is given the tokens of each column, with the alias before it
	edits []splice.Edit
}

// walk goes through an expression, if it can be cut into tokens.
func (e *planExpression) walk(sql string) {
	list, _ := syntax.Lex(sql)
	e.Tokens = syntax.Tokens{SQL: sql, List: list}
	for i := 0; i < len(list); {
		i = e.next(i)
	}
}

// next handles what begins at token i, and returns where the next begins.
func (e *planExpression) next(i int) int {
	if e.Kind(i) == ast.Token_TYPECAST {
		return e.typeName(i + 1)
	}
	if e.Kind(i) == ast.Token_SCONST && e.Kind(i+1) == ast.Token_TYPECAST && e.Text(i+2) == "regclass" {
		e.regclass(i)
		return i + 3
	}
	if !e.isName(i) {
		return i + 1
	}
	last := i
	for e.Is(last+1, '.') && (e.isName(last+2) || e.Is(last+2, '*')) {
		last += 2
	}
	if e.isColumn(i, last) {
		e.visit(i, last)
	}
	return last + 1
}

// isName tells whether token i is an identifier: a word with an upper-case letter is none.
func (e *planExpression) isName(i int) bool {
	if i < 0 || i >= len(e.List) {
		return false
	}
	c := e.Text(i)[0]
	return c == '"' || syntax.IsIdentStart(c) && e.Kind(i) != ast.Token_SCONST && strings.ToLower(e.Text(i)) == e.Text(i)
}

// isColumn tells whether the dotted name from token i to last is that of a column, by what stands around it. What is
// behind a bracket or another word is part of a type; functions have an opening bracket.
func (e *planExpression) isColumn(i, last int) bool {
	switch {
	case e.Is(last+1, '('), e.Kind(last+1) == ast.Token_EQUALS_GREATER, e.Text(last+1) == "SubPlan", e.Text(last+2) == "SubPlan":
		return false
	case e.Is(i-1, ')'), e.Is(i-1, ']'), e.Is(i-1, '.'), e.isName(i - 1), e.Kind(i-1) == ast.Token_ICONST:
		return false
	case e.Is(i-1, '(') && e.Text(i-2) == "OPERATOR", e.Is(i-1, '(') && e.Text(i-2) == "EXTRACT":
		return false
	}
	switch e.Text(i - 1) {
	case "COLLATE", "AS", "OVER", "NAME", "RETURNING", "COLUMNS":
		return false
	}
	return true
}

// column maps a column, with or without an alias before it.
func (e *planExpression) column(i, last int) {
	switch last - i {
	case 0:
		e.replace(i, e.bare)
	case 2:
		alias, _ := e.Ident(i)
		ref := e.refs[alias]
		if ref == nil {
			return
		}
		e.replace(i, map[string]string{alias: ref.name})
		e.replace(last, ref.columns)
		if e.Is(last, '*') && e.Is(last+1, ')') && e.Is(last+2, '.') {
			e.replace(last+3, ref.fields)
		}
	}
}

// replace puts another name in place of the one at token i, if it has one.
func (e *planExpression) replace(i int, names map[string]string) {
	if e.Is(i, '*') {
		return
	}
	name, _ := e.Ident(i)
	if to, ok := names[name]; ok && to != name {
		e.edits = append(e.edits, splice.Edit{Start: e.Start(i), End: e.End(i), New: quoterLike(e.Text(i))(to)})
	}
}

// wording.typeName passes over a type. That of a table's rows has the table's name.
func (e *planExpression) typeName(i int) int {
	last, schema := i, ""
	for e.Is(last+1, '.') {
		schema = syntax.DecodeIdent(e.Text(last))
		last += 2
	}
	if name, ok := e.Ident(last); ok && (schema != "" || !e.isBuiltinType(name)) {
		if t := e.tableVisible(schema, name); t != nil {
			e.replace(last, map[string]string{t.Physical: t.Logical})
		}
	}
	for e.isName(last + 1) {
		last++
	}
	return last + 1
}

// isBuiltinType tells whether PostgreSQL ships a type of the name. The catalog does not list base types, but arrays.
func (e *planExpression) isBuiltinType(name string) bool {
	builtin := func(t *catalog.Type) bool { return t.Schema == "pg_catalog" }
	cat := e.snap.Catalog
	return slices.ContainsFunc(cat.TypesNamed(name), builtin) || slices.ContainsFunc(cat.TypesNamed("_"+name), builtin)
}

// regclass maps the name of a relation in a constant.
func (e *planExpression) regclass(i int) {
	raw := strings.ReplaceAll(strings.Trim(e.Text(i), "'"), "''", "'")
	list, ok := syntax.Lex(raw)
	if !ok || len(list) != 1 && len(list) != 3 {
		return
	}
	name, last, schema := syntax.Tokens{SQL: raw, List: list}, len(list)-1, ""
	if last > 0 {
		schema = syntax.DecodeIdent(name.Text(0))
	}
	t := e.tableVisible(schema, syntax.DecodeIdent(name.Text(last)))
	if t == nil || t.Logical == t.Physical {
		return
	}
	raw = raw[:name.Start(last)] + quoterLike(name.Text(last))(t.Logical)
	e.edits = append(e.edits, splice.Edit{Start: e.Start(i), End: e.End(i), New: "'" + strings.ReplaceAll(raw, "'", "''") + "'"})
}
