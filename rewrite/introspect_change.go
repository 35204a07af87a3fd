package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rules"
)

// While a change of columns lasts, the table has the columns of both sides, and what keeps them in step: a marker, triggers and
// CHECKs. A version sees its own side alone, with the defaults and NOT NULL that it declares: no trigger and no CHECK of Segue's,
// and no index or constraint on what it does not have.

// names of Segue's own triggers and constraints (package change).
func ownTrigger(name string) string {
	return "pg_catalog.substr(" + name + asText + ", 2, 7)" + eq + "'_segue_'"
}

func ownConstraint(name string) string {
	return "pg_catalog.starts_with(" + name + asText + ", '_segue_')"
}

// changeRows are the relations with rows that belong to a change, and the condition of such a row t.
var changeRows = map[string]func(in *introspection) string{
	"pg_catalog.pg_trigger": func(in *introspection) string {
		return in.hides("t.tgrelid") + " AND " + ownTrigger("t.tgname")
	},
	"pg_catalog.pg_constraint": func(in *introspection) string { return in.hiddenConstraint("t") },
	"pg_catalog.pg_attrdef":    func(in *introspection) string { return in.hidesColumn("t.adrelid", "t.adnum") },

	"pg_catalog.pg_class":               hiddenIndex("t.oid"),
	"pg_catalog.pg_index":               hiddenIndex("t.indexrelid"),
	"pg_catalog.pg_stat_all_indexes":    hiddenIndex("t.indexrelid"),
	"pg_catalog.pg_stat_user_indexes":   hiddenIndex("t.indexrelid"),
	"pg_catalog.pg_statio_all_indexes":  hiddenIndex("t.indexrelid"),
	"pg_catalog.pg_statio_user_indexes": hiddenIndex("t.indexrelid"),
	"pg_catalog.pg_indexes": func(in *introspection) string {
		return pairIn("t.schemaname", "t.indexname", "SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid"+eq+
			"c.relnamespace WHERE c.oid"+eq+"ANY ("+in.hiddenIndexes()+")")
	},

	"information_schema.triggers":                 func(*introspection) string { return ownTrigger("t.trigger_name") },
	"information_schema.triggered_update_columns": func(*introspection) string { return ownTrigger("t.trigger_name") },
	"information_schema.check_constraints":        namedConstraint("constraint_schema", false),
	"information_schema.table_constraints":        namedConstraint("constraint_schema", true),
	"information_schema.constraint_table_usage":   namedConstraint("constraint_schema", true),
	"information_schema.constraint_column_usage":  namedConstraint("constraint_schema", true),
	"information_schema.key_column_usage":         namedConstraint("constraint_schema", true),
}

// changeCondition is the condition of the rows t of a relation that belong to a change; "" where none is shown otherwise.
func (in *introspection) changeCondition(rel *catalog.Relation) string {
	condition := changeRows[rel.Schema+"."+rel.Name]
	if condition == nil || in.names.hidden == nil {
		return ""
	}
	return condition(in)
}

// hides is the condition that the version does not show a column of the table.
func (in *introspection) hides(table string) string {
	return in.sql(in.names.hidden) + hasField + table + asText
}

// hidesColumn is the condition that the version does not show the column.
func (in *introspection) hidesColumn(table, number string) string {
	return in.sql(in.names.hidden) + field + table + asText + hasField + number + asText
}

// hidesAny is the condition that it does not show one of several.
func (in *introspection) hidesAny(table, numbers string) string {
	return in.sql(in.names.hidden) + field + table + asText + " OPERATOR(pg_catalog.?|) " + numbers + "::pg_catalog.text[]"
}

func hiddenIndex(oid string) func(*introspection) string {
	return func(in *introspection) string { return oid + eq + "ANY (" + in.hiddenIndexes() + ")" }
}

// hiddenIndexes is an array of the indexes that have a column which the version does not show, or an expression over one. It
// depends on no row, so that it is made once in each execution.
func (in *introspection) hiddenIndexes() string {
	return "ARRAY(SELECT x.indexrelid FROM pg_catalog.pg_index AS x WHERE x.indrelid" + eq +
		"ANY (ARRAY(SELECT h.oid::pg_catalog.oid FROM pg_catalog.jsonb_object_keys(" + in.sql(in.names.hidden) + ") AS h(oid))) AND (" +
		in.hidesAny("x.indrelid", "x.indkey::pg_catalog.int2[]") + " OR EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid" + eq + classOid(classOfRelations) +
		" AND d.objid" + eq + "x.indexrelid AND d.refclassid" + eq + classOid(classOfRelations) + " AND d.refobjid" + eq + "x.indrelid AND " +
		in.hidesColumn("d.refobjid", "d.refobjsubid") + ")))"
}

