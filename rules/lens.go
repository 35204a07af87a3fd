package rules

import (
	"slices"

	"github.com/seguedb/segue/catalog"
)

// A Lens maps the logical schema of one version to the physical one, for the tables under migration: all that the
// rewriter knows of a version. It is immutable.
type Lens struct {
	Version string
	Tables  []*TableLens
	byOID   map[catalog.OID]*TableLens
}

// A TableLens is one table under migration as one version sees it. Every lens of a snapshot has an entry for every
// table that any live migration touches (partitions and inheritance children included), also where it changes nothing.
type TableLens struct {
	OID      catalog.OID
	Schema   string       // a rename stays within the schema
	Logical  string       // the table's name in the version
	Physical string       // the table's name in the database now
	Columns  []ColumnLens // in the order in which the version shows them
	Identity bool         // nothing differs: names and columns are the physical ones, and none is mapped

	// NewRow is what each new row of the version is given in columns that no version shows: constants, one piece each.
	NewRow []Assignment
	// EachCopied are conditions that say the same for each row of COPY FROM, and are always true.
	EachCopied []string

	// Counterparts are the other sides of the changes that its columns are under. Names of these are in errors only.
	Counterparts []Counterpart
}

// A Counterpart is what a version does not have of a change of columns, and what it has instead.
type Counterpart struct {
	Marker   string
	Own      []SideColumn
	Other    []SideColumn
	OtherNew bool // the other side is the new one

	Indexes []SideIndex

	Flip *Flip // nil: the triggers make the other side of whatever the version writes
}

// A SideIndex is an index of either side of a change that has a counterpart.
type SideIndex struct {
	Physical string
	Name     string // that a version has for it, or for its counterpart
	Other    bool   // it is on columns that the version does not have
}

// A SideColumn is a column of one side of a change.
type SideColumn struct {
	Name     string // in its version
	Physical string
	Num      int16 // attnum
	NotNull  bool
}

// NewLens indexes the tables.
func NewLens(version string, tables []*TableLens) *Lens {
	l := &Lens{Version: version, Tables: tables, byOID: make(map[catalog.OID]*TableLens, len(tables))}
	for _, t := range tables {
		l.byOID[t.OID] = t
	}
	return l
}

// Table finds the lens of a table by OID; nil means that the table is not under migration.
func (l *Lens) Table(oid catalog.OID) *TableLens { return l.byOID[oid] }

// Column finds a column by its logical name, or returns nil.
func (t *TableLens) Column(logical string) *ColumnLens {
	for i := range t.Columns {
		if t.Columns[i].Logical == logical {
			return &t.Columns[i]
		}
	}
	return nil
}

// Declares reports whether the version declares a default or NOT NULL that the database does not have, or marks its new rows.
func (t *TableLens) Declares() bool {
	return len(t.NewRow) > 0 || slices.ContainsFunc(t.Columns, func(c ColumnLens) bool { return c.Declared != nil })
}

// IsSide reports whether the column of that attnum is on either side of a change.
func (t *TableLens) IsSide(num int16) bool {
	return t.sides(func(c SideColumn) bool { return c.Num == num })
}

// NamesSide reports whether a column on either side of a change has the name, in its version or in the database, or a marker.
func (t *TableLens) NamesSide(name string) bool {
	return slices.ContainsFunc(t.Counterparts, func(p Counterpart) bool { return p.Marker == name }) || t.sides(func(c SideColumn) bool { return c.Name == name || c.Physical == name })
}

func (t *TableLens) sides(is func(SideColumn) bool) bool {
	return slices.ContainsFunc(t.Counterparts, func(p Counterpart) bool { return slices.ContainsFunc(p.Own, is) || slices.ContainsFunc(p.Other, is) })
}

// IsMapped reports whether a column of the table is more than a name in the database.
func (t *TableLens) IsMapped() bool {
	return slices.ContainsFunc(t.Columns, func(c ColumnLens) bool { return !c.IsPlain() })
}
