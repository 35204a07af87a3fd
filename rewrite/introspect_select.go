package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// A substitute is what stands for a catalog relation in FROM: its rows as they are, but for the few that speak of a
// table that looks different. Both halves are plain enough for the planner to pull up (is_simple_union_all), so that
// the indexes of the catalogs serve as before.
type substitute struct {
	text  string
	query *ast.Node // the same as a tree; only read
	union bool      // what it puts out comes from no table, as far as the server says
}

// The operators and types in what is sent are qualified, since the client's search_path may hold others.
const (
	eq      = " OPERATOR(pg_catalog.=) "
	concat  = " OPERATOR(pg_catalog.||) "
	nameArr = "::pg_catalog.name[]"
	oidArr  = "::pg_catalog.oid[]"
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
				shown[column] = b.views.storedSQL("t."+quoteIdent(column), pairs)
			}
		}
	}
	if sent := shownBy(rel).sent; sent != "" {
		if pairs := b.clientTexts(); len(pairs) > 0 {
			shown[sent] = choiceSQL("t."+quoteIdent(sent), "t."+quoteIdent(sent), pairs, nil)
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
			return "t.schemaname" + eq + literal(rel.Schema) + " AND t.tablename" + eq + literal(rel.Name)
		}
		return "true"
	}) + " FROM (SELECT " + column + "::pg_catalog.text AS d OFFSET 0) AS q)"
}

// spell writes a substitute. shown has the columns that show something else in all rows.
func (in *introspection) spell(rel *catalog.Relation, system []string, shown map[string]string) *substitute {
	rows := rowMap{shown: shown}
	if sql := in.indexColumnsSQL(); sql != "" && rel.Schema == "pg_catalog" && rel.Name == "pg_attribute" {
		rows.shown = map[string]string{"attname": sql}
	}
	for _, m := range shownBy(rel).mentions {
		for _, g := range in.groups {
			rows.add(rel, m, g)
		}
	}
	if len(rows.concerned) == 0 && len(rows.oids) == 0 && len(shown) == 0 {
		return nil
	}
	from := " FROM " + quoteIdent(rel.Schema) + "." + quoteIdent(rel.Name) + " AS t"
	plain := make([]string, 0, len(rel.Columns)+len(system))
	mapped := make([]string, 0, len(rel.Columns)+len(system))
	for i := range rel.Columns {
		plain = append(plain, rows.plain(&rel.Columns[i]))
		mapped = append(mapped, rows.column(&rel.Columns[i]))
	}
	for _, name := range system {
		plain, mapped = append(plain, "t."+name), append(mapped, "t."+name)
	}
	text := "(" + rows.query(strings.Join(plain, ", "), strings.Join(mapped, ", "), from,
		catalogRelations[rel.Schema+"."+rel.Name].costly) + ")"
	tree, err := parseText("SELECT FROM " + text + " AS t")
	if err != nil {
		panic("the substitute of " + rel.Name + " does not parse: " + err.Error() + ": " + text)
	}
	query := tree.Stmts[0].Stmt.GetSelectStmt().FromClause[0].GetRangeSubselect().Subquery
	return &substitute{text: text, query: query, union: strings.Contains(text, " UNION ALL ")}
}

// query puts the rows together. Where they are told by OID, which half a row comes from is decided above the halves:
// a half without a condition of its own becomes a plain scan in the planner's eyes (is_safe_append_member), so that
// joins can use its indexes too.
func (r *rowMap) query(plain, mapped, from string, costly bool) string {
	shown := ""
	for _, hidden := range r.hidden {
		shown += " AND (" + hidden + ") IS NOT TRUE"
	}
	if len(r.oids) > 0 {
		return "SELECT " + plain + " FROM (SELECT " + plain + ", false AS " + mappedMark + from + " UNION ALL SELECT " + mapped + ", true" + from +
			") AS t WHERE (t." + r.oid + eq + "ANY (" + oidArray(r.oids) + "))" + eq + "t." + mappedMark + shown
	}
	if costly || len(r.concerned) == 0 {
		return "SELECT " + mapped + from + " WHERE true" + shown
	}
	concerned := " WHERE (" + strings.Join(r.concerned, " OR ") + ")"
	return "SELECT " + plain + from + concerned + " IS NOT TRUE UNION ALL SELECT " + mapped + from + concerned + shown
}

// mappedMark is the column that tells the two halves apart.
const mappedMark = "_segue_mapped"

// A rowMap is how the rows of a catalog relation are shown.
type rowMap struct {
	oid       string              // the column that tells the rows, where there is one
	oids      []catalog.OID       // its values in the rows that look different
	concerned []string            // else conditions on t; a row for which none is true stays as it is
	hidden    []string            // conditions on t of rows that are not shown
	shown     map[string]string   // what columns show in all rows, as text
	when      map[string][]string // by column: WHEN condition THEN value
	changes   int                 // how many conditions and values there are
}

func (r *rowMap) set(column, condition, value string) {
	if r.when == nil {
		r.when = map[string][]string{}
	}
	r.changes++
	r.when[column] = append(r.when[column], " WHEN "+condition+" THEN "+value)
}

// column is the expression that shows a column, under its name and of its type.
func (r *rowMap) column(c *catalog.Column) string {
	when := r.when[c.Name]
	if len(when) == 0 {
		return r.plain(c)
	}
	return "CAST(CASE" + strings.Join(when, "") + " ELSE " + r.value(c.Name) + " END AS " + typeOf(c) + ") AS " + quoteIdent(c.Name)
}

// plain shows a column of a row that speaks of no table that looks different.
func (r *rowMap) plain(c *catalog.Column) string {
	if r.shown[c.Name] == "" {
		return "t." + quoteIdent(c.Name)
	}
	return "CAST(" + r.shown[c.Name] + " AS " + typeOf(c) + ") AS " + quoteIdent(c.Name)
}

