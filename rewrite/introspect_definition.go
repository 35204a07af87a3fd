package rewrite

import (
	"regexp"

	"github.com/seguedb/segue/rewrite/syntax"
)

// PostgreSQL's own deparser (ruleutils.c) prints the definitions of indexes, constraints and the like: keywords in
// upper case, identifiers just as quote_identifier leaves them (all in quotes, with quote_all_identifiers), types after two colons. So one regular expression cuts
// its output into tokens, and what is the name of a column is known by where it stands. No backslash is in it: it means
// the same whatever standard_conforming_strings is. The longest alternative wins, and of equal ones the first.
var definitionTokens = syntax.WithIdents(`('(?:[^']|'')*'` + // group 1: no name of a column
	`|[0-9][0-9a-zA-Z.]*` +
	`|::%(?:[.]%)?(?: [a-z]+)*` + // types
	`|(?!(?:new|old|"new"|"old")[.])%(?:[.]%)*[(]` + // functions
	`|(?!(?:new|old|"new"|"old")[.])%(?:[.]%)+|[)][.]%|%[.][*]` + // names with a schema, fields, whole rows
	`|(?:new|old|"new"|"old")[.]` + // of a trigger's condition; a column follows
	`|(?:USING|INDEX|TABLESPACE|COLLATE|TRIGGER|NAME|AS) %(?:[.]%)?` +
	`|STATISTICS %(?:[.]%)?(?: [(][a-z, ]+[)])?` +
	`|EXTRACT[(]%|OPERATOR[(][^)]*[)]` +
	`|%=|% =>` + // storage parameters, named arguments
	`|(?<=[a-z0-9_")] )%` + // operator classes
	`|[A-Z_]+)`)

// The groups that follow in the pattern of a definition: 2 is the name of the table, after what precedes it, 3 that of
// a column, and 4 any other character.
var (
	definitionPattern = definitionTokens + syntax.WithIdents(`|(ON (?:ONLY )?(?:%[.])?%)|(%)|(.)`)
	statisticsPattern = definitionTokens + syntax.WithIdents(`|(FROM (?:%[.])?%$)|(%)|(.)`)
)

// foreignKeyPattern takes a foreign key apart: up to the name of the table that it refers to, that name with any schema, its columns,
// and the rest.
var foreignKeyPattern = syntax.WithIdents(`^(FOREIGN KEY [(](?:[^")]|%)*[)] REFERENCES )((?:%[.])?%)([(](?:[^")]|%)*[)])(.*)$`)

// subqueryPattern finds a subquery in a definition. In one that selects nothing, as below EXISTS, a new line follows the word.
const subqueryPattern = "SELECT[[:space:]]"

var subquery = regexp.MustCompile(subqueryPattern)

// definitionSQL maps the names in a definition of something that belongs to the table with an entry; NULL for one that
// does not differ. A definition that holds a subquery, as only policies can, is left alone. The table is cut into tokens
// only where it has a word that differs. named is the SQL of the name of the table in it, which may be NULL, if that may need its schema where
// the database gives none, or the other way round; else "".
func definitionSQL(definition, entry, named, pattern string) string {
	word := "pg_catalog.strpos(" + definition + ", pg_catalog.quote_ident(" + entry + fieldText + "'from')) OPERATOR(pg_catalog.>) 0" +
		" OR EXISTS (SELECT FROM pg_catalog.jsonb_object_keys(" + entry + field + "'columns') AS w(n) WHERE pg_catalog.strpos(" + definition +
		", pg_catalog.replace(w.n, '\"', '\"\"')) OPERATOR(pg_catalog.>) 0)"
	table := ""
	if named != "" {
		table = "pg_catalog.substring(m.t[2], '^(?:ON (?:ONLY )?|FROM )')" + concat + named + ", "
	}
	tokens := "SELECT pg_catalog.string_agg(CASE WHEN m.t[3] IS NOT NULL THEN COALESCE(pg_catalog.quote_ident(" + entry + field + "'columns'" + fieldText + unquoted("m.t[3]") + "), m.t[3])" +
		" WHEN m.t[2] IS NOT NULL THEN COALESCE(" + table + renamedTail("m.t[2]", entry) + ", m.t[2])" +
		" ELSE COALESCE(m.t[1], m.t[4]) END, '' ORDER BY m.i) FROM pg_catalog.regexp_matches(" + definition + ", " + syntax.QuoteLiteral(pattern) +
		", 'g') WITH ORDINALITY AS m(t, i) HAVING NOT (" + definition + " OPERATOR(pg_catalog.~) " + syntax.QuoteLiteral(subqueryPattern) + ")"
	return "CASE WHEN " + word + " THEN COALESCE((" + tokens + "), " + definition + ") ELSE " + definition + " END"
}

// unquoted is the SQL of the name that an identifier of the deparser means, which has quotes or needs none.
func unquoted(ident string) string {
	return "(CASE WHEN pg_catalog.left(" + ident + ", 1)" + eq + `'"' THEN pg_catalog.replace(pg_catalog.substr(` + ident + ", 2, pg_catalog.length(" + ident +
		`) OPERATOR(pg_catalog.-) 2), '""', '"') ELSE ` + ident + " END)"
}

// renamedTail maps a name, qualified or not, of a table or type: what its entry says that it ends with is replaced. NULL
// where it has no other name.
func renamedTail(name, entry string) string {
	part := func(key string) string {
		return "(pg_catalog.quote_ident(" + entry + fieldText + "'" + key + "')" + concat + "COALESCE(" + entry + fieldText + "'suffix', ''))"
	}
	return replaceTail(name, part("from"), part("to"))
}

func replaceTail(text, tail, with string) string {
	return "CASE WHEN pg_catalog.right(" + text + ", pg_catalog.length(" + tail + "))" + eq + tail +
		" THEN pg_catalog.left(" + text + ", OPERATOR(pg_catalog.-) pg_catalog.length(" + tail + "))" + concat + with +
		" ELSE " + text + " END"
}
