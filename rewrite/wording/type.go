package wording

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Types are shown without quotes, that of a table's rows by the table's name, as format_type_be has it. These are the
// messages of parse_oper.c, parse_func.c, parse_coerce.c and their like, in English.
var (
	operatorOf    = regexp.MustCompile(`^operator (?:does not exist|is not unique): `)
	functionOf    = regexp.MustCompile(`^(?:function|procedure|aggregate|routine|Use DROP (?:FUNCTION|PROCEDURE|AGGREGATE|ROUTINE)) [^(]+\(`)
	typeNamed     = regexp.MustCompile(`\b(cannot cast type|of type|is type|type|types) (?:(` + namePattern + `)\.)?(` + namePattern + `)(?: to (?:(` + namePattern + `)\.)?(` + namePattern + `))?`)
	typesMatched  = regexp.MustCompile(`^(\S+ types )(.+)( and )(.+)( cannot be matched)$`)
	otherDatabase = regexp.MustCompile(`^(cross-database references are not implemented: "?[^".]+\.)([^".]+)\.([^".]+)("?)$`)
	convertType   = regexp.MustCompile(`^type reference (.+)%TYPE converted to `)
	dataType      = regexp.MustCompile(` in data type (?:` + namePattern + `|\.)+$`)
	typeName      = regexp.MustCompile(`(?:(` + namePattern + `)\.)?(` + namePattern + `)`)
)

// replaceTypes replaces the row types of tables under migration in a message.
func (w *Context) replaceTypes(s string) string {
	if m := convertType.FindStringSubmatchIndex(s); m != nil {
		return s[:m[2]] + w.columnReference(s[m[2]:m[3]]) + s[m[3]:]
	}
	if m := otherDatabase.FindStringSubmatch(s); m != nil && w.code == "0A000" {
		if l := w.table(m[2], m[3], w.Affected); l != nil {
			return m[1] + m[2] + "." + l.Logical + m[4]
		}
	}
	switch w.code {
	case "42883", "42725", "42723":
		return w.replaceSignature(s)
	case "42703":
		if at := dataType.FindStringIndex(s); at != nil {
			start := at[0] + len(" in data type ")
			return s[:start] + w.typesIn(s[start:])
		}
	case "42P13":
		return w.replaceNamed(w.replaceSignature(s))
	case "42804", "42846":
		if m := typesMatched.FindStringSubmatch(s); m != nil {
			return m[1] + w.typesIn(m[2]) + m[3] + w.typesIn(m[4]) + m[5]
		}
		return w.replaceNamed(s)
	}
	return s
}

// replaceSignature replaces the types of the operands of an operator, or of the arguments of a function.
func (w *Context) replaceSignature(s string) string {
	if at := operatorOf.FindStringIndex(s); at != nil {
		return s[:at[1]] + w.typesIn(s[at[1]:])
	}
	at, end := functionOf.FindStringIndex(s), strings.LastIndexByte(s, ')')
	if at == nil || at[1] > end {
		return s
	}
	return s[:at[1]] + w.typesIn(s[at[1]:end]) + s[end:]
}

// replaceNamed replaces the types behind the word that says that they are some.
func (w *Context) replaceNamed(s string) string {
	return typeNamed.ReplaceAllStringFunc(s, func(match string) string {
		m := typeNamed.FindStringSubmatch(match)
		head, rest := m[1]+" ", strings.TrimPrefix(match, m[1]+" ")
		return head + w.typesIn(rest)
	})
}

// typesIn replaces all types in a list of them.
func (w *Context) typesIn(s string) string {
	return replaceMatches(s, typeName, func(m []string) string {
		l := w.table(unquoteIdent(m[1]), unquoteIdent(m[2]), w.Affected)
		switch {
		case l == nil:
			return m[0]
		case w.Path == nil && m[1] == "", w.Path != nil && w.isVisible(l):
			return syntax.QuoteIdent(l.Logical)
		}
		return syntax.QuoteIdent(l.Schema) + "." + syntax.QuoteIdent(l.Logical)
	})
}

// isVisible mirrors TypeIsVisible for a row type under the name that the version has for it: other types are not shown
// with their schema.
func (w *Context) isVisible(l *rules.TableLens) bool {
	for _, schema := range w.Path {
		switch {
		case schema == l.Schema:
			return true
		case slices.ContainsFunc(w.Snap.Catalog.TypesNamed(l.Logical), func(t *catalog.Type) bool {
			r := w.Snap.Catalog.ByRowType(t.OID)
			return t.Schema == schema && (r == nil || w.unknown(r))
		}):
			return false
		case slices.ContainsFunc(w.Lens.Tables, func(t *rules.TableLens) bool { return t.Schema == schema && t.Logical == l.Logical }):
			return false
		}
	}
	return false
}

// columnReference replaces the names in schema.table.column, as NameListToString shows them: without quotes.
func (w *Context) columnReference(s string) string {
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return s
	}
	schema, table, column := "", parts[len(parts)-2], parts[len(parts)-1]
	if len(parts) > 2 {
		schema = parts[len(parts)-3]
	}
	if l := w.table(schema, table, w.Affected); l != nil {
		parts[len(parts)-2], parts[len(parts)-1] = l.Logical, physicalColumn(l, column, column)
	}
	return strings.Join(parts, ".")
}