// hiddenConstraint is the condition of a row of pg_constraint that is Segue's own, or about a column that the version does not
// show.
func (in *introspection) hiddenConstraint(row string) string {
	return in.hides(row+".conrelid") + " AND (" + ownConstraint(row+".conname") + " OR " + in.hidesAny(row+".conrelid", row+".conkey") + ") OR " +
		in.hidesAny(row+".confrelid", row+".confkey")
}

// notNullName is what the information schema calls a NOT NULL: the OIDs of schema and table, and the number of the column.
const notNullName = `'^[0-9]+_[0-9]+_[0-9]+_not_null$'`

// namedConstraint is the condition of a row that has the name of such a constraint, of a table that it names or of any.
func namedConstraint(schema string, ofTable bool) func(*introspection) string {
	return func(in *introspection) string {
		name := "t.constraint_name" + asText
		part := func(i string) string { return "pg_catalog.split_part(" + name + ", '_', " + i + ")" }
		sql := ownConstraint("t.constraint_name") + " OR " + name + " OPERATOR(pg_catalog.~) " + notNullName + " AND " + in.hidesColumn(part("2"), part("3"))
		// Of a row without a table it is certain only where no other constraint has the name.
		which := "NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS o WHERE o.connamespace" + eq + "k.connamespace AND o.conname" + eq + "k.conname AND o.oid OPERATOR(pg_catalog.<>) k.oid)"
		if ofTable {
			which = "c.relname" + eq + "t.table_name" + asText + "::pg_catalog.name"
		}
		return sql + " OR " + pairIn("t."+schema, "t.constraint_name", "SELECT n.nspname, k.conname FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_namespace AS n ON n.oid"+
			eq+"k.connamespace JOIN pg_catalog.pg_class AS c ON c.oid"+eq+"k.conrelid WHERE "+which+" AND ("+in.hiddenConstraint("k")+")")
	}
}

// pairIn is the condition that a pair of names is in the rows of a query.
func pairIn(a, b, query string) string {
	return "(" + a + asText + ", " + b + asText + ") OPERATOR(pg_catalog.=) ANY (SELECT q.a" + asText + ", q.b" + asText + " FROM (" + query + ") AS q(a, b))"
}

// firstDeclared is the OID that the first of the defaults has which a version declares: beyond those that a server gets to.
const firstDeclared = 4_294_000_000

// declaredNames makes the entries of what the tables of a lens declare: {OID: {attnum: {"not_null", "default", "oid"}}}.
func declaredNames(lens *rules.Lens) *rules.NameMap {
	out, oid := object{}, int64(firstDeclared)
	for _, t := range lens.Tables {
		for _, c := range t.Columns {
			if c.Declared == nil {
				continue
			}
			e := declaredEntry(c.Declared)
			if c.Declared.Default != "" {
				e["oid"] = oid
				oid++
			}
			out.at(number(int64(t.OID)))[number(int64(c.Num))] = e
		}
	}
	return out.sealed()
}

func declaredEntry(d *rules.Declared) object {
	e := object{"not_null": d.NotNull}
	if d.Default != "" {
		e["default"] = d.Default
	}
	return e
}

// addDeclared has columns of the catalogs show what the version declares.
func (r *rowMap) addDeclared() {
	declared := r.in.names.declared
	if declared == nil {
		return
	}
	set := func(column, value string) {
		if r.values == nil {
			r.values = map[string]string{}
		}
		r.values[column] = value
	}
	switch r.rel.Schema + "." + r.rel.Name {
	case "pg_catalog.pg_attribute":
		entry := r.in.sql(declared) + field + "t.attrelid" + asText + field + "t.attnum" + asText
		set("attnotnull", "COALESCE(("+entry+fieldText+"'not_null')::pg_catalog.bool, t.attnotnull)")
		set("atthasdef", "COALESCE("+entry+hasField+"'default', t.atthasdef)")
	case "information_schema.columns":
		entry := r.in.sql(r.in.names.named) + field + "t.table_name" + asText + field + "t.table_schema" + asText + field + "'declared'" + field + "t.column_name" + asText
		set("is_nullable", "CASE "+entry+fieldText+"'not_null' WHEN 'true' THEN 'NO' WHEN 'false' THEN 'YES' ELSE t.is_nullable"+asText+" END")
		set("column_default", "CASE WHEN ("+entry+") IS NULL THEN t.column_default"+asText+" ELSE "+entry+fieldText+"'default' END")
	}
}

