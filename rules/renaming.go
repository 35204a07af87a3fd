package rules

import (
	"slices"

	"github.com/seguedb/segue/catalog"
)

// Renaming is the database as the DDL of a migration would leave it: the catalog has the names that it would have then, and
// the lens of Base goes from the names of now to those. What is changed when it is bound so names what will be gone, or
// shows it. The error is a *MismatchError where the DDL cannot be carried out on the names of now.
func Renaming(m *Migration, d Direction, cat *catalog.Catalog) (*Snapshot, error) {
	after, touched := physicalSchema(cat), map[catalog.OID]bool{}
	for j := range m.Operations {
		if d == Backward {
			j = len(m.Operations) - 1 - j
		}
		if _, changes := m.ChangeAt(j); changes {
			continue // it renames nothing then
		}
		r, err := m.Operations[j].apply(after, d == Backward)
		if err != nil {
			return nil, &MismatchError{Migration: m.ID, Phase: m.Phase, Operation: j, Err: err}
		}
		touched[r.OID] = true
		for _, oid := range cat.Descendants(r.OID) {
			touched[oid] = true
		}
	}
	return after.renamed(m, touched), nil
}

// Contracting is Renaming for the contract of changes of columns: the columns of the old sides have the names then under which they
// are kept.
func Contracting(m *Migration, cat *catalog.Catalog) (*Snapshot, error) {
	after, touched := physicalSchema(cat), map[catalog.OID]bool{}
	for _, c := range m.Changes() {
		change := c.Resolved()
		if !change.there() || change.compiled == nil {
			continue
		}
		r, err := after.find(c.Table(Cutover))
		if err != nil {
			return nil, &MismatchError{Migration: m.ID, Phase: m.Phase, Operation: c.Place, Err: err}
		}
		touched[r.OID] = true
		for _, oid := range cat.Descendants(r.OID) {
			touched[oid] = true
		}
		for i, col := range change.renamed.Old {
			if at := r.Column(col.Physical); at != nil {
				after.renameColumn(r, at, change.renamed.Settled().Old[i].Physical)
			}
		}
	}
	return after.renamed(m, touched), nil
}

// renamed is the database as it would be with the names of the schema, and the lens that goes from the names of now to those.
func (s *schema) renamed(m *Migration, touched map[catalog.OID]bool) *Snapshot {
	after, cat := s, s.cat
	snap := &Snapshot{Migrations: []*Migration{m}, Tables: sortedOIDs(touched)}
	var renamed []*catalog.Relation
	var lenses []*TableLens
	for _, oid := range snap.Tables {
		now := cat.Relation(oid)
		then := *now
		then.Name, then.Columns = after.tableName(now), slices.Clone(now.Columns)
		t := &TableLens{OID: oid, Schema: now.Schema, Logical: now.Name, Physical: then.Name, Identity: now.Name == then.Name}
		for i := range then.Columns {
			c := &then.Columns[i]
			c.Name = after.columnName(now, &now.Columns[i])
			t.Identity = t.Identity && c.Name == now.Columns[i].Name
			t.Columns = append(t.Columns, ColumnLens{Logical: now.Columns[i].Name, Physical: c.Name, Num: c.Num})
		}
		renamed, lenses = append(renamed, &then), append(lenses, t)
	}
	snap.Catalog = cat.Renamed(renamed)
	snap.Lenses = map[string]*Lens{Base: NewLens(Base, lenses)}
	return snap
}
