package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// printNames are the names that a session of a version sees, and those that the database has.
type printNames struct {
	*introspection
	path    []string // current_schemas(true) of the session
	overlay map[rules.Name]*catalog.Relation
}

// A printNaming is one of the two sets of names.
type printNaming byte

const (
	inDatabase printNaming = iota
	inTheVersion
	bothNamings
)

// groupOf is the group of a table; nil for one that looks as it is.
func (in *introspection) groupOf(oid catalog.OID) *tableGroup {
	for _, g := range in.groups {
		if slices.Contains(g.oids, oid) {
			return g
		}
	}
	return nil
}

// changes tells whether a name is one that differs between database and version.
func (in *introspection) changes(name string) bool {
	return slices.ContainsFunc(in.groups, func(g *tableGroup) bool {
		return g.renamed && g.names[0] == name ||
			slices.ContainsFunc(g.columns, func(c rules.ColumnLens) bool { return c.Physical == name }) ||
			slices.ContainsFunc(g.hidden, func(c catalog.Column) bool { return c.Name == name })
	})
}

// relationName is the name of a relation.
func (p *printNames) relationName(rel *catalog.Relation, as printNaming) string {
	if g := p.groupOf(rel.OID); as == inTheVersion && g != nil && g.renamed {
		return g.logical
	}
	return rel.Name
}

// A printColumn is a column of a FROM item: its names at the table, and those under which the item shows it.
type printColumn struct {
	real  [bothNamings]string
	shown [bothNamings]string

	typ    catalog.OID
	typmod int32
	later  []string // what it is called in later versions; see laterNames
	merged bool     // it is a merged column of a join, whose name is given
}

// columns are those of a relation; ok is false if the version does not have all of them.
func (p *printNames) columns(rel *catalog.Relation) (out []*printColumn, ok bool) {
	g := p.groupOf(rel.OID)
	for _, c := range rel.Columns {
		col := &printColumn{real: [bothNamings]string{c.Name, c.Name}, typ: c.Type, typmod: c.Typmod}
		if g != nil {
			for _, l := range g.columns {
				if l.Num == c.Num {
					col.real[inTheVersion], col.later = l.Logical, g.later[c.Num]
				}
			}
		}
		out = append(out, col)
	}
	return out, g == nil || len(g.hidden) == 0
}

// relation is what a name in the database means, as RangeVarGetRelid finds it; nil when that is not known.
func (p *printNames) relation(schema, name string) *catalog.Relation {
	schemas := []string{schema}
	if schema == "" {
		schemas = p.path
	}
	for _, s := range schemas {
		if rel := p.inSchema(s, name); rel != nil {
			return rel
		}
	}
	return nil
}

func (p *printNames) inSchema(schema, name string) *catalog.Relation {
	if strings.HasPrefix(schema, "pg_temp_") {
		if rel := p.overlay[rules.Name{Schema: "pg_temp", Name: name}]; rel != nil && rel.Temp {
			return rel
		}
	}
	return p.cat.Lookup(schema, name)
}

// visible mirrors RelationIsVisible (namespace.c).
func (p *printNames) visible(rel *catalog.Relation, as printNaming) bool {
	name := p.relationName(rel, as)
	for _, s := range p.path {
		if s == rel.Schema {
			return true
		}
		other := p.inSchema(s, name)
		taken := other != nil && p.relationName(other, as) == name
		if as == inTheVersion {
			taken = taken || slices.ContainsFunc(p.groups, func(g *tableGroup) bool { return g.renamed && g.schema == s && g.logical == name })
		}
		if taken {
			return false
		}
	}
	return false
}

// rowType is the table whose row type a name in the database means; nil when it means another type.
func (p *printNames) rowType(schema, name string) *catalog.Relation {
	schemas := []string{schema}
	if schema == "" {
		schemas = p.path
	}
	for _, s := range schemas {
		for _, t := range p.cat.TypesNamed(name) {
			if t.Schema == s {
				return p.cat.Relation(t.Relation)
			}
		}
		if rel := p.inSchema(s, name); rel != nil && rel.RowType != 0 {
			return rel
		}
	}
	return nil
}

// rowOf is the relation of which a type holds the rows, be it one or an array of them; nil for any other type.
func (p *printNames) rowOf(typ catalog.OID, array bool) *catalog.Relation {
	t := p.cat.Type(typ)
	for t != nil && t.Base != 0 {
		typ = t.Base
		t = p.cat.Type(typ)
	}
	if array {
		if t == nil || t.Elem == 0 {
			return nil
		}
		return p.rowOf(t.Elem, false)
	}
	return p.cat.ByRowType(typ)
}

// elementType is what an array holds; the type itself where that is none.
func (p *printNames) elementType(typ catalog.OID, array bool) catalog.OID {
	if t := p.cat.Type(typ); array && t != nil {
		return t.Elem
	}
	return typ
}
