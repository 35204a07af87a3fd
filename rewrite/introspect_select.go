package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A substitute is what stands for a catalog relation in FROM: its rows, with other names in the few that speak of a table
// that looks different. It is plain enough for the planner to pull up (is_simple_subquery), so that the plan is the one
// that the relation itself would have. Where conditions on a name look for an index, they get one; see narrow.
type substitute struct {
	text   string
	query  *ast.Node       // the same as a tree; only read
	mapped map[string]bool // the columns that may show something else than the relation has

	names, columns []string // the columns of the relation, and how each is shown
	system         string   // what follows them in the list
	from           string   // what follows the list
}

// The operators and types in what is sent are qualified, since the client's search_path may hold others.
const (
	eq      = " OPERATOR(pg_catalog.=) "
	concat  = " OPERATOR(pg_catalog.||) "
	nameArr = "::pg_catalog.name[]"
)

// substituteFor makes the substitute of a catalog relation, with some system columns behind its own; nil if no row
// looks different.
func (in *introspection) substituteFor(rel *catalog.Relation, system []string) *substitute {
	key := rel.Schema + "." + rel.Name + " " + strings.Join(system, " ")
	if s, ok := in.substitutes.Load(key); ok {
		return s.(*substitute)
	}
	s := in.spell(rel, system, nil)
	in.substitutes.Store(key, s)
	return s
}

// substituteFor is the same for a session: what definitions that are kept as trees show is known to its server.
func (b *binding) substituteFor(rel *catalog.Relation, system []string) *substitute {
	shown := map[string]string{}
	for column, form := range shownBy(rel).stored {
		if c := rel.Column(column); c != nil {
			pairs := b.mapped(form)
			if len(pairs) > 0 {
				shown[column] = b.views.storedSQL("t."+syntax.QuoteIdent(column), pairs)
			}
		}
	}
	if sent := shownBy(rel).sent; sent != "" {
		if pairs := b.clientTexts(); len(pairs) > 0 {
			shown[sent] = choiceSQL("t."+syntax.QuoteIdent(sent), "t."+syntax.QuoteIdent(sent), pairs, nil)
		}
	}
	if len(shown) == 0 {
		return b.views.substituteFor(rel, system)
	}
	return b.views.spell(rel, system, shown)
}

// storedSQL maps a column with a definition, which is printed once.
func (in *introspection) storedSQL(column string, pairs []storedPair) string {
	return "(SELECT " + choiceSQL("q.d", "q.d", pairs, func(p storedPair) string {
		if rel := in.cat.Relation(p.rel); rel != nil {
			return "t.schemaname" + eq + syntax.QuoteLiteral(rel.Schema) + " AND t.tablename" + eq + syntax.QuoteLiteral(rel.Name)
		}
		return "true"
	}) + " FROM (SELECT " + column + "::pg_catalog.text AS d OFFSET 0) AS q)"
}

// spell writes a substitute. shown has the columns that show something else in all rows.
func (in *introspection) spell(rel *catalog.Relation, system []string, shown map[string]string) *substitute {
	rows := rowMap{in: in, rel: rel, shown: shown}
	for _, m := range shownBy(rel).mentions {
		rows.add(m)
	}
	rows.addDeclared()
	if condition := in.changeCondition(rel); condition != "" {
		rows.hidden = append(rows.hidden, condition)
	}
	if sql := in.indexColumnsSQL(); sql != "" && rel.Schema == "pg_catalog" && rel.Name == "pg_attribute" {
		rows.otherwise = map[string]string{"attname": sql}
	}
	if len(rows.names) == 0 && len(rows.values) == 0 && len(rows.hidden) == 0 && len(shown) == 0 {
		return nil
	}
	columns := make([]string, 0, len(rel.Columns)+len(system))
	mapped := map[string]bool{}
	for i := range rel.Columns {
		sql, changed := rows.column(&rel.Columns[i])
		columns = append(columns, sql)
		mapped[rel.Columns[i].Name] = changed
	}
	s := &substitute{columns: columns, names: make([]string, len(columns)), mapped: mapped}
	for i := range rel.Columns {
		s.names[i] = rel.Columns[i].Name
	}
	for _, name := range system {
		s.system += ", t." + name
	}
	s.from = " FROM " + syntax.QuoteIdent(rel.Schema) + "." + syntax.QuoteIdent(rel.Name) + " AS t"
	for i, hidden := range rows.hidden {
		s.from += []string{" WHERE (", " AND ("}[min(i, 1)] + hidden + ") IS NOT TRUE"
	}
	more := in.declaredDefaults(rel, system)
	for _, c := range rel.Columns {
		mapped[c.Name] = mapped[c.Name] || more != "" // what a UNION puts out comes from no table
	}
	s.from += more
	return s.parsed(columns)
}

