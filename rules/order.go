package rules

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
)

// An OrderError says that another migration on the same tables must move first. Names would otherwise be looked for
// where they are not yet, or no longer.
type OrderError struct {
	Migration string // that was to move
	Other     string // that is in the way
	Message   string
	Hint      string
}

func (e *OrderError) Error() string { return e.Message + " (" + e.Hint + ")" }

// CanActivate checks what Validate checked at creation once more, against the migrations that are live now, with which
// names may have changed. The error is a *FileError, or an *OrderError when a draft has to be activated first.
func CanActivate(m *Migration, stored []*Migration, cat *catalog.Catalog) error {
	if m.Leftovers() {
		return &OrderError{m.ID, m.ID, fmt.Sprintf("columns of migration %q are left from before the rollback", m.ID), fmt.Sprintf("drop them first: segue purge %s", m.ID)}
	}
	if err := alone(m, stored); err != nil {
		return err
	}
	live := bySeq(stored, func(o *Migration) bool { return o.ID != m.ID && o.Phase.Live() })
	err := validateAfter(live, m, cat)
	if err == nil {
		return nil
	}
	for _, o := range bySeq(stored, func(o *Migration) bool { return o.ID != m.ID && o.Phase == Draft }) {
		if sharesTable(o, m) && validateAfter(append(live[:len(live):len(live)], o), m, cat) == nil {
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q speaks of what draft %q leaves", m.ID, o.ID), fmt.Sprintf("activate %q first", o.ID)}
		}
	}
	return err
}

// alone checks that a table whose columns are changed, or in which values for them are looked up, has no other migration: neither would know
// of the columns of the other.
func alone(m *Migration, stored []*Migration) error {
	for _, o := range stored {
		if o.ID == m.ID {
			continue
		}
		if there := o.Phase.Live() || o.Leftovers(); there && (readsFrom(m, o) || readsFrom(o, m)) {
			what := "is about a table in which this one looks values up"
			if readsFrom(o, m) {
				what = "looks values up in a table that this one is about"
			}
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q %s, and that has to stay as it is meanwhile", o.ID, what), fmt.Sprintf("contract and purge %q first, or roll it back", o.ID)}
		}
		if !sharesTable(o, m) {
			continue
		}
		switch {
		case o.Leftovers():
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q has left columns in the same table", o.ID), fmt.Sprintf("drop them first: segue purge %s", o.ID)}
		case o.Phase.Live() && len(o.Changes()) > 0:
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q is changing columns of the same table, and another migration beside it is not supported yet", o.ID),
				fmt.Sprintf("contract and purge %q first, or roll it back", o.ID)}
		case o.Phase.Live() && len(m.Changes()) > 0:
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q is live on the same table, and a change of columns beside it is not supported yet", o.ID),
				fmt.Sprintf("contract %q first, or roll it back", o.ID)}
		}
	}
	return nil
}

// CanCutover checks that every earlier live migration on the same tables has been cut over: the DDL of this one speaks
// of the names that those leave. The error is an *OrderError.
func CanCutover(m *Migration, all []*Migration) error {
	if stage := m.Unfinished(); stage != "" {
		return &OrderError{m.ID, m.ID, fmt.Sprintf("the columns of migration %q are not complete yet (%s)", m.ID, stage), fmt.Sprintf("wait for it: segue status %s --watch", m.ID)}
	}
	for _, o := range all {
		if o.Phase == Active && precedes(o, m) && sharesTable(o, m) {
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q, which came before %q on the same table, is not cut over", o.ID, m.ID),
				fmt.Sprintf("cut over %q first", o.ID)}
		}
	}
	return nil
}

// CanRollback checks that no later migration on the same tables stands on this one: to RolledBack none may be live, to
// Active none may be cut over. The way back from Contracted is there for changes of columns alone, as long as what they have taken
// is kept, and while nothing else is live: then every session knows whether it is of a version with m. The error is an *OrderError.
func CanRollback(m *Migration, all []*Migration, to Phase) error {
	if m.Phase == Contracted {
		return canReturn(m, all)
	}
	for _, o := range all {
		if !precedes(m, o) || !sharesTable(m, o) {
			continue
		}
		switch {
		case to == Active && o.Phase == Cutover:
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q, which came after %q on the same table, is cut over", o.ID, m.ID),
				fmt.Sprintf("roll %q back first, at least to active", o.ID)}
		case to != Active && o.Phase.Live():
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q, which came after %q on the same table, is live", o.ID, m.ID),
				fmt.Sprintf("roll %q back first", o.ID)}
		}
	}
	return nil
}

// canReturn is CanRollback for a migration that is contracted.
func canReturn(m *Migration, all []*Migration) error {
	if lacks := m.lacks(); lacks != "" {
		return &OrderError{m.ID, m.ID, fmt.Sprintf("%q is contracted, and that is final: %s", m.ID, lacks), "write another migration for the way back"}
	}
	for _, o := range all {
		if o.ID != m.ID && o.Phase.Live() {
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q is live, and its versions have the new columns of %q", o.ID, m.ID),
				fmt.Sprintf("contract %q first, or roll it back", o.ID)}
		}
	}
	return nil
}

