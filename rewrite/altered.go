package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A session can alter a table and use what it has altered before the catalog has followed: in the same transaction, or
// the moment after. A name that no version has may be that of such a column, so the session's own server is asked for
// the table before the statement fails.

// current is a table under migration as the session's server has shown it, if it was asked, or else as in the catalog.
func (b *binding) current(oid catalog.OID) *catalog.Relation {
	rel := b.cat.Relation(oid)
	if rel == nil {
		return nil
	}
	if seen := b.sess.Overlay[rules.Name{Schema: rel.Schema, Name: rel.Name}]; seen != nil && seen.OID == oid {
		return seen
	}
	return rel
}

// lensOf is the lens of a relation, with the columns that it has now; nil when it is not under migration.
func (b *binding) lensOf(rel *catalog.Relation) *rules.TableLens {
	t := b.lens.Table(rel.OID)
	known := b.cat.Relation(rel.OID)
	if t == nil || known == nil || known == rel || !b.altered(known, rel) {
		return t
	}
	now := *t
	now.Columns = nil
	for _, c := range t.Columns {
		d := rel.ColumnByNum(c.Num)
		switch {
		case !c.IsPlain(): // what it is mapped to cannot be altered
			now.Columns = append(now.Columns, c)
		case d == nil: // dropped
		case d.Name == c.Physical || b.columnMoves(rel.OID, c.Num):
			now.Columns = append(now.Columns, c) // if it was renamed behind us, it is not as its lens says
		default:
			now.Columns = append(now.Columns, rules.ColumnLens{Logical: d.Name, Physical: d.Name, Num: d.Num})
		}
	}
	for _, d := range rel.Columns {
		if known.ColumnByNum(d.Num) == nil && !strings.HasPrefix(d.Name, hiddenPrefix) {
			now.Columns = append(now.Columns, rules.ColumnLens{Logical: d.Name, Physical: d.Name, Num: d.Num})
		}
	}
	return &now
}

// altered tells whether the columns of a relation are others than the catalog knows.
func (b *binding) altered(known, now *catalog.Relation) bool {
	return !slices.EqualFunc(known.Columns, now.Columns, func(c, d catalog.Column) bool { return c.Num == d.Num && c.Name == d.Name })
}

// lookAgain has the server asked for those tables among the items of which no version knows a column of the name.
func (b *binding) lookAgain(items []*item, name string) {
	for _, it := range items {
		if it.rel == nil || it.table != nil && b.isColumn(it.table.OID, name) {
			continue
		}
		key := rules.Name{Schema: it.rel.Schema, Name: it.rel.Name}
		if _, asked := b.sess.Overlay[key]; !asked && !slices.Contains(b.need, key) {
			b.need = append(b.need, key)
		}
	}
}

// isColumn tells whether some live version or the database calls a column of the table so.
func (b *binding) isColumn(oid catalog.OID, name string) bool {
	return slices.ContainsFunc(b.asSeen(oid), func(t *rules.TableLens) bool {
		return slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool { return c.Logical == name || c.Physical == name })
	})
}
