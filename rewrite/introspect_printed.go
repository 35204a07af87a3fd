package rewrite

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// PostgreSQL prints the name of a relation or type with its schema where the name alone would find something else, or nothing
// (RelationIsVisible and TypeIsVisible in namespace.c). For a version that has to be told by its own names: those of the tables that have
// another name, and those of everything that has one of these names, in the version or in the database.

// printedNames are such names of relations, or of types, as a JSON object: {OID: {"from", "to", "schema"}}, and {"=name": [schemas]} with
// the schemas in which something is called so by the version alone. An array has the "suffix" and the "element" by which it is printed, too,
// and its own "name".
type printedNames struct {
	names   *rules.NameMap // nil when there are none
	entries map[string]object
	within  oidRanges // of the OIDs
	types   bool
	alone   bool // nothing but temporary relations can make a name find another object than it finds in the database
}

// noTemporary is the SQL of whether the session has made nothing temporary, without a look at the names.
const noTemporary = "pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0::pg_catalog.oid"

func newPrintedRelations(cat *catalog.Catalog, groups []*ruleutils.Table) printedNames {
	p := printedNames{entries: map[string]object{}, alone: true}
	called := object{}
	for _, g := range groups {
		if g.Renamed {
			p.add(g.OIDs[0], g.Schema, g.Names[0], g.Logical)
			called.add("="+g.Logical, g.Schema)
		}
	}
	for _, g := range groups {
		if !g.Renamed {
			continue
		}
		for _, name := range []string{g.Names[0], g.Logical} {
			for _, rel := range cat.Named(name) {
				p.alone = p.alone && rel.OID == g.OIDs[0]
				p.add(rel.OID, rel.Schema, name, name)
			}
		}
	}
	return p.sealed(called)
}

func newPrintedTypes(cat *catalog.Catalog, groups []*ruleutils.Table) printedNames {
	p := printedNames{entries: map[string]object{}, types: true, alone: true}
	called := object{}
	for _, g := range groups {
		if !g.Renamed || g.RowType == 0 {
			continue
		}
		p.add(g.RowType, g.Schema, g.Names[0], g.Logical)
		called.add("="+g.Logical, g.Schema)
		if g.Array != 0 {
			p.addArray(g.Array, g.RowType, g.Schema, g.Names[0], g.Logical, arrayName(g.Logical))
			called.add("="+arrayName(g.Logical), g.Schema)
		}
	}
	for _, g := range groups {
		if !g.Renamed || g.RowType == 0 {
			continue
		}
		for _, name := range []string{g.Names[0], g.Logical} {
			for _, rel := range cat.Named(name) {
				p.alone = p.alone && rel.OID == g.OIDs[0]
				if rel.RowType != 0 {
					p.add(rel.RowType, rel.Schema, name, name)
				}
			}
			for _, t := range cat.TypesNamed(name) {
				p.alone = p.alone && t.OID == g.RowType
				p.add(t.OID, t.Schema, name, name)
			}
			for _, t := range cat.TypesNamed(arrayName(name)) {
				p.alone = p.alone && t.OID == g.Array
				if t.Elem != 0 {
					p.addArray(t.OID, t.Elem, t.Schema, name, name, t.Name)
				}
			}
		}
	}
	return p.sealed(called)
}

// add adds what is not there yet.
func (p *printedNames) add(oid catalog.OID, schema, from, to string) {
	if key := number(int64(oid)); p.entries[key] == nil {
		p.entries[key] = object{"from": from, "to": to, "schema": schema}
	}
}

func (p *printedNames) addArray(oid, element catalog.OID, schema, from, to, name string) {
	key := number(int64(oid))
	if p.entries[key] == nil {
		p.add(oid, schema, from, to)
		p.entries[key]["suffix"], p.entries[key]["element"], p.entries[key]["name"] = "[]", number(int64(element)), name
	}
}

func (p printedNames) sealed(called object) printedNames {
	for _, of := range called { // each has the schemas of what the version calls so
		schemas, _ := of.([]string)
		p.alone = p.alone && len(schemas) == 1
	}
	for key, e := range p.entries {
		called[key] = e
	}
	p.names, p.within = called.sealed(), newOIDRanges(called)
	return p
}

// hasFunctions reports whether texts may call the functions of the store that need no map to be stored.
func (in *introspection) hasFunctions() bool { return len(in.held) > 0 }