// Returns reports whether there is a way back for the migration when it is contracted: its old columns are kept, and no new one has
// the name of one of them, which texts could mean that know the new version alone.
func (m *Migration) Returns() bool { return m.lacks() == "" }

// lacks says in a clause why there is no way back for the migration when it is contracted; "" if there is one.
func (m *Migration) lacks() string {
	changes := m.Changes()
	switch {
	case len(changes) == 0 || len(changes) != len(m.Operations):
		return "a rename keeps nothing"
	}
	for _, c := range changes {
		switch r := c.Resolved(); {
		case r == nil || r.compiled == nil:
			return "nothing of the old columns is left"
		case r.Reuses():
			return "a new column has the name of an old one"
		}
	}
	return ""
}

// CanContract checks that no earlier migration on the same tables is live: its old version would lose names that this
// one ends. The error is an *OrderError.
func CanContract(m *Migration, all []*Migration) error {
	for _, o := range all {
		if o.Phase.Live() && precedes(o, m) && sharesTable(o, m) {
			return &OrderError{m.ID, o.ID, fmt.Sprintf("migration %q, which came before %q on the same table, is not contracted", o.ID, m.ID),
				fmt.Sprintf("contract %q first", o.ID)}
		}
	}
	return nil
}

// First lists the live migrations that have to be finished (to: Contracted) or undone (RolledBack) before m is.
func First(m *Migration, all []*Migration, to Phase) []string {
	var out []string
	for _, o := range bySeq(all, func(o *Migration) bool { return o.Phase.Live() && sharesTable(o, m) }) {
		if to == Contracted && precedes(o, m) || to != Contracted && precedes(m, o) {
			out = append(out, o.ID)
		}
	}
	return out
}

// Renames tells whether the names of the tables are those of m alone to decide when it is finished or undone, and not
// those that another live migration on them has made or left: then they stay as they are.
func Renames(m *Migration, all []*Migration, to Phase) bool {
	if m.Phase == Draft && to == RolledBack {
		return false
	}
	if (to == Contracted) != (m.Phase == Cutover) {
		return true // there is DDL between the two phases
	}
	return !slices.ContainsFunc(all, func(o *Migration) bool { return o.ID != m.ID && o.Phase.Live() && sharesTable(o, m) })
}

// VersionsWith lists the ids that stand for a version in which m is done: its own, those of later live migrations, and
// contracted ids that are aliases of these. Their sessions lose names when m is rolled back. Of a contracted m it is every id that
// says so by itself, which Base does not.
func VersionsWith(m *Migration, all []*Migration) []string {
	if m.Phase == Contracted {
		var out []string
		for _, o := range bySeq(all, func(o *Migration) bool { return o.ID == m.ID || o.Phase == Contracted && precedes(m, o) }) {
			out = append(out, o.ID)
		}
		return out
	}
	return versionsWhere(all, func(o *Migration) bool { return o != nil && (o.ID == m.ID || precedes(m, o)) })
}

// VersionsWithout lists the ids that stand for a version in which m is not done: Base, those of earlier live migrations,
// and contracted ids that are aliases of these. Their sessions lose names when m is contracted.
func VersionsWithout(m *Migration, all []*Migration) []string {
	return versionsWhere(all, func(o *Migration) bool { return o == nil || o.ID != m.ID && precedes(o, m) })
}

// versionsWhere lists ids of versions, aliases included, by the live migration that makes the version; nil for Base.
func versionsWhere(all []*Migration, belongs func(*Migration) bool) []string {
	var out []string
	var version *Migration
	if belongs(nil) {
		out = append(out, Base)
	}
	for _, m := range bySeq(all, func(m *Migration) bool { return m.Phase.Live() || m.Phase == Contracted }) {
		if m.Phase.Live() {
			version = m
		}
		if belongs(version) {
			out = append(out, m.ID)
		}
	}
	return out
}

// precedes tells whether a comes before b in the order of versions. A migration that is not stored yet comes last.
func precedes(a, b *Migration) bool {
	return a.ID != b.ID && a.Seq != 0 && (b.Seq == 0 || a.Seq < b.Seq)
}

// sharesTable tells whether two migrations are about a common table, by any name that it has before, between or after
// their operations. No two tables have one name in versions that are live together, so equal names mean the same table.
func sharesTable(a, b *Migration) bool {
	names := map[Name]bool{}
	for _, n := range tableNames(a) {
		names[n] = true
	}
	for _, n := range tableNames(b) {
		if names[n] {
			return true
		}
	}
	return false
}

func tableNames(m *Migration) []Name {
	var out []Name
	for _, op := range m.Operations {
		out = append(out, op.Target())
		for _, n := range op.Names() {
			if !n.Column {
				out = append(out, Name{n.Table.Schema, n.To})
			}
		}
	}
	return out
}
