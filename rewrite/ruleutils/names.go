package ruleutils

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// Names are the names that a session of a version sees, and those that the database has.
type Names struct {
	Catalog *catalog.Catalog
	Tables  []*Table // the tables that look different
	Path    []string // current_schemas(true) of the session
	Overlay map[rules.Name]*catalog.Relation
}

// A printNaming is one of the two sets of names.
type printNaming byte

const (
	inDatabase printNaming = iota
	inTheVersion
	bothNamings
)

// groupOf is the group of a table; nil for one that looks as it is.
func (p *Names) groupOf(oid catalog.OID) *Table {
	for _, g := range p.Tables {
		if slices.Contains(g.OIDs, oid) {
			return g
		}
	}
	return nil
}

// changes tells whether a name is one that differs between database and version.
func (p *Names) changes(name string) bool {
	return slices.ContainsFunc(p.Tables, func(g *Table) bool {
		return g.Renamed && g.Names[0] == name ||
			slices.ContainsFunc(g.Columns, func(c rules.ColumnLens) bool { return c.Physical == name }) ||
			slices.ContainsFunc(g.Hidden, func(c catalog.Column) bool { return c.Name == name })
	})
}

// relationName is the name of a relation.
func (p *Names) relationName(rel *catalog.Relation, as printNaming) string {
	if g := p.groupOf(rel.OID); as == inTheVersion && g != nil && g.Renamed {
		return g.Logical
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
func (p *Names) columns(rel *catalog.Relation) (out []*printColumn, ok bool) {
	g := p.groupOf(rel.OID)
	for _, c := range rel.Columns {
		col := &printColumn{real: [bothNamings]string{c.Name, c.Name}, typ: c.Type, typmod: c.Typmod}
		if g != nil {
			for _, l := range g.Columns {
				if l.Num == c.Num {
					col.real[inTheVersion], col.later = l.Logical, g.Later[c.Num]
				}
			}
		}
		out = append(out, col)
	}
	return out, g == nil || len(g.Hidden) == 0
}

// relation is what a name in the database means, as RangeVarGetRelid finds it; nil when that is not known.
func (p *Names) relation(schema, name string) *catalog.Relation {
	schemas := []string{schema}
	if schema == "" {
		schemas = p.Path
	}
	for _, s := range schemas {
		if rel := p.inSchema(s, name); rel != nil {
			return rel
		}
	}
	return nil
}

func (p *Names) inSchema(schema, name string) *catalog.Relation {
	if strings.HasPrefix(schema, "pg_temp_") {
		if rel := p.Overlay[rules.Name{Schema: "pg_temp", Name: name}]; rel != nil && rel.Temp {
			return rel
		}
	}
	return p.Catalog.Lookup(schema, name)
}

// visible mirrors RelationIsVisible (namespace.c).
func (p *Names) visible(rel *catalog.Relation, as printNaming) bool {
	name := p.relationName(rel, as)
	for _, s := range p.Path {
		if s == rel.Schema {
			return true
		}
		other := p.inSchema(s, name)
		taken := other != nil && p.relationName(other, as) == name
		if as == inTheVersion {
			taken = taken || slices.ContainsFunc(p.Tables, func(g *Table) bool { return g.Renamed && g.Schema == s && g.Logical == name })
		}
		if taken {
			return false
		}
	}
	return false
}

// rowType is the table whose row type a name in the database means; nil when it means another type.
func (p *Names) rowType(schema, name string) *catalog.Relation {
	schemas := []string{schema}
	if schema == "" {
		schemas = p.Path
	}
	for _, s := range schemas {
		for _, t := range p.Catalog.TypesNamed(name) {
			if t.Schema == s {
				return p.Catalog.Relation(t.Relation)
			}
		}
		if rel := p.inSchema(s, name); rel != nil && rel.RowType != 0 {
			return rel
		}
	}
	return nil
}

// rowOf is the relation of which a type holds the rows, be it one or an array of them; nil for any other type.
func (p *Names) rowOf(typ catalog.OID, array bool) *catalog.Relation {
	t := p.Catalog.Type(typ)
	for t != nil && t.Base != 0 {
		typ = t.Base
		t = p.Catalog.Type(typ)
	}
	if array {
		if t == nil || t.Elem == 0 {
			return nil
		}
		return p.rowOf(t.Elem, false)
	}
	return p.Catalog.ByRowType(typ)
}

// elementType is what an array holds; the type itself where that is none.
func (p *Names) elementType(typ catalog.OID, array bool) catalog.OID {
	if t := p.Catalog.Type(typ); array && t != nil {
		return t.Elem
	}
	return typ
}
