package rules

import (
	"fmt"
	"maps"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// A schema is the logical schema of one version, kept as its differences from the physical one. Tables are identified by
// OID and columns by attnum, so that a name can change hands between versions without confusion.
type schema struct {
	cat     *catalog.Catalog
	names   map[catalog.OID]string           // tables that are called differently
	columns map[catalog.OID]map[int16]string // columns that are called differently
	gone    map[catalog.OID]map[int16]bool   // columns that the version does not have
	serves  map[catalog.OID][]served         // the changes of columns of which the version has one side, by their keys
}

// physicalSchema is the one that the database has.
func physicalSchema(cat *catalog.Catalog) *schema {
	return &schema{cat: cat, names: map[catalog.OID]string{}, columns: map[catalog.OID]map[int16]string{}, gone: map[catalog.OID]map[int16]bool{}, serves: map[catalog.OID][]served{}}
}

// served is the side of a change that a version has.
type served struct {
	change           *change.Compiled
	newSide, newOwns bool
	filled           bool // no row is left to be filled
}

func (s *schema) clone() *schema {
	c := &schema{cat: s.cat, names: maps.Clone(s.names), columns: make(map[catalog.OID]map[int16]string, len(s.columns)), gone: make(map[catalog.OID]map[int16]bool, len(s.gone)), serves: maps.Clone(s.serves)}
	for oid, cols := range s.columns {
		c.columns[oid] = maps.Clone(cols)
	}
	for oid, cols := range s.gone {
		c.gone[oid] = maps.Clone(cols)
	}
	return c
}

// table finds the relation of that name, or returns nil.
func (s *schema) table(n Name) *catalog.Relation {
	for oid, name := range s.names {
		if r := s.cat.Relation(oid); name == n.Name && r.Schema == n.Schema {
			return r
		}
	}
	if r := s.cat.Lookup(n.Schema, n.Name); r != nil && s.tableName(r) == n.Name {
		return r
	}
	return nil
}

func (s *schema) tableName(r *catalog.Relation) string {
	if name, ok := s.names[r.OID]; ok {
		return name
	}
	return r.Name
}

func (s *schema) name(r *catalog.Relation) Name { return Name{Schema: r.Schema, Name: s.tableName(r)} }

// column finds the column of that name, or returns nil.
func (s *schema) column(r *catalog.Relation, name string) *catalog.Column {
	for i := range r.Columns {
		if s.has(r, &r.Columns[i]) && s.columnName(r, &r.Columns[i]) == name {
			return &r.Columns[i]
		}
	}
	return nil
}

func (s *schema) columnName(r *catalog.Relation, c *catalog.Column) string {
	if name, ok := s.columns[r.OID][c.Num]; ok {
		return name
	}
	return c.Name
}

func (s *schema) columnNames(r *catalog.Relation) []string {
	var out []string
	for i := range r.Columns {
		if s.has(r, &r.Columns[i]) {
			out = append(out, s.columnName(r, &r.Columns[i]))
		}
	}
	return out
}

// has reports whether the version has the column.
func (s *schema) has(r *catalog.Relation, c *catalog.Column) bool { return !s.gone[r.OID][c.Num] }

// show says of a column of the table, and of its descendants, whether the version has it, and how it is called there.
func (s *schema) show(r *catalog.Relation, c *catalog.Column, logical string, shown bool) {
	for _, oid := range append([]catalog.OID{r.OID}, s.cat.Descendants(r.OID)...) {
		d := s.cat.Relation(oid)
		dc := d.Column(c.Name)
		if dc == nil {
			continue
		}
		if s.gone[oid] == nil {
			s.gone[oid] = map[int16]bool{}
		}
		delete(s.gone[oid], dc.Num)
		if !shown {
			s.gone[oid][dc.Num] = true
		}
	}
	if shown {
		s.renameColumn(r, c, logical)
	}
}

func (s *schema) renameTable(r *catalog.Relation, to string) {
	if to == r.Name {
		delete(s.names, r.OID)
		return
	}
	s.names[r.OID] = to
}

// renameColumn renames the column and, as PostgreSQL does (renameatt_internal), the same column of all descendants.
func (s *schema) renameColumn(r *catalog.Relation, c *catalog.Column, to string) {
	set := func(r *catalog.Relation, c *catalog.Column) {
		if s.columns[r.OID] == nil {
			s.columns[r.OID] = map[int16]string{}
		}
		if to == c.Name {
			delete(s.columns[r.OID], c.Num)
			return
		}
		s.columns[r.OID][c.Num] = to
	}
	set(r, c)
	for _, oid := range s.cat.Descendants(r.OID) {
		d := s.cat.Relation(oid)
		if dc := d.Column(c.Name); dc != nil { // an inherited column has its parent's physical name
			set(d, dc)
		}
	}
}

func (s *schema) find(n Name) (*catalog.Relation, error) {
	if r := s.table(n); r != nil {
		return r, nil
	}
	return nil, &noTableError{n}
}

// A noTableError says that a table is missing.
type noTableError struct{ name Name }

func (e *noTableError) Error() string {
	return fmt.Sprintf("there should be a table %s, but there is none", e.name)
}
