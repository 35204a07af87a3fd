package rules

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// A Changing is an operation that adds columns to its table or takes some, so that the database has more columns than a version
// sees. How far that has come is a Stage of its own.
type Changing interface {
	Operation

	// Sides are the columns that the operation takes, and those that it gives, for people.
	Sides() (from, to []string)

	// Unsupported says what of the rule file cannot be done yet, with a hint; "" where there is nothing.
	Unsupported() (what, hint string)

	// describe is the operation as a change of that key, in the names of the file. old has the types of the columns that it takes.
	describe(key string, old []change.Column) change.Change

	resolved() *ResolvedChange
	resolvedAs(r *ResolvedChange) Operation
}

// A Change is an operation of a migration that changes columns.
type Change struct {
	Changing
	Place int        // among all operations
	of    *Migration // whose they are
}

// Resolved is the change as the database has it; nil as long as it has nothing of it.
func (c Change) Resolved() *ResolvedChange { return c.resolved() }

// Changes lists the migration's operations that change columns, in their order.
func (m *Migration) Changes() []Change {
	var out []Change
	for i, op := range m.Operations {
		if c, ok := op.(Changing); ok {
			out = append(out, Change{c, i, m})
		}
	}
	return out
}

// ChangeAt finds the change at a place among all operations.
func (m *Migration) ChangeAt(place int) (Change, bool) {
	if place < 0 || place >= len(m.Operations) {
		return Change{}, false
	}
	c, ok := m.Operations[place].(Changing)
	return Change{c, place, m}, ok
}

// Resolve is the migration with a change of columns as the database has it; nil takes it away.
func (m *Migration) Resolve(operation int, r *ResolvedChange) *Migration {
	out := *m
	out.Operations = slices.Clone(m.Operations)
	if c, ok := out.Operations[operation].(Changing); ok {
		out.Operations[operation] = c.resolvedAs(r)
	}
	return out.linked()
}

// Describe is the operation as a change of that key, by the names that the database has before cutover, and as far as the catalog has
// it: types of the old side alone.
func (c Change) Describe(key string, cat *catalog.Catalog) (change.Change, error) {
	table := c.Table(Active)
	r := cat.Lookup(table.Schema, table.Name)
	if r == nil {
		return change.Change{}, &noTableError{table}
	}
	from, _ := c.Sides()
	var old []change.Column
	former := map[string]string{}
	for i, name := range c.Taken(Active) {
		col := r.Column(name)
		if col == nil {
			return change.Change{}, fmt.Errorf("table %s should have a column %s, but has none of that name", table, showIdentifier(name))
		}
		old, former[from[i]] = append(old, change.Column{Name: from[i], Type: col.TypeName}), name
	}
	out, err := c.describe(key, old).Called(changeName(table), former)
	out.Elsewhere = c.elsewhere()
	return out, err
}

// elsewhere lists the columns of the table that other operations of the file take, by all names that they have in the database.
func (c Change) elsewhere() []string {
	var out []string
	for _, i := range c.of.beside(c.Place) {
		if o, ok := c.of.ChangeAt(i); ok {
			out = append(append(out, o.Taken(Active)...), o.Taken(Cutover)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func changeName(n Name) change.Name { return change.Name{Schema: n.Schema, Name: n.Name} }

// notes say in words what the steps of a change do that has columns on one side only.
type notes struct{ expand, contract, back string }

// aloneSteps lists the steps of an operation that only adds or only takes a column: DDL at activate, at contract and on the
// way back from either, and none at cutover, which is a matter of who may ask for what.
func aloneSteps(r *ResolvedChange, from, to Phase, n notes) []Step {
	var sql []string
	compiled := func(f func(*change.Compiled) []string) {
		switch {
		case r == nil || r.compiled == nil:
		case to == Contracted || from == Contracted:
			sql = f(r.renamed)
		default:
			sql = f(r.compiled)
		}
	}
	step := Step{Lock: AccessExclusive, Gated: true}
	switch {
	case to == Active && !from.Live():
		compiled((*change.Compiled).Expand)
		step.Note = n.expand
	case to == Contracted:
		compiled((*change.Compiled).Contract)
		step.Note = n.contract
	case to == RolledBack && from == Contracted:
		compiled(func(c *change.Compiled) []string { return slices.Concat(c.BackFromContract(), c.Rollback()) })
		step.Note = n.back
	case to == RolledBack && from.Live():
		if r.there() {
			compiled((*change.Compiled).Rollback)
		}
		step.Note = n.back
	case to == Cutover, from == Cutover && to == Active:
		return []Step{{Note: "no DDL and no gate: both versions are served as before"}}
	default:
		return nil
	}
	out := []Step{step}
	for i, s := range sql {
		if i == 0 {
			out[0].SQL = s
			continue
		}
		out = append(out, Step{SQL: s, Lock: AccessExclusive, Gated: true})
	}
	return out
}

// changeable finds the table of an operation that changes columns.
func (v *validator) changeable(table Name) (*catalog.Relation, *FileError) {
	r, mistake := v.table("table", table)
	if mistake != nil {
		return nil, mistake
	}
	if r.OfType != 0 {
		return nil, v.fail("table", fmt.Sprintf("%s is a typed table; its columns belong to its type", table), "")
	}
	return r, nil
}

// expression is what is wrong with an expression of a change, if that is the error.
func (v *validator) expression(err error) *FileError {
	if err == nil {
		return nil
	}
	wrong, ok := errors.AsType[*change.ExpressionError](err)
	if !ok {
		return v.fail("", err.Error(), "")
	}
	hint := ""
	if wrong.Unknown != "" {
		hint = suggestName(wrong.Unknown, wrong.Known, showIdentifier)
	}
	at := join(wrong.Map, wrong.Column)
	if _, alone := v.m.Operations[v.op].(ChangeColumns); !alone {
		at = wrong.Map
	}
	return v.fail(at, wrong.Message, hint)
}
