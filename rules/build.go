package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
)

// Build derives from the stored migrations and the physical catalog what each live version sees. With nothing live the
// catalog is not looked at and may be nil. The error is a *MismatchError when the database contradicts the phases.
func Build(epoch int64, migrations []*Migration, cat *catalog.Catalog) (*Snapshot, error) {
	all := bySeq(migrations, func(*Migration) bool { return true })
	snap := &Snapshot{Epoch: epoch, Migrations: all, Lenses: map[string]*Lens{}, Aliases: aliases(all)}
	if !NeedsCatalog(all) {
		return snap, nil
	}
	live := bySeq(all, func(m *Migration) bool { return m.Phase.Live() })
	for _, m := range all {
		if what := m.unserved(); what != "" { // another release has activated it
			return nil, &MismatchError{Migration: m.ID, Phase: m.Phase, Err: fmt.Errorf("this program cannot serve %s; use the release of segue that began it, or a newer one", what)}
		}
	}
	t, err := newTimeline(live, cat, bySeq(all, (*Migration).Leftovers)...)
	if err != nil {
		return nil, err
	}
	snap.Catalog, snap.Tables = cat, t.tables()
	for i, s := range t.schemas {
		version := Base
		if i > 0 {
			version = live[i-1].ID
			if !live[i-1].servable() {
				break // nor are those that come after it: they show what it changes
			}
		}
		snap.Lenses[version] = s.lens(version, snap.Tables)
	}
	snap.Identifiers = identifiers(t, snap.Tables)
	snap.LookedUp = lookedUp(all, cat)
	return snap, nil
}

// NeedsCatalog reports whether anything is to be done about statements, for which the physical catalog has to be known: a
// migration is live, or has left columns that are to be hidden until purge.
func NeedsCatalog(migrations []*Migration) bool {
	return slices.ContainsFunc(migrations, func(m *Migration) bool { return m.Phase.Live() || m.Leftovers() })
}

// aliases gives each contracted migration the version that its clients see now: the newest live one of those before it,
// or Base, of which its changes are a part.
func aliases(all []*Migration) map[string]string {
	out := map[string]string{}
	version := Base
	for _, m := range all {
		switch {
		case m.Phase.Live():
			version = m.ID
		case m.Phase == Contracted:
			out[m.ID] = version
		}
	}
	return out
}

// lens says how the schema calls the tables, and how the database does.
func (s *schema) lens(version string, tables []catalog.OID) *Lens {
	out := make([]*TableLens, 0, len(tables))
	for _, oid := range tables {
		r := s.cat.Relation(oid)
		t := &TableLens{OID: oid, Schema: r.Schema, Logical: s.tableName(r), Physical: r.Name}
		t.Identity = t.Logical == t.Physical
		for i := range r.Columns {
			c := &r.Columns[i]
			logical := s.columnName(r, c)
			if hidden(logical) || !s.has(r, c) {
				t.Identity = false
				continue
			}
			t.Identity = t.Identity && logical == c.Name
			t.Columns = append(t.Columns, ColumnLens{Logical: logical, Physical: c.Name, Num: c.Num})
		}
		for _, v := range s.serves[oid] {
			t.serve(v, r)
		}
		out = append(out, t)
	}
	return NewLens(version, out)
}

// reservedPrefix begins the names of what Segue itself adds to tables.
const reservedPrefix = "_segue_"

// hidden tells whether a column is one of Segue's own, which no version shows.
func hidden(column string) bool { return strings.HasPrefix(column, reservedPrefix) }

// identifiers are the words without which no text can concern one of the tables: their names in any version, also those
// between two operations of one migration, and the names of what uses their row types. Names of columns are not among
// them, because a column can only be reached through a relation or function that must be named; a view over the table
// has column names of its own, which a rename leaves alone, unless it exposes whole rows, and then RowTypeUsers names it.
// They are folded as the prefilter folds a text: A to Z only.
func identifiers(t *timeline, tables []catalog.OID) []string {
	words := map[string]bool{}
	add := func(name string) { words[foldASCII(name)] = true }
	for _, oid := range tables {
		r := t.schemas[0].cat.Relation(oid)
		add(r.Name)
		for _, s := range t.schemas {
			add(s.tableName(r))
		}
		for _, parent := range t.schemas[0].cat.Ancestors(oid) { // a column that one gets is inherited
			add(t.schemas[0].cat.Relation(parent).Name)
		}
	}
	for _, name := range t.schemas[0].cat.RowTypeUsers(tables...) {
		add(name)
	}
	for _, m := range t.migrations {
		for _, op := range m.Operations {
			add(op.Target().Name)
			for _, n := range op.Names() {
				if !n.Column {
					add(n.To)
				}
			}
		}
	}
	out := make([]string, 0, len(words))
	for word := range words {
		out = append(out, word)
	}
	slices.Sort(out)
	return out
}

// Affected lists the tables whose names or columns the migration changes, with their partitions and inheritance
// children: those that its gates hold. m is one of the
// stored ones, or would follow those that are live.
func Affected(m *Migration, stored []*Migration, cat *catalog.Catalog) ([]catalog.OID, error) {
	t, err := newTimeline(bySeq(stored, func(o *Migration) bool { return o.Phase.Live() }), cat)
	if err != nil {
		return nil, err
	}
	for i, o := range t.migrations {
		if o.ID == m.ID {
			return sortedOIDs(t.touched[i]), nil
		}
	}
	next, touched := t.newest().clone(), map[catalog.OID]bool{}
	for j, op := range m.Operations {
		r, err := (*catalog.Relation)(nil), error(nil)
		if c, changes := m.ChangeAt(j); m.Leftovers() && changes {
			r, err = next.find(c.Table(m.Phase))
		} else if m.Leftovers() {
			continue // its names are as they are
		} else {
			r, err = op.apply(next, false)
		}
		if err != nil {
			return nil, &MismatchError{Migration: m.ID, Phase: m.Phase, Operation: j, Err: err}
		}
		touched[r.OID] = true
		for _, oid := range cat.Descendants(r.OID) {
			touched[oid] = true
		}
	}
	return sortedOIDs(touched), nil
}