// sql is the SQL of what is printed of the object with an OID, by what the database prints of it.
//
// Without the functions of the store no subquery is to be had, since the OID may be grouped by: what might have to have its schema has it.
func (p *printedNames) sql(in *introspection, text, oid string) string {
	names := in.sql(p.names)
	if in.hasFunctions() {
		sql := "segue.printed(" + text + ", " + oid + ", " + names + ", " + boolean(p.types) + ")"
		if p.alone {
			sql = "CASE WHEN " + noTemporary + " THEN " + p.inPlace(text, names+field+oid+asText) + " ELSE " + sql + " END"
		}
		return sql
	}
	entry := names + field + oid + asText
	at := func(key string) string { return "(" + entry + fieldText + "'" + key + "')" }
	lookup := "to_regclass"
	suffix := ""
	if p.types {
		lookup, suffix = "to_regtype", concat+"COALESCE("+at("suffix")+", '')"
	}
	old := "(pg_catalog.quote_ident(" + at("from") + ")" + suffix + ")"
	to := "pg_catalog.quote_ident(" + at("to") + ")"
	others := names + field + "('='" + concat + at("to") + ")"
	alone := text + eq + old + " AND CASE WHEN " + at("from") + eq + at("to") + " THEN (" + others + ") IS NULL ELSE pg_catalog." + lookup + "(" + to + ") IS NULL" +
		" AND pg_catalog.jsonb_array_length(" + others + ")" + eq + "1 END"
	return "CASE WHEN pg_catalog.right(" + text + ", pg_catalog.length(" + old + "))" + eq + old + " THEN CASE WHEN " + alone +
		" THEN '' ELSE pg_catalog.quote_ident(" + at("schema") + ")" + concat + "'.' END" + concat + to + suffix + " ELSE " + text + " END"
}

// schemaPattern finds the schema and the dot before a name.
var schemaPattern = syntax.WithIdents(`^%[.]`)

// inPlace is the SQL of what is printed where the version's name has its schema as the database's has.
func (p *printedNames) inPlace(text, entry string) string {
	if !p.types {
		return "segue.renamed(" + text + ", " + entry + ")"
	}
	return "COALESCE(COALESCE(pg_catalog.substring(" + text + ", " + syntax.QuoteLiteral(schemaPattern) + "), '')" + concat + "pg_catalog.quote_ident(" + entry +
		fieldText + "'to')" + concat + "CASE WHEN pg_catalog.right(" + text + ", 2)" + eq + "'[]' THEN '[]' ELSE '' END, " + text + ")"
}

// visible is the SQL of whether the object with an OID is found by its name alone; otherwise is what the database says of it.
func (p *printedNames) visible(in *introspection, otherwise, oid string) string {
	names := in.sql(p.names)
	if in.hasFunctions() {
		sql := "segue.is_visible(" + oid + ", " + otherwise + ", " + names + ", " + boolean(p.types) + ")"
		if p.alone {
			sql = "CASE WHEN " + noTemporary + " THEN " + otherwise + " ELSE " + sql + " END"
		}
		return sql
	}
	relation, name, space := "pg_class", "relname", "relnamespace"
	if p.types {
		relation, name, space = "pg_type", "typname", "typnamespace"
	}
	called := func(entry string) string {
		return "COALESCE(" + entry + fieldText + "'name', " + entry + fieldText + "'to')"
	}
	schema := "p.s" + asText
	there := "EXISTS (SELECT FROM pg_catalog." + relation + " AS o, pg_catalog.pg_namespace AS n WHERE n.nspname" + eq + "p.s AND o." + space + eq + "n.oid AND o." + name + asText +
		eq + "e.name AND COALESCE(" + called("("+names+field+"o.oid"+asText+")") + ", e.name)" + eq + "e.name)"
	return "(SELECT CASE WHEN e.e IS NULL THEN " + otherwise + " ELSE COALESCE((SELECT " + schema + eq + "(e.e" + fieldText + "'schema') FROM pg_catalog.unnest(pg_catalog.current_schemas(true))" +
		" WITH ORDINALITY AS p(s, i) WHERE " + schema + eq + "(e.e" + fieldText + "'schema') OR (" + names + field + "('='" + concat + "e.name))" + hasField + schema + " OR " + there +
		" ORDER BY p.i LIMIT 1), false) END FROM (SELECT e.e, " + called("e.e") + " AS name FROM (SELECT " + names + field + oid + asText + " AS e) AS e OFFSET 0) AS e)"
}

// printedType is the SQL of what is printed of a type that is known.
func (in *introspection) printedType(typ catalog.OID) string {
	text := "pg_catalog.format_type(" + oidLiteral(typ) + ", NULL)"
	p := &in.names.printedTypes
	if p.entries[number(int64(typ))] == nil {
		return text
	}
	return "(" + p.sql(in, text, oidLiteral(typ)) + ")"
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
