package syntax

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// QuoteIdent mirrors quote_identifier (ruleutils.c): a name stays bare if it would be read back as itself, that is if
// it is made of lower-case letters, digits and underscores, does not start with a digit, and is no keyword but an
// unreserved one.
func QuoteIdent(name string) string {
	if IsBareIdent(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// IsBareIdent tells whether a name is read back as itself without quotes.
func IsBareIdent(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	kind := keywordKind(name)
	return kind == ast.KeywordKind_NO_KEYWORD || kind == ast.KeywordKind_UNRESERVED_KEYWORD
}

// QuoteIdents is QuoteIdent for each of several names.
func QuoteIdents(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = QuoteIdent(name)
	}
	return quoted
}

// QuoteQualified is a name that is qualified, such as schema.table, with quotes where they are needed.
func QuoteQualified(parts []string) string { return strings.Join(QuoteIdents(parts), ".") }

// QuoteLiteral is a string constant, whatever standard_conforming_strings is.
func QuoteLiteral(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// WithIdents writes what an identifier looks like for each percent sign.
func WithIdents(pattern string) string {
	return strings.ReplaceAll(pattern, "%", `(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)`)
}
