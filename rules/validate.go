package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
)

// Validate checks a migration against the database: that what it names is there in the newest version, after all live
// migrations and its own earlier operations, and that no name will come to mean something else while a version that
// used it is live. Drafts may be activated before it or not: it is enough that it holds either way.
// A mistake is a *FileError; a *MismatchError is about the stored migrations.
func Validate(m *Migration, stored []*Migration, cat *catalog.Catalog) error {
	live := bySeq(stored, func(o *Migration) bool { return o.ID != m.ID && o.Phase.Live() })
	err := validateAfter(live, m, cat)
	if err == nil {
		return nil
	}
	planned := bySeq(stored, func(o *Migration) bool {
		return o.ID != m.ID && (o.Phase.Live() || o.Phase == Draft && precedes(o, m))
	})
	if !slices.ContainsFunc(planned, func(o *Migration) bool { return o.Phase == Draft && sharesTable(o, m) }) {
		return err
	}
	// Of two mistakes the one about the drafts' names is shown: the file was written with them in mind.
	withDrafts := validateAfter(planned, m, cat)
	if mismatch := (*MismatchError)(nil); errors.As(withDrafts, &mismatch) {
		return err // a draft that no longer fits is no matter of this one's
	}
	return withDrafts
}

// validateAfter validates m as the next after the given migrations.
func validateAfter(before []*Migration, m *Migration, cat *catalog.Catalog) error {
	t, err := newTimeline(before, cat)
	if err != nil {
		return err
	}
	v := &validator{m: m, physical: physicalSchema(cat), timeline: t, now: t.newest().clone()}
	for i, op := range m.Operations {
		v.op = i
		if mistake := op.validate(v); mistake != nil {
			return mistake
		}
		r, err := op.apply(v.now, false)
		if err != nil {
			return v.fail("", err.Error(), "")
		}
		if mistake := v.touch(r); mistake != nil {
			return mistake
		}
		v.claim(r)
	}
	return nil
}

// A validator goes through the operations of one migration.
type validator struct {
	m        *Migration
	op       int
	physical *schema
	timeline *timeline
	now      *schema // after the operations so far
	claims   map[catalog.OID]*claims
	lookedUp map[catalog.OID]bool // tables in which operations look values up
	touched  map[catalog.OID]bool // tables that the operations so far are about
}

// fail makes the error about one field of the current operation.
func (v *validator) fail(field, message, hint string) *FileError {
	key := join(fmt.Sprintf("operations[%d].%s", v.op, v.m.Operations[v.op].Kind()), field)
	key = strings.TrimSuffix(key, ".")
	return &FileError{File: v.m.File(), Line: v.m.line(key), Key: key, Message: message, Hint: hint}
}

// everySchema lists the schemas in which a name may be in use: the physical one, each live version's, and the current.
func (v *validator) everySchema() []*schema {
	return append([]*schema{v.physical, v.now}, v.timeline.schemas...)
}

// table finds the table that an operation is about, as it is called at that point.
func (v *validator) table(field string, n Name) (*catalog.Relation, *FileError) {
	switch {
	case n.Schema == "segue":
		return nil, v.fail(field, "schema segue belongs to Segue itself", "")
	case n.Schema == "information_schema", strings.HasPrefix(n.Schema, "pg_"):
		return nil, v.fail(field, fmt.Sprintf("%s is in a schema of the system", n), "")
	case hidden(n.Name):
		return nil, v.fail(field, "names that begin with "+reservedPrefix+" are reserved", "")
	}
	r := v.now.table(n)
	if r == nil {
		return nil, v.unknownTable(field, n)
	}
	switch r.Kind {
	case catalog.Table, catalog.PartitionedTable:
	default:
		return nil, v.fail(field, fmt.Sprintf("%s is %s; only tables can be renamed under live traffic", n, kindWord(r.Kind)), "")
	}
	if r.Temp {
		return nil, v.fail(field, fmt.Sprintf("%s is a temporary table", n), "")
	}
	return r, nil
}

func (v *validator) unknownTable(field string, n Name) *FileError {
	message := fmt.Sprintf("there is no table %s", n)
	for _, s := range v.timeline.schemas {
		if r := s.table(n); r != nil {
			return v.fail(field, message, fmt.Sprintf("it has been renamed to %s by then", v.now.name(r)))
		}
	}
	var here []string
	var elsewhere string
	v.now.cat.Relations(func(r *catalog.Relation) bool {
		if r.Kind != catalog.Table && r.Kind != catalog.PartitionedTable || r.Temp || r.Schema == "segue" {
			return true
		}
		name := v.now.name(r)
		if r.Schema == n.Schema {
			here = append(here, name.Name)
		} else if name.Name == n.Name && (elsewhere == "" || name.String() < elsewhere) {
			elsewhere = name.String()
		}
		return true
	})
	show := func(s string) string { return Name{n.Schema, s}.String() }
	hint := suggestName(n.Name, here, show)
	if elsewhere != "" && !strings.HasPrefix(hint, "did you mean "+show(n.Name)) {
		hint = "did you mean " + elsewhere + "?"
	}
	return v.fail(field, message, hint)
}

func kindWord(k catalog.Kind) string {
	switch k {
	case catalog.View:
		return "a view"
	case catalog.MaterializedView:
		return "a materialized view"
	case catalog.ForeignTable:
		return "a foreign table"
	case catalog.CompositeType:
		return "a composite type"
	case catalog.Sequence:
		return "a sequence"
	case catalog.Index, catalog.PartitionedIndex:
		return "an index"
	}
	return "no table"
}