// parsed completes a substitute, with those columns.
func (s *substitute) parsed(columns []string) *substitute {
	return s.spelled("(SELECT " + strings.Join(columns, ", ") + s.system + s.from + ")")
}

// spelled gives a substitute its text, and the tree of that.
func (s *substitute) spelled(text string) *substitute {
	s.text = text
	tree, err := syntax.Parse("SELECT FROM " + s.text + " AS t")
	if err != nil {
		panic("the substitute of a catalog does not parse: " + err.Error() + ": " + s.text)
	}
	s.query = tree.Stmts[0].Stmt.GetSelectStmt().FromClause[0].GetRangeSubselect().Subquery
	return s
}

// A rowMap is how the rows of a catalog relation are shown.
type rowMap struct {
	in     *introspection
	rel    *catalog.Relation
	hidden []string          // conditions on t of rows that are not shown
	shown  map[string]string // what columns show in all rows, as text

	names     map[string][]string // by column: what is shown where it is not NULL, as text
	values    map[string]string   // by column: what is shown
	otherwise map[string]string   // by column: what is shown where names are all NULL
	within    map[string]string   // by column: what is true of the rows for which names are not all NULL
}

// column is the expression that shows a column, under its name and of its type, and whether it may show something else
// than the column has.
func (r *rowMap) column(c *catalog.Column) (sql string, changed bool) {
	value, names := r.values[c.Name], r.names[c.Name]
	if value == "" && len(names) == 0 && r.shown[c.Name] == "" {
		return "t." + syntax.QuoteIdent(c.Name), false
	}
	if value == "" {
		value = r.value(c.Name)
	}
	if within := r.within[c.Name]; within != "" && len(names) == 1 && r.otherwise[c.Name] == "" {
		name := "CAST(COALESCE(" + names[0] + ", " + value + asText + ") AS " + typeOf(c) + ")"
		return "CASE WHEN " + within + " THEN " + name + " ELSE " + value + " END AS " + syntax.QuoteIdent(c.Name), true
	}
	if len(names) > 0 {
		otherwise := r.otherwise[c.Name]
		if otherwise == "" {
			otherwise = value + asText
		}
		// The collation is that of the name, which goes before the default one of a text.
		value = "COALESCE(" + strings.Join(names, ", ") + ", " + otherwise + ")"
	}
	return "CAST(" + value + " AS " + typeOf(c) + ") AS " + syntax.QuoteIdent(c.Name), true
}

// value is the value of a column before names are mapped.
func (r *rowMap) value(column string) string {
	if r.shown[column] != "" {
		return r.shown[column]
	}
	return "t." + syntax.QuoteIdent(column)
}

// typeOf is the qualified name of a system column's type.
func typeOf(c *catalog.Column) string {
	if strings.Contains(c.TypeName, ".") {
		return c.TypeName
	}
	if c.TypeName == "boolean" { // that is a word of SQL
		return "pg_catalog.bool"
	}
	return "pg_catalog." + c.TypeName
}

// name has a column show a name, as text, where that is not NULL.
func (r *rowMap) name(column, sql string) {
	if r.names == nil {
		r.names = map[string][]string{}
	}
	r.names[column] = append(r.names[column], sql)
}

// isWithin notes in which ranges of OIDs the rows of another name are: what is outside of them is shown as it is, for next to nothing.
func (r *rowMap) isWithin(column string, ranges oidRanges, key, more string) {
	if r.shown[column] == "" && r.values[column] == "" {
		put(&r.within, column, ranges.sql(key)+more)
	}
}

