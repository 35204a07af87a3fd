package rewrite

import "strings"

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

// describes is the SQL of the description q.d of column q.n, or a part, of table q.k. It has the words of the server's
// language around the names, of which only the English are known; in others the name of a column stays.
func (in *introspection) describes() string {
	sql := ""
	for _, g := range in.groups {
		text := "q.d"
		for _, c := range g.columns {
			text = describedHead(text, "q.n"+eq+number(int64(c.Num)), c.Physical, c.Logical)
		}
		if g.renamed {
			text = "(SELECT " + g.tableSQL("h.d") + " FROM (SELECT " + text + " AS d) AS h)"
		}
		if text != "q.d" {
			sql += " WHEN q.k" + eq + "ANY (" + oidArray(g.oids) + ") THEN " + text
		}
	}
	if sql == "" {
		return ""
	}
	return "CASE" + sql + " ELSE q.d END"
}

// describedHead maps the name of a column at the beginning of a description, which has it as it is, without quotes.
func describedHead(text, where, from, to string) string {
	sql := "CASE"
	for _, before := range []string{"column ", "default value for column "} {
		head := literal(before + from + " of ")
		sql += " WHEN " + where + " AND pg_catalog.starts_with(q.d, " + head + ") THEN " + literal(before+to+" of ") + concat +
			"pg_catalog.substr(q.d, pg_catalog.length(" + head + ") OPERATOR(pg_catalog.+) 1)"
	}
	return sql + " ELSE " + text + " END"
}
