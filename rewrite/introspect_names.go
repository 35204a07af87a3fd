package rewrite

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// What differs in the catalogs is kept in JSON objects, by OID or by name, so that a row which speaks of no table that
// looks different costs one look-up, however many tables do. The objects are stored in the database, each under the hash of
// what it holds (rules.NameMap): a text refers to one by that, so its length does not depend on what is in it, and what it
// finds can be nothing else. Where an object is not stored, or the session's transaction may be too old to see it, the
// text has the object itself.

// catalogNames are the objects of one introspection; nil where one would be empty.
type catalogNames struct {
	relations *rules.NameMap // {OID: name} of those tables that have another name
	columns   *rules.NameMap // {OID: {attnum: name in the version}}
	hidden    *rules.NameMap // {OID: {attnum: true}}
	entries   *rules.NameMap // {OID: entry} for definitions
	named     *rules.NameMap // {table: {schema: entry}} for views that know a table by its name
	logical   *rules.NameMap // {OID: {name of a column in the version: in the database}}
	physical  *rules.NameMap // {name of a table in the version: [names in the database]}
	declared  *rules.NameMap // {OID: {attnum: {"not_null", "default"}}}
	later     *rules.NameMap // {name of a column in a later version: {OID: {attnum: name in the version}}}

	spelled spelledNames

	printed, printedTypes printedNames

	relationsWithin, columnsWithin, entriesWithin, typesWithin oidRanges // of the keys of relations, columns, entries and types
	laterNames                                                 []string  // the keys of later, sorted; nil where there are too many for a text

	types         *rules.NameMap // {OID: {"from", "to", "suffix", "name"}} of row types and their arrays
	namedTypes    *rules.NameMap // {type: {schema: name in the version}}
	physicalTypes *rules.NameMap // {name of a type in the version: [names in the database]}
}

// object is a JSON object that is being made.
type object map[string]any

// at is the object under a key, which is made where it is missing.
func (o object) at(key string) object {
	inner, ok := o[key].(object)
	if !ok {
		inner = object{}
		o[key] = inner
	}
	return inner
}

// add appends to the list under a key.
func (o object) add(key, value string) {
	list, _ := o[key].([]string)
	if !slices.Contains(list, value) {
		o[key] = append(list, value)
	}
}

