package wording

import (
	"regexp"
	"strings"

	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Some messages name tables without quotes: those about rights, and descriptions of objects that depend on others
// (getObjectDescription in objectaddress.c), as in
//
//	drop cascades to column surname of table person
//	constraint k on table person depends on column id of table pet
//
// They are told by PostgreSQL's own English words; a server that speaks another language keeps the database's names.
var (
	rightOf       = regexp.MustCompile(`^(permission denied for|must be owner of) (table|foreign table|relation) (.+)$`)
	dependency    = regexp.MustCompile(`^(drop cascades to|cannot drop|You can drop) | depends on | because other objects depend on it$`)
	describedName = `(?:(` + namePattern + `)\.)?(` + namePattern + `)`
	columnOfTable = regexp.MustCompile(`\bcolumn (.+?) of (table|foreign table) ` + describedName)
	tableOrType   = regexp.MustCompile(`\b(table|foreign table|type) ` + describedName)
)

// namePattern is an identifier as quote_identifier writes it.
const namePattern = `"(?:[^"]|"")+"|[\pL_][\pL\pN_$]*`

// A tableFinder finds the table that a message means by a physical name; the schema may be empty. nil when that is none
// under migration, or not certain.
type tableFinder func(schema, name string) *rules.TableLens

// replaceDescribed replaces the tables and columns in messages of these forms, line by line.
func replaceDescribed(s string, find tableFinder) string {
	if m := rightOf.FindStringSubmatch(s); m != nil {
		if l := find("", m[3]); l != nil {
			return m[1] + " " + m[2] + " " + l.Logical
		}
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if dependency.MatchString(line) {
			lines[i] = replaceTables(replaceTableColumns(line, find), find)
		}
	}
	return strings.Join(lines, "\n")
}

// replaceTableColumns replaces the columns only: their tables are looked up by the names that these still have.
func replaceTableColumns(s string, find tableFinder) string {
	return replaceMatches(s, columnOfTable, func(m []string) string {
		if l := find(unquoteIdent(m[3]), unquoteIdent(m[4])); l != nil {
			for _, c := range l.Columns {
				if c.Physical == m[1] {
					return strings.Replace(m[0], "column "+m[1]+" of", "column "+c.Logical+" of", 1)
				}
			}
		}
		return m[0]
	})
}

func replaceTables(s string, find tableFinder) string {
	return replaceMatches(s, tableOrType, func(m []string) string {
		l := find(unquoteIdent(m[2]), unquoteIdent(m[3]))
		if l == nil {
			return m[0]
		}
		name := syntax.QuoteIdent(l.Logical)
		if m[2] != "" {
			name = m[2] + "." + name
		}
		return m[1] + " " + name
	})
}

// replaceMatches replaces every match by what a function makes of its groups.
func replaceMatches(s string, re *regexp.Regexp, replace func(groups []string) string) string {
	return re.ReplaceAllStringFunc(s, func(match string) string { return replace(re.FindStringSubmatch(match)) })
}

// unquoteIdent undoes syntax.QuoteIdent.
func unquoteIdent(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	return strings.ReplaceAll(strings.Trim(s, `"`), `""`, `"`)
}
