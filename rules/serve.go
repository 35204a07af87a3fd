package rules

import (
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// serve adds to the lens of a table what its version writes and declares for a change of its columns, beyond their names.
// newSide says that the version has the new side of the change, newOwns that the defaults in the database are the
// new side's. rel is the table, or a descendant of the one that is changed.
//
// A version whose side owns the truth needs nothing: the database has its defaults, and who writes a row without a word is
// taken for it. The other one says in each new row that it has made it, and gives the defaults that it has itself. Nobody has
// to say anything in an UPDATE: what is written is told by comparing the row with the one before it (see package change).
func (t *TableLens) serve(v served, rel *catalog.Relation) {
	c, newSide, newOwns := v.change, v.newSide, v.newOwns
	t.Identity = false
	if c.Alone() {
		t.serveAlone(c, rel, newSide)
		return
	}
	own, other := sideColumns(c.Old, rel), sideColumns(c.New, rel)
	if newSide {
		own, other = other, own
	}
	t.Counterparts = append(t.Counterparts, Counterpart{Marker: c.Marker(), Own: own, Other: other, OtherNew: !newSide, Indexes: sideIndexes(c, newSide), Flip: NewFlip(c, rel, newSide, v.filled)})
	if newSide == newOwns {
		return
	}
	side, code := c.Old, change.CodeOld
	if newSide {
		side, code = c.New, change.CodeNew
	}
	for i := range t.Columns {
		for _, col := range side {
			if t.Columns[i].Physical == col.Physical {
				t.Columns[i].Declared = &Declared{NotNull: col.NotNull, Default: col.Default}
			}
		}
	}
	if m := rel.Column(c.Marker()); m != nil {
		t.NewRow = append(t.NewRow, Assignment{Column: PhysicalColumn{Name: m.Name, Num: m.Num}, Pieces: []string{strconv.Itoa(code)}})
		t.EachCopied = append(t.EachCopied, c.Saying(code))
	}
}

// serveAlone is serve for a change that has columns on one side only: the version that has them declares its own default
// where the database has that of those who do not know of the column.
func (t *TableLens) serveAlone(c *change.Compiled, rel *catalog.Relation, newSide bool) {
	own, other := c.Old, c.New
	if newSide {
		own, other = other, own
	}
	t.Counterparts = append(t.Counterparts, Counterpart{Own: sideColumns(own, rel), Other: sideColumns(other, rel), OtherNew: !newSide})
	for i := range t.Columns {
		for _, col := range own {
			if _, differs := c.StandIn(col); differs && t.Columns[i].Physical == col.Physical {
				t.Columns[i].Declared = &Declared{NotNull: col.NotNull, Default: col.Default, Without: col.Default == ""}
			}
		}
	}
}

// sideIndexes are the indexes of both sides by the names that a version has for them.
func sideIndexes(c *change.Compiled, newSide bool) (out []SideIndex) {
	for _, x := range c.IndexesNow() {
		if newSide {
			out = append(out, SideIndex{Physical: x.NewNow, Name: x.New}, SideIndex{Physical: x.OldNow, Name: x.New, Other: true})
		} else {
			out = append(out, SideIndex{Physical: x.NewNow, Name: x.Old, Other: true})
		}
	}
	return out
}

func sideColumns(side []change.Column, rel *catalog.Relation) []SideColumn {
	out := make([]SideColumn, len(side))
	for i, col := range side {
		out[i] = SideColumn{Name: col.Name, Physical: col.Physical, NotNull: col.NotNull}
		if at := rel.Column(col.Physical); at != nil {
			out[i].Num = at.Num
		}
	}
	return out
}