// declaredDefaults are rows of pg_attrdef for the defaults that the version declares. There is no tree for them: pg_get_expr
// has their text, see declaredExpr.
func (in *introspection) declaredDefaults(rel *catalog.Relation, system []string) string {
	if in.names.declared == nil || rel.Schema != "pg_catalog" || rel.Name != "pg_attrdef" || len(rel.Columns) != 4 {
		return ""
	}
	columns := "(a.v" + fieldText + "'oid')::pg_catalog.oid, r.k::pg_catalog.oid, a.k::pg_catalog.int2, NULL::pg_catalog.pg_node_tree"
	for _, name := range system {
		columns += ", " + map[string]string{
			"tableoid": "'2604'::pg_catalog.oid", "ctid": "NULL::pg_catalog.tid", "xmin": "NULL::pg_catalog.xid", "xmax": "NULL::pg_catalog.xid",
			"cmin": "NULL::pg_catalog.cid", "cmax": "NULL::pg_catalog.cid",
		}[name]
	}
	return " UNION ALL SELECT " + columns + " FROM pg_catalog.jsonb_each(" + in.sql(in.names.declared) +
		") AS r(k, v), pg_catalog.jsonb_each(r.v) AS a(k, v) WHERE a.v" + hasField + "'default'"
}

// printsDeclared reports whether a call is one of pg_get_expr, where the version declares defaults.
func (b *binding) printsDeclared(f *ast.FuncCall) bool {
	return f != nil && b.views.names.declared != nil && len(f.Args) > 0 && ast.IsBuiltin(ast.StrVals(f.Funcname), "pg_get_expr")
}

// declaredExpr has pg_get_expr print the defaults that the version declares, where its argument is the column adbin of
// pg_attrdef. It comes after whatever else is made of the call.
func (b *binding) declaredExpr(s *scope, n *ast.Node) {
	f := n.GetFuncCall()
	if !b.printsDeclared(f) || b.groups() {
		return
	}
	c := b.columns[f.Args[0].GetColumnRef()]
	if c == nil || c.root == nil || c.root.item == nil {
		return
	}
	it := c.root.item
	if it.rel == nil || it.rel.Schema != "pg_catalog" || it.rel.Name != "pg_attrdef" || c.root != columnOf(it, "adbin") {
		return
	}
	keys := [2]string{}
	for i, name := range []string{"adrelid", "adnum"} {
		key := columnOf(it, name)
		text, ok := "", false
		if key != nil {
			text, ok = b.spellingOf(s, it, it, key)
		}
		if !ok {
			return
		}
		keys[i] = text
	}
	entry := b.views.sql(b.views.names.declared) + field + keys[0] + asText + field + keys[1] + asText
	before := "CASE WHEN " + entry + hasField + "'default' THEN " + entry + fieldText + "'default' ELSE "
	start, end := b.tokens.Start(b.tokens.At(int(f.Location))), b.tokens.End(b.closing(b.afterIdent(b.functionName(f))))
	b.affected = true
	before, after := "("+before, " END)"
	b.changes = slices.Insert(b.changes, 0, change{edit: splice.Edit{Start: start, End: start, New: before}})
	b.replace(end, end, after, func() { fillTemplate(n, []string{before, after}, []*ast.Node{{Node: n.Node}}) })
}

// changeWords are the relations without names of tables and columns that show what belongs to a change.
func changeWords() (out []string) {
	for name := range changeRows {
		if name, ok := strings.CutPrefix(name, "pg_catalog."); ok && catalogRelations["pg_catalog."+name].mentions == nil {
			out = append(out, name)
		}
	}
	return out
}

// hasHidden reports whether a table has columns that a version does not show.
func hasHidden(snap *rules.Snapshot) bool {
	for _, lens := range snap.Lenses {
		for _, t := range lens.Tables {
			if rel := snap.Catalog.Relation(t.OID); rel != nil && len(t.Columns) < len(rel.Columns) {
				return true
			}
		}
	}
	return false
}
