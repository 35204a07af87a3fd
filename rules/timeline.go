package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seguedb/segue/catalog"
)

// A MismatchError says that the database does not have the names that the phases of the stored migrations imply:
// somebody has changed them by hand.
type MismatchError struct {
	Migration string
	Phase     Phase
	Operation int   // index in the migration
	Err       error // what is expected and what is there, in one clause

	steps int // operations that were applied before
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("the database contradicts migration %q, which is in phase %s: %v", e.Migration, e.Phase, e.Err)
}

func (e *MismatchError) Unwrap() error { return e.Err }

// A timeline holds the logical schema of each live version: Base's, then each migration's.
type timeline struct {
	migrations []*Migration // in order of Seq
	schemas    []*schema    // one more than migrations: schemas[i+1] is the version that migrations[i] makes
	touched    []map[catalog.OID]bool
	left       map[catalog.OID]bool // tables in which a migration that is not live has left columns
}

// newTimeline takes the migrations in phase Cutover back from the physical schema, newest first, which gives the base,
// and then applies all of them in order.
//
// What migrations that are not live any more have left is hidden in all versions.
func newTimeline(migrations []*Migration, cat *catalog.Catalog, leftovers ...*Migration) (*timeline, error) {
	physical, left := physicalSchema(cat), map[catalog.OID]bool{}
	for _, m := range leftovers {
		for _, c := range m.Changes() {
			if c.Resolved() == nil {
				continue
			}
			r, err := c.leave(physical)
			if err != nil {
				return nil, &MismatchError{Migration: m.ID, Phase: m.Phase, Operation: c.Place, Err: err}
			}
			for _, oid := range append([]catalog.OID{r.OID}, cat.Descendants(r.OID)...) {
				left[oid] = true
			}
		}
	}
	t, err := timelineFrom(physical, migrations)
	if err == nil {
		t.left = left
	}
	return t, err
}

// timelineFrom is newTimeline for a database that would have the names of physical.
func timelineFrom(physical *schema, migrations []*Migration) (*timeline, error) {
	t := &timeline{migrations: migrations, touched: make([]map[catalog.OID]bool, len(migrations))}
	base, cat, steps := physical.clone(), physical.cat, 0
	for i := len(migrations) - 1; i >= 0; i-- {
		for m, j := migrations[i], len(migrations[i].Operations)-1; j >= 0; j-- {
			if m.Phase == Cutover || m.Operations[j].expanded() {
				if _, err := m.Operations[j].apply(base, true); err != nil {
					return nil, &MismatchError{m.ID, m.Phase, j, err, steps}
				}
				steps++
			}
		}
	}
	t.schemas = append(t.schemas, base)
	for i, m := range migrations {
		next := t.newest().clone()
		t.touched[i] = map[catalog.OID]bool{}
		for j, op := range m.Operations {
			r, err := op.apply(next, false)
			if err != nil {
				return nil, &MismatchError{m.ID, m.Phase, j, err, steps}
			}
			steps++
			t.touched[i][r.OID] = true
			for _, oid := range cat.Descendants(r.OID) {
				t.touched[i][oid] = true
			}
		}
		t.schemas = append(t.schemas, next)
	}
	return t, t.unambiguous(steps)
}

func (t *timeline) newest() *schema { return t.schemas[len(t.schemas)-1] }

// tables lists every table that any migration touches, with its descendants, by OID.
func (t *timeline) tables() []catalog.OID {
	all := maps.Clone(t.left)
	if all == nil {
		all = map[catalog.OID]bool{}
	}
	for _, touched := range t.touched {
		for oid := range touched {
			all[oid] = true
		}
	}
	return sortedOIDs(all)
}

// unambiguous checks that no version has two tables or two columns of one name: a table or column that was added by
// hand can take a name that a version uses.
func (t *timeline) unambiguous(steps int) error {
	if len(t.migrations) == 0 {
		return nil
	}
	for i, s := range t.schemas {
		m := t.migrations[max(0, i-1)]
		for oid, name := range s.names {
			r := s.cat.Relation(oid)
			if other := s.cat.Lookup(r.Schema, name); other != nil && other != r && s.tableName(other) == name {
				return &MismatchError{m.ID, m.Phase, 0, &nameError{fmt.Sprintf("the name %s is taken by another relation", Name{r.Schema, name}), extra{other, nil}}, steps}
			}
		}
		for oid := range s.columns {
			r := s.cat.Relation(oid)
			seen := map[string]*catalog.Column{}
			for c := range r.Columns {
				if !s.has(r, &r.Columns[c]) {
					continue
				}
				name := s.columnName(r, &r.Columns[c])
				if first := seen[name]; first != nil {
					second := &r.Columns[c]
					if s.columnName(r, second) != second.Name {
						second = first // the one that no migration has named
					}
					return &MismatchError{m.ID, m.Phase, 0, &nameError{fmt.Sprintf("table %s has two columns for the name %s", s.name(r), showIdentifier(name)), extra{r, second}}, steps}
				}
				seen[name] = &r.Columns[c]
			}
		}
	}
	return nil
}

func sortedOIDs(set map[catalog.OID]bool) []catalog.OID {
	out := make([]catalog.OID, 0, len(set))
	for oid := range set {
		out = append(out, oid)
	}
	slices.Sort(out)
	return out
}

// bySeq returns the migrations for which keep is true, in order of Seq. Those without one, not stored yet, come last.
func bySeq(all []*Migration, keep func(*Migration) bool) []*Migration {
	var out []*Migration
	for _, m := range all {
		if keep(m) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *Migration) int {
		if (a.Seq == 0) != (b.Seq == 0) {
			return cmp.Compare(b.Seq, a.Seq)
		}
		return cmp.Compare(a.Seq, b.Seq)
	})
	return out
}