// add adds what a mention shows. Columns that the server does not have (those of another version of it) are left out.
func (r *rowMap) add(m mention) {
	in, n := r.in, &r.in.names
	key := func(column string) string { return "t." + column + asText }
	switch {
	case m.rowType != "":
		if n.types != nil {
			r.name(m.typ, in.sql(n.types)+fieldText+key(m.rowType))
			more := ""
			if in.calls(n.types) { // there are so many types in many a result that not even a cast is to be made in vain
				more = " AND " + in.sql(n.types) + hasField + key(m.rowType)
			}
			r.isWithin(m.typ, n.typesWithin, "t."+m.rowType, more)
		}
	case m.typ != "":
		if n.namedTypes != nil {
			r.name(m.typ, in.sql(n.namedTypes)+field+key(m.typ)+fieldText+key(m.schema))
		}
	case m.oid != "":
		if m.table != "" && n.relations != nil {
			r.name(m.table, in.sql(n.relations)+fieldText+key(m.oid))
			r.isWithin(m.table, n.relationsWithin, "t."+m.oid, m.only)
		}
		for _, column := range m.columns {
			if n.columns != nil {
				r.name(column, "CASE WHEN "+n.columnsWithin.sql("t."+m.oid)+" THEN "+in.sql(n.columns)+field+key(m.oid)+fieldText+key(m.number)+" END")
			}
			if n.hidden != nil {
				r.hidden = append(r.hidden, in.sql(n.hidden)+field+key(m.oid)+hasField+key(m.number))
			}
		}
	case n.named != nil:
		r.addNamed(m, in.sql(n.named)+field+key(m.table)+field+key(m.schema))
	}
}

// addNamed adds what a view shows of the table with an entry, which is NULL for one that does not differ.
func (r *rowMap) addNamed(m mention, entry string) {
	n := &r.in.names
	if n.relations != nil {
		r.name(m.table, entry+fieldText+"'to'")
	}
	for _, name := range m.columns {
		if r.rel.Column(name) == nil {
			continue
		}
		if n.columns != nil {
			r.name(name, entry+field+"'columns'"+fieldText+"t."+name+asText)
		}
		if n.hidden != nil {
			r.hidden = append(r.hidden, entry+field+"'hidden'"+hasField+"t."+name+asText)
		}
	}
	set := func(name, value string) {
		if r.values == nil {
			r.values = map[string]string{}
		}
		r.values[name] = value
	}
	for _, name := range m.lists {
		if r.rel.Column(name) != nil && (n.columns != nil || n.hidden != nil) {
			set(name, listSQL("t."+name, entry))
		}
	}
	for _, name := range m.definitions {
		switch c := r.rel.Column(name); {
		case c == nil || n.entries == nil:
		case c.TypeName == "text[]":
			set(name, eachSQL("t."+name, definitionSQL("u.d", "v.e", "", definitionPattern), entry))
		default:
			set(name, "(CASE WHEN ("+entry+") IS NULL THEN "+r.value(name)+asText+" ELSE (SELECT "+definitionSQL("q.d", "q.e", "", definitionPattern)+
				" FROM (SELECT "+r.value(name)+asText+" AS d, "+entry+" AS e OFFSET 0) AS q) END)")
		}
	}
}

// listSQL maps an array of names of columns of the table with an entry.
func listSQL(list, entry string) string {
	return "CASE WHEN " + list + " IS NULL OR (" + entry + ") IS NULL THEN " + list + " ELSE ARRAY(SELECT COALESCE(v.e" + field + "'columns'" + fieldText +
		"u.n" + asText + ", u.n" + asText + ")::pg_catalog.name FROM (SELECT " + entry + " AS e) AS v, pg_catalog.unnest(" + list +
		") WITH ORDINALITY AS u(n, i) WHERE (v.e" + field + "'hidden'" + hasField + "u.n" + asText + ") IS NOT TRUE ORDER BY u.i) END"
}

// eachSQL maps the elements u.d of an array, with the entry v.e.
func eachSQL(array, element, entry string) string {
	return "CASE WHEN " + array + " IS NULL OR (" + entry + ") IS NULL THEN " + array + " ELSE ARRAY(SELECT " + element + " FROM (SELECT " + entry +
		" AS e) AS v, pg_catalog.unnest(" + array + ") WITH ORDINALITY AS u(d, i) ORDER BY u.i) END"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func oidLiteral(oid catalog.OID) string { return "'" + number(int64(oid)) + "'::pg_catalog.oid" }

// oidNumbers is an array of OIDs as numbers.
func oidNumbers(oids []catalog.OID) string {
	list := make([]string, len(oids))
	for i, oid := range oids {
		list[i] = number(int64(oid))
	}
	return "'{" + strings.Join(list, ",") + "}'::pg_catalog.int8[]"
}

func textArray(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = syntax.QuoteLiteral(s)
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]"
}