// sealed is the map that holds an object, under the hash of it; nil for an empty one. encoding/json sorts the keys, so
// equal objects have equal hashes in every instance.
func (o object) sealed() *rules.NameMap {
	if len(o) == 0 {
		return nil
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // a text within a string within a body may have no backslash
	if err := enc.Encode(o); err != nil {
		panic("names cannot be written as JSON: " + err.Error())
	}
	names := strings.TrimSuffix(text.String(), "\n")
	sum := sha256.Sum256([]byte(names))
	return &rules.NameMap{ID: hex.EncodeToString(sum[:16]), Names: names}
}

// newCatalogNames makes the objects for tables that look different.
func newCatalogNames(cat *catalog.Catalog, groups []*ruleutils.Table) catalogNames {
	relations, columns, hidden, entries, named, logical := object{}, object{}, object{}, object{}, object{}, object{}
	physical, later, types, namedTypes, physicalTypes := object{}, object{}, object{}, object{}, object{}
	for _, g := range groups {
		for i, oid := range g.OIDs {
			key := number(int64(oid))
			describe(g, entries, key)
			describe(g, named.at(g.Names[i]), g.Schema)
			for _, c := range g.Columns {
				columns.at(key)[number(int64(c.Num))] = c.Logical
				for _, name := range g.Later[c.Num] {
					later.at(name).at(key)[number(int64(c.Num))] = c.Logical
				}
			}
			for from, to := range columnsByName(g) {
				logical.at(key)[from] = to
			}
			for _, c := range g.Hidden {
				hidden.at(key)[number(int64(c.Num))] = true
			}
			if g.Renamed {
				relations[key] = g.Logical
				physical.add(g.Logical, g.Names[i])
			}
		}
		if !g.Renamed || g.RowType == 0 {
			continue
		}
		typ := func(oid catalog.OID, from, to string) {
			if oid == 0 {
				return
			}
			types[number(int64(oid))] = to
			namedTypes.at(from)[g.Schema] = to
			physicalTypes.add(to, from)
		}
		typ(g.RowType, g.Names[0], g.Logical)
		typ(g.Array, arrayName(g.Names[0]), arrayName(g.Logical))
	}
	printed := newPrintedRelations(cat, groups)
	for key, e := range printed.entries {
		if entries[key] == nil {
			entries[key] = object{"from": e["from"], "to": e["to"]}
		}
	}
	return catalogNames{
		printed: printed, printedTypes: newPrintedTypes(cat, groups),
		relations: relations.sealed(), columns: columns.sealed(), hidden: hidden.sealed(), entries: entries.sealed(), named: named.sealed(),
		logical: logical.sealed(), physical: physical.sealed(), later: later.sealed(),
		spelled: newSpelledNames(groups), relationsWithin: newOIDRanges(relations), columnsWithin: newOIDRanges(columns), entriesWithin: newOIDRanges(entries), typesWithin: newOIDRanges(types),
		laterNames: few(later),
		types:      types.sealed(), namedTypes: namedTypes.sealed(), physicalTypes: physicalTypes.sealed(),
	}
}

// describe makes the entry of a table: "from" and "to" of its name, where that differs; its "columns" by their names;
// by "numbers", with both names; those that are "hidden"; and what is "declared".
func describe(g *ruleutils.Table, in object, key string) {
	e := in.at(key)
	if g.Renamed {
		e["from"], e["to"] = g.Names[0], g.Logical
	}
	for _, c := range g.Columns {
		e.at("columns")[c.Physical] = c.Logical
		e.at("numbers")[number(int64(c.Num))] = []string{c.Physical, c.Logical}
	}
	for _, c := range g.Hidden {
		e.at("hidden")[c.Name] = true
	}
	for name, d := range g.Declared {
		e.at("declared")[name] = declaredEntry(d)
	}
}

// columnsByName are the names of columns in the database by those in the version. A name that only the database has is
// given one that it lacks, too.
func columnsByName(g *ruleutils.Table) map[string]string {
	out := make(map[string]string, 2*len(g.Columns))
	for _, c := range g.Columns {
		out[c.Physical] = c.Logical
	}
	for _, c := range g.Columns {
		out[c.Logical] = c.Physical
	}
	return out
}

// all lists the objects that there are.
func (n *catalogNames) all() (out []rules.NameMap) {
	for _, m := range []*rules.NameMap{
		n.relations, n.columns, n.hidden, n.entries, n.named, n.logical, n.physical, n.declared, n.later, n.types, n.namedTypes, n.physicalTypes,
		n.spelled.names, n.printed.names, n.printedTypes.names,
	} {
		if m != nil {
			out = append(out, *m)
		}
	}
	return out
}

// NameMaps are the maps of names that the texts of a snapshot's sessions refer to, where they are stored.
func NameMaps(snap *rules.Snapshot) []rules.NameMap {
	if !snap.Live() || snap.Catalog == nil {
		return nil
	}
	byID := map[string]rules.NameMap{}
	for _, lens := range snap.Lenses {
		for _, pinned := range []bool{true, false} {
			in := newIntrospection(snap, lens, pinned, true)
			for _, m := range in.names.all() {
				byID[m.ID] = m
			}
		}
	}
	out := make([]rules.NameMap, 0, len(byID))
	for _, m := range byID {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b rules.NameMap) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// defaultPlainNames is the length at which to look a map up takes a server about as long as to read it from the text.
const defaultPlainNames = 512

// few are the keys of an object; nil where they are more than a text should list.
func few(o object) []string {
	if len(o) > 16 {
		return nil
	}
	return slices.Sorted(maps.Keys(o))
}

// sql is the SQL of an object, as jsonb. A reference to a stored one is evaluated once in each execution (an InitPlan), which
// costs the planner a query of its own.
func (in *introspection) sql(m *rules.NameMap) string {
	if !in.calls(m) || len(m.Names) <= in.plain && isPlainText(m.Names) {
		return syntax.QuoteLiteral(m.Names) + "::pg_catalog.jsonb"
	}
	return "(SELECT segue.names_of(" + syntax.QuoteLiteral(m.ID) + "))"
}

// isPlainText tells whether a text is the same in all encodings of clients, and within strings of every kind.
func isPlainText(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) < 0
}

// calls tells whether texts may call the functions that the store has beside an object.
func (in *introspection) calls(m *rules.NameMap) bool { return in.stored && in.held[m.ID] }

// The operators of jsonb.
const (
	field     = " OPERATOR(pg_catalog.->) "
	fieldText = " OPERATOR(pg_catalog.->>) "
	hasField  = " OPERATOR(pg_catalog.?) "
)

const asText = "::pg_catalog.text"
