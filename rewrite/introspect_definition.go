package rewrite

import (
	"regexp"
	"strings"
)

// PostgreSQL's own deparser (ruleutils.c) prints the definitions of indexes, constraints and the like: keywords in
// upper case, identifiers just as quote_identifier leaves them, types after two colons. So one regular expression cuts
// its output into tokens, and what is the name of a column is known by where it stands. No backslash is in it: it means
// the same whatever standard_conforming_strings is. The longest alternative wins, and of equal ones the first.
var definitionTokens = identifiersIn(`('(?:[^']|'')*'` + // group 1: no name of a column
	`|[0-9][0-9a-zA-Z.]*` +
	`|::%(?:[.]%)?(?: [a-z]+)*` + // types
	`|(?!(?:new|old)[.])%(?:[.]%)*[(]` + // functions
	`|(?!(?:new|old)[.])%(?:[.]%)+|[)][.]%|%[.][*]` + // names with a schema, fields, whole rows
	`|(?:new|old)[.]` + // of a trigger's condition; a column follows
	`|(?:USING|INDEX|TABLESPACE|COLLATE|TRIGGER|NAME|AS) %(?:[.]%)?` +
	`|STATISTICS %(?:[.]%)?(?: [(][a-z, ]+[)])?` +
	`|EXTRACT[(]%|OPERATOR[(][^)]*[)]` +
	`|%=|% =>` + // storage parameters, named arguments
	`|(?<=[a-z0-9_")] )%` + // operator classes
	`|[A-Z_]+)`)

// The groups that follow in the pattern of a definition: 2 is the name of the table, after what precedes it, 3 that of
// a column, and 4 any other character.
var (
	definitionPattern = definitionTokens + identifiersIn(`|(ON (?:ONLY )?(?:%[.])?%)|(%)|(.)`)
	statisticsPattern = definitionTokens + identifiersIn(`|(FROM (?:%[.])?%$)|(%)|(.)`)
)

// foreignKeyPattern takes a foreign key apart: up to the name of the table that it refers to, that name, its columns,
// and the rest.
var foreignKeyPattern = identifiersIn(`^(FOREIGN KEY [(](?:[^")]|%)*[)] REFERENCES (?:%[.])?)(%)([(](?:[^")]|%)*[)])(.*)$`)

// identifiersIn writes what an identifier looks like for each percent sign.
func identifiersIn(pattern string) string {
	return strings.ReplaceAll(pattern, "%", `(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)`)
}

// subqueryPattern finds a subquery in a definition. In one that selects nothing, as below EXISTS, a new line follows the word.
const subqueryPattern = "SELECT[[:space:]]"

var subquery = regexp.MustCompile(subqueryPattern)

// definitionSQL maps the names in a definition of something that belongs to a table of the group. A definition that
// holds a subquery, as only policies can, is left alone.
func (g *tableGroup) definitionSQL(definition string) string {
	return g.tokensSQL(definition, definitionPattern)
}

func (g *tableGroup) tokensSQL(definition, pattern string) string {
	var b strings.Builder
	b.WriteString("(SELECT pg_catalog.string_agg(CASE")
	for _, c := range g.columns {
		b.WriteString(" WHEN m.t[3]" + eq + "ANY (" + spellings(c.Physical) + ") THEN pg_catalog.quote_ident(" + literal(c.Logical) + ")")
	}
	if g.renamed {
		b.WriteString(" WHEN m.t[2] IS NOT NULL THEN " + g.tableSQL("m.t[2]"))
	}
	b.WriteString(" ELSE COALESCE(m.t[1], m.t[2], m.t[3], m.t[4]) END, '' ORDER BY m.i) FROM pg_catalog.regexp_matches(" +
		definition + ", " + literal(pattern) + ", 'g') WITH ORDINALITY AS m(t, i)" +
		" HAVING NOT (" + definition + " OPERATOR(pg_catalog.~) " + literal(subqueryPattern) + "))")
	return "COALESCE(" + b.String() + ", " + definition + ")"
}

// tableSQL maps a name, qualified or not, of a table that is alone in its group.
func (g *tableGroup) tableSQL(name string) string {
	return renameLast(name, g.names[0], g.logical, "")
}

// renameLast replaces the last part of a dotted name, before a suffix, if it is the one expected.
func renameLast(name, from, to, suffix string) string {
	spelled := func(name string) string {
		if suffix == "" {
			return "pg_catalog.quote_ident(" + literal(name) + ")"
		}
		return "(pg_catalog.quote_ident(" + literal(name) + ")" + concat + literal(suffix) + ")"
	}
	return replaceTail(name, spelled(from), spelled(to))
}

func replaceTail(text, tail, with string) string {
	return "CASE WHEN pg_catalog.right(" + text + ", pg_catalog.length(" + tail + "))" + eq + tail +
		" THEN pg_catalog.left(" + text + ", OPERATOR(pg_catalog.-) pg_catalog.length(" + tail + "))" + concat + with +
		" ELSE " + text + " END"
}

// spellings are the ways in which the deparser may write a name: keywords, and so quotes, differ between servers.
func spellings(name string) string {
	return textArray([]string{name, `"` + strings.ReplaceAll(name, `"`, `""`) + `"`})
}
