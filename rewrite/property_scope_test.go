package rewrite_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/seguedb/segue/catalog"
)

// A kind is what a value is of, as far as the maker of statements cares.
type kind int

const (
	anInt kind = iota
	aText
	aNumeric
	aDate
	aBool
	anArray
	aRow
	aJSON // cannot be compared
)

// A field is a column of something in FROM or of a query's result. Its name is as SQL writes it; "" when it has none that
// the maker knows.
type field struct {
	name  string
	kind  kind
	parts []field // of aRow
}

// An item is something in FROM that can be named.
type item struct {
	name   string
	schema string // where the name can be qualified
	fields []field
	rel    *relation // nil when it is none
	locks  bool      // FOR UPDATE OF may name it
}

// A relation is a table or view with the client's names.
type relation struct {
	schema, name string
	visible      bool // without its schema
	fields       []field
	table        bool
	keyed        bool // its first column is its primary key
}

// A level is what one SELECT can name: its own FROM, and what is around it.
type level struct {
	items []item
	bare  []field // what can be named without qualification, with duplicates where a name is ambiguous
	outer *level
}

// A maker makes statements.
type maker struct {
	t         *rapid.T
	relations []*relation
	functions []*relation // functions without arguments that return rows
	extended  bool        // constants may be parameters
	params    []string
	depth     int
	budget    int // of things in FROM
}

// newMaker knows the relations of the catalog by the names that the search path shows.
func newMaker(t *rapid.T, list []*catalog.Relation, cat *catalog.Catalog, path []string) *maker {
	m := &maker{t: t, budget: 5}
	byName := map[string]string{}
	for i := len(path) - 1; i >= 0; i-- {
		for _, r := range list {
			if r.Schema == path[i] {
				byName[r.Name] = r.Schema
			}
		}
	}
	for _, r := range list {
		m.relations = append(m.relations, &relation{
			schema: quoted(r.Schema), name: quoted(r.Name), visible: byName[r.Name] == r.Schema, fields: fieldsOf(r, cat),
			table: r.Kind != catalog.View, keyed: r.Kind != catalog.View && len(r.Parents) == 0,
		})
	}
	for _, name := range anyNames {
		for _, f := range cat.Functions(name) {
			if r := cat.ByRowType(f.Return); r != nil && f.Schema == "public" && f.Args == 0 {
				m.functions = append(m.functions, &relation{schema: "public", name: quoted(f.Name),
					visible: slices.Contains(path, "public"), fields: fieldsOf(r, cat)})
			}
		}
	}
	return m
}

func fieldsOf(r *catalog.Relation, cat *catalog.Catalog) (out []field) {
	for _, c := range r.Columns {
		f := field{name: quoted(c.Name), kind: kindOf(c.TypeName)}
		if of := cat.ByRowType(c.Type); of != nil {
			f.kind, f.parts = aRow, fieldsOf(of, cat)
		}
		out = append(out, f)
	}
	return out
}

func kindOf(typeName string) kind {
	switch typeName {
	case "integer":
		return anInt
	case "numeric(8,2)":
		return aNumeric
	case "date":
		return aDate
	case "boolean":
		return aBool
	case "integer[]":
		return anArray
	}
	return aText
}

func (m *maker) chance(percent int) bool { return chance(m.t, percent) }
func (m *maker) pick(s ...string) string { return oneOf(m.t, s...) }
func (m *maker) upTo(n int) int          { return upTo(m.t, 0, n) }

// sql writes the relation's name.
func (m *maker) sql(r *relation) string {
	if !r.visible || m.chance(15) {
		return r.schema + "." + r.name
	}
	return r.name
}

// alias is a name that no item of the list has.
func (m *maker) alias(taken []item) string {
	for range 4 {
		name := quoted(oneOf(m.t, anyNames...))
		if !slices.ContainsFunc(taken, func(i item) bool { return i.name == name }) {
			return name
		}
	}
	return fmt.Sprintf("t%d", len(taken)+1)
}

// A reference is an expression that names a field.
type reference struct {
	sql string
	field
}

// references are all ways to name a field at a level that are not ambiguous, the plain ones first.
func (l *level) references() (out []reference) {
	hiddenNames, hiddenItems := map[string]bool{}, map[string]bool{}
	for ; l != nil; l = l.outer {
		for _, f := range l.bare {
			if f.name != "" && !hiddenNames[f.name] && count(l.bare, f.name) == 1 {
				out = append(out, reference{f.name, f})
			}
		}
		for _, i := range l.items {
			if i.name == "" || hiddenItems[i.name] {
				continue
			}
			for _, f := range i.fields {
				if f.name == "" || count(i.fields, f.name) > 1 {
					continue
				}
				out = append(out, reference{i.name + "." + f.name, f})
				if i.schema != "" {
					out = append(out, reference{i.schema + "." + i.name + "." + f.name, f})
				}
			}
		}
		for _, f := range l.bare {
			hiddenNames[f.name] = true
		}
		for _, i := range l.items {
			hiddenItems[i.name] = true
		}
	}
	return out
}

func count(fields []field, name string) (n int) {
	for _, f := range fields {
		if f.name == name {
			n++
		}
	}
	return n
}

// rows are the items that can be named as whole rows: none has a column that hides it.
func (l *level) rows() (out []item) {
	hidden := map[string]bool{}
	for ; l != nil; l = l.outer {
		for _, f := range l.bare {
			hidden[f.name] = true
		}
		for _, i := range l.items {
			if i.name != "" && !hidden[i.name] {
				out = append(out, i)
			}
		}
		for _, i := range l.items {
			hidden[i.name] = true
		}
	}
	return out
}
