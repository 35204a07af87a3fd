package rules

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// A Flip is how a version writes the other side of a change with its own, where the database's triggers need not (see package
// change). Whoever may write the table as a whole may do so. It is plain: two are the same where they are deeply equal.
type Flip struct {
	change.Flipping
	Marker PhysicalColumn
}

// A FlipValue is a column of a version's own side after a statement.
type FlipValue = change.Value

// NewFlip is how a version writes flips into a table, no row of which is left to be filled where filled is true; nil where it does not. Where there are privileges on single columns, somebody may
// write a side that may not read the marker.
func NewFlip(c *change.Compiled, rel *catalog.Relation, newSide, filled bool) *Flip {
	m := rel.Column(c.Marker())
	if m == nil || slices.ContainsFunc(rel.Columns, func(col catalog.Column) bool { return col.Granted }) {
		return nil
	}
	f := c.Flipping(newSide, filled)
	if f == nil {
		return nil
	}
	return &Flip{*f, PhysicalColumn{Name: m.Name, Num: m.Num}}
}