// value is the value of a column before names are mapped.
func (r *rowMap) value(column string) string {
	if r.shown[column] != "" {
		return r.shown[column]
	}
	return "t." + quoteIdent(column)
}

// typeOf is the qualified name of a system column's type.
func typeOf(c *catalog.Column) string {
	if strings.Contains(c.TypeName, ".") {
		return c.TypeName
	}
	return "pg_catalog." + c.TypeName
}

// add adds what a mention shows of the tables of a group.
func (r *rowMap) add(rel *catalog.Relation, m mention, g *tableGroup) {
	if m.rowType != "" || m.typ != "" {
		r.addType(rel, m, g)
		return
	}
	where := m.concerns(g)
	before := r.changes
	if m.table != "" && g.renamed {
		r.set(m.table, where, literal(g.logical))
	}
	r.addColumns(rel, m, g, where)
	switch {
	case r.changes == before:
	case m.oid != "":
		r.oid, r.oids = m.oid, append(r.oids, g.oids...)
	default:
		r.concerned = append(r.concerned, where)
	}
}

// addColumns maps what shows names of columns. Columns that the server does not have (those of another version of it)
// are left out.
func (r *rowMap) addColumns(rel *catalog.Relation, m mention, g *tableGroup, where string) {
	for _, name := range m.columns {
		if rel.Column(name) == nil {
			continue
		}
		for _, c := range g.columns {
			if m.number != "" {
				r.set(name, where+" AND t."+m.number+eq+number(int64(c.Num)), literal(c.Logical))
			} else {
				r.set(name, where+" AND t."+name+eq+literal(c.Physical), literal(c.Logical))
			}
		}
		for _, c := range g.hidden {
			r.changes++
			if m.number != "" {
				r.hidden = append(r.hidden, where+" AND t."+m.number+eq+number(int64(c.Num)))
			} else {
				r.hidden = append(r.hidden, where+" AND t."+name+eq+literal(c.Name))
			}
		}
	}
	for _, name := range m.lists {
		if rel.Column(name) != nil && len(g.columns)+len(g.hidden) > 0 {
			r.set(name, where, g.listSQL("t."+name))
		}
	}
	for _, name := range m.definitions {
		switch c := rel.Column(name); {
		case c == nil || len(g.columns) == 0 && !g.renamed:
		case c.TypeName == "text[]":
			r.set(name, where, eachSQL("t."+name, g.definitionSQL("u.d")))
		default:
			r.set(name, where, g.definitionSQL(r.value(name)+"::pg_catalog.text"))
		}
	}
}

// addType maps the name of a row type and of its array.
func (r *rowMap) addType(rel *catalog.Relation, m mention, g *tableGroup) {
	if !g.renamed || g.rowType == 0 {
		return
	}
	type pair struct {
		oid           catalog.OID
		name, logical string
	}
	for _, p := range []pair{{g.rowType, g.names[0], g.logical}, {g.array, arrayName(g.names[0]), arrayName(g.logical)}} {
		var where string
		switch {
		case p.oid == 0:
			continue
		case m.rowType != "":
			where = "t." + m.rowType + eq + oidLiteral(p.oid)
		default:
			where = "t." + m.schema + eq + literal(g.schema) + " AND t." + m.typ + eq + literal(p.name)
		}
		r.set(m.typ, where, literal(p.logical))
		if m.rowType != "" {
			r.oid, r.oids = m.rowType, append(r.oids, p.oid)
		} else {
			r.concerned = append(r.concerned, where)
		}
	}
}

// concerns is the condition that the row t of a catalog relation speaks of a table of the group.
func (m mention) concerns(g *tableGroup) string {
	if m.oid != "" {
		return "t." + m.oid + eq + "ANY (" + oidArray(g.oids) + ")"
	}
	where := "t." + m.schema + eq + literal(g.schema) + " AND t." + m.table + eq
	if len(g.names) == 1 {
		return where + literal(g.names[0])
	}
	return where + "ANY (" + textArray(g.names) + nameArr + ")"
}

// listSQL maps an array of names.
func (g *tableGroup) listSQL(list string) string {
	sql := "CASE WHEN " + list + " IS NOT NULL THEN ARRAY(SELECT " + g.columnSQL("u.n") + " FROM pg_catalog.unnest(" + list +
		") WITH ORDINALITY AS u(n, i)"
	if len(g.hidden) > 0 {
		names := make([]string, len(g.hidden))
		for i, c := range g.hidden {
			names[i] = c.Name
		}
		sql += " WHERE (u.n" + eq + "ANY (" + textArray(names) + nameArr + ")) IS NOT TRUE"
	}
	return sql + " ORDER BY u.i) END"
}

// columnSQL maps one name of a column.
func (g *tableGroup) columnSQL(name string) string {
	if len(g.columns) == 0 {
		return name
	}
	sql := "CASE"
	for _, c := range g.columns {
		sql += " WHEN " + name + eq + literal(c.Physical) + " THEN " + literal(c.Logical) + "::pg_catalog.name"
	}
	return sql + " ELSE " + name + " END"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func oidLiteral(oid catalog.OID) string { return "'" + number(int64(oid)) + "'::pg_catalog.oid" }

func oidArray(oids []catalog.OID) string {
	list := make([]string, len(oids))
	for i, oid := range oids {
		list[i] = number(int64(oid))
	}
	return "'{" + strings.Join(list, ",") + "}'" + oidArr
}

func textArray(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = literal(s)
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]"
}

// literal is a string constant, whatever standard_conforming_strings is.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
