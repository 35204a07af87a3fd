package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/syntax"
)

// describedSQL is the SQL of a value of the object that pg_describe_object describes: of the class s.a1 and the OID s.a2,
// with the number s.a3 of a column.
func describedSQL(own string, others map[string]string, otherwise string) string {
	var b strings.Builder
	b.WriteString("CASE WHEN s.a1" + eq + classOid(classOfRelations) + " THEN " + own)
	for _, c := range describedParts {
		if column := others[c.catalog]; column != "" {
			b.WriteString(" WHEN s.a1" + eq + classOid(c.class) + " THEN (SELECT x." + column + " FROM pg_catalog." + c.catalog + " AS x WHERE x.oid" + eq + "s.a2)")
		}
	}
	b.WriteString(otherwise + " END")
	return b.String()
}

// describedParts are the catalogs of what is a part of one table, by the OIDs that they have in every database.
var describedParts = []struct{ catalog, class string }{
	{"pg_attrdef", "2604"}, {"pg_constraint", "2606"}, {"pg_rewrite", classOfRules}, {"pg_trigger", "2620"}, {"pg_policy", classOfPolicies},
}

// describedTable is the OID of the table of which a description ends with the name, describedColumn the number of the
// column that it begins with (getObjectDescription, objectaddress.c).
var (
	describedTable = describedSQL("s.a2", map[string]string{
		"pg_attrdef": "adrelid", "pg_constraint": "conrelid", "pg_rewrite": "ev_class", "pg_trigger": "tgrelid", "pg_policy": "polrelid",
	}, "")
	describedColumn = describedSQL("s.a3", map[string]string{"pg_attrdef": "adnum"}, " ELSE 0")
)

// describes is the SQL of the description q.d of column q.n, or a part, of the table with the entry q.e; "" where none
// differs. It has the words of the server's language around the names, of which only the English are known; in others the
// name of a column stays.
func (in *introspection) describes() string {
	if in.names.entries == nil {
		return ""
	}
	names := "q.e" + field + "'numbers'" + field + "q.n" + asText
	head := "q.d"
	for _, before := range []string{"column ", "default value for column "} {
		old := "(" + syntax.QuoteLiteral(before) + concat + "(" + names + fieldText + "0)" + concat + "' of ')"
		head = "CASE WHEN pg_catalog.starts_with(q.d, " + old + ") THEN " + syntax.QuoteLiteral(before) + concat + "(" + names + fieldText + "1)" + concat +
			"' of '" + concat + "pg_catalog.substr(q.d, pg_catalog.length(" + old + ") OPERATOR(pg_catalog.+) 1) ELSE " + head + " END"
	}
	old, named := "(q.k::pg_catalog.regclass"+asText+")", ""
	if in.names.printed.names != nil {
		named = "(" + in.names.printed.sql(in, old, "q.k") + ")"
	} else {
		named = old
	}
	return "CASE WHEN q.e IS NULL THEN q.d ELSE (SELECT CASE WHEN q.e" + hasField + "'from' THEN " + replaceTail("h.d", old, named) +
		" ELSE h.d END FROM (SELECT " + head + " AS d) AS h) END"
}
