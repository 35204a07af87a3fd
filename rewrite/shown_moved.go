package rewrite

import (
	"cmp"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A movedName is the name of a column, or of a table, that becomes another.
type movedName struct {
	table    catalog.OID
	column   bool
	from, to string
}

// movedColumnsOf are the columns of a table that have another name in the database.
func movedColumnsOf(t *rules.TableLens) (moved []movedName) {
	for _, c := range t.Columns {
		if c.Logical != c.Physical && c.Reads() == nil {
			moved = append(moved, movedName{table: t.OID, column: true, from: c.Logical, to: c.Physical})
		}
	}
	return moved
}

// movedIn are the names of fields in a value that become others, in all its depth.
func (b *binding) movedIn(v value) []movedName {
	if v.typ != 0 {
		return b.movedInType(v.typ, maxTypeDepth)
	}
	if v.item == nil {
		return nil
	}
	var out []movedName
	for _, c := range v.item.cols {
		if m := movedLabel(c); m != nil {
			out = append(out, *m)
		}
		if c.rows.holdsRows() && (c.rows.typ != 0 || c.rows.item != v.item) {
			out = append(out, b.movedIn(c.rows)...)
		} else {
			out = append(out, b.movedInType(c.typ, maxTypeDepth-1)...)
		}
	}
	return out
}

// movedLabel is the name of a column of an item, if it becomes another.
func movedLabel(c *column) *movedName {
	switch {
	case c.moved != nil:
		return c.moved
	case c.name == "" || c.name == c.physical || c.computed() != nil:
		return nil
	}
	m := &movedName{column: true, from: c.name, to: c.physical}
	if t := cmp.Or(c.table, c.root.table); t != nil {
		m.table = t.OID
	}
	return m
}

func (b *binding) movedInType(typ catalog.OID, depth int) []movedName {
	if typ == 0 || depth == 0 {
		return nil
	}
	if rel := b.relationOf(typ); rel != nil {
		var out []movedName
		if l := b.lens.Table(rel.OID); l != nil && !l.Identity {
			out = movedColumnsOf(l)
		}
		for i := range rel.Columns {
			out = append(out, b.movedInType(rel.Columns[i].Type, depth-1)...)
		}
		return out
	}
	t := b.cat.Type(typ)
	if t == nil {
		return nil
	}
	return slices.Concat(b.movedInType(t.Base, depth-1), b.movedInType(t.Elem, depth-1), b.movedInType(t.Subtype, depth-1))
}

// noteStar notes in the output which of the labels that a star makes become others: the star stays.
func (b *binding) noteStar(items []*item, out *output, first int) {
	k := first
	for _, it := range items {
		for _, c := range it.cols {
			if c.name != "" {
				out.cols[k].moved = movedLabel(c)
				k++
			}
		}
	}
}
