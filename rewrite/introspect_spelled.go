package rewrite

import (
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// spelledNames are the ways in which names of tables are spelled, as a JSON object: {spelling: {"to": what it means}} for those of
// the version, and {spelling: {"gone": what nothing has}} for those that only the database has. A spelling follows
// a dot where it has a schema, since only such a one may follow the name of the database, and else an equals sign. They are right for a session that
// finds every table without its schema; the others are told by themselves (namesSQL).
type spelledNames struct {
	names  *rules.NameMap // nil when there are none
	tables map[catalog.OID]bool
}

// newSpelledNames leaves out tables that share a spelling.
func newSpelledNames(groups []*ruleutils.Table) spelledNames {
	users := map[string]int{}
	for _, g := range groups {
		if g.Renamed {
			for _, k := range spellings(g) {
				users[k]++
			}
		}
	}
	names, tables := object{}, map[catalog.OID]bool{}
	for _, g := range groups {
		shared := !g.Renamed
		for _, k := range spellings(g) {
			shared = shared || users[k] > 1
		}
		if shared {
			continue
		}
		tables[g.OIDs[0]] = true
		to := object{"to": syntax.QuoteQualified([]string{g.Schema, g.Names[0]})}
		for _, k := range spelledBare(g.Logical) {
			names["="+k] = to
		}
		for _, k := range spelled(g.Schema, g.Logical, false) {
			names["."+k] = to
		}
		for _, k := range spelledBare(g.Names[0]) {
			names["="+k] = object{"gone": syntax.QuoteIdent(absentMark + g.Names[0])}
		}
		for _, k := range spelled(g.Schema, g.Names[0], false) {
			names["."+k] = object{"gone": syntax.QuoteQualified([]string{g.Schema, absentMark + g.Names[0]})}
		}
	}
	return spelledNames{names.sealed(), tables}
}

// spellings are all of a table, in the version and in the database.
func spellings(g *ruleutils.Table) []string {
	return append(spelled(g.Schema, g.Logical, true), spelled(g.Schema, g.Names[0], true)...)
}

// sql is the SQL of what to look up for the text l.n; l.k and l.d are as for spelledSQL. With arrays, the name may be that of an
// array type.
func (n *spelledNames) sql(in *introspection, arrays bool, absent absence) string {
	if in.calls(n.names) {
		return "segue.spelled(" + theName + ", " + in.sql(n.names) + ", " + strconv.FormatBool(arrays) + ", " + strconv.FormatBool(absent != absentIsLooked) + ", " +
			strconv.FormatBool(absent == absentIsNull) + ")"
	}
	key, suffix := func(text string) string { return text }, ""
	if arrays {
		key = func(text string) string { return "pg_catalog.regexp_replace(" + text + ", '[[][]]$', '')" }
		suffix = concat + "CASE WHEN pg_catalog.right(l.k, 2)" + eq + "'[]' THEN '[]' ELSE '' END"
	}
	at := func(sign, text string) string {
		return in.sql(n.names) + field + "(" + syntax.QuoteLiteral(sign) + concat + key(text) + ")"
	}
	entry := "COALESCE(" + at("=", "l.k") + ", " + at(".", "l.k") + ", " + at(".", "l.d") + ")"
	to := entry + fieldText + "'to'"
	if absent == absentIsMarked {
		to = "COALESCE(" + to + ", " + entry + fieldText + "'gone')"
	}
	sql := "COALESCE((" + to + ")" + suffix + ", l.n)"
	if absent == absentIsNull {
		sql = "CASE WHEN " + entry + hasField + "'gone' THEN NULL ELSE " + sql + " END"
	}
	return sql
}
