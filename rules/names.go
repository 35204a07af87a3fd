package rules

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// An operation of a file names its table and columns as the operations before it leave them. The database has these names only
// from cutover on, so that a change of columns needs them all: those of the file, those before, and those after.

// before is what a table is called before the operation at a place, as the database has it until cutover.
func (m *Migration) before(place int, table Name) Name {
	for _, op := range slices.Backward(m.Operations[:place]) {
		for _, n := range slices.Backward(op.Names()) {
			if !n.Column && (Name{n.Table.Schema, n.To}) == table {
				table = n.Table
			}
		}
	}
	return table
}

// columnBefore is what a column of a table is called before the operation at a place, as the database has it until cutover.
func (m *Migration) columnBefore(place int, table Name, column string) string {
	for _, op := range slices.Backward(m.Operations[:place]) {
		for _, n := range slices.Backward(op.Names()) {
			switch {
			case n.Column && n.Table == table && n.To == column:
				column = n.From
			case !n.Column && (Name{n.Table.Schema, n.To}) == table:
				table = n.Table
			}
		}
	}
	return column
}

// after is what a table is called after the last operation that it has at the one at a place, as the database has it from cutover on.
func (m *Migration) after(place int, table Name) Name {
	for _, op := range m.Operations[place:] {
		for _, n := range op.Names() {
			if !n.Column && n.Table == table {
				table.Name = n.To
			}
		}
	}
	return table
}

// beside lists the places of the operations that are about the same table as the one at a place, without that one.
func (m *Migration) beside(place int) []int {
	var out []int
	table := m.before(place, m.Operations[place].Target())
	for i, op := range m.Operations {
		if i != place && m.before(i, op.Target()) == table {
			out = append(out, i)
		}
	}
	return out
}

// Table is the table of a change as the database calls it in a phase.
func (c Change) Table(p Phase) Name {
	if p == Cutover || p == Contracted {
		return c.of.after(c.Place, c.Target())
	}
	return c.of.before(c.Place, c.Target())
}

// Taken lists the columns that a change takes as the database calls them in a phase, as long as it does not hide them.
func (c Change) Taken(p Phase) []string {
	from, _ := c.Sides()
	if p == Cutover || p == Contracted {
		return from
	}
	out := make([]string, len(from))
	for i, name := range from {
		out[i] = c.of.columnBefore(c.Place, c.Target(), name)
	}
	return out
}

// linked gives each of the migration's changes what it has to know of the other operations about its table. The migration is a
// copy that nobody else has seen yet.
func (m *Migration) linked() *Migration {
	for i, op := range m.Operations {
		c, ok := op.(Changing)
		if !ok || c.resolved() == nil || c.resolved().compiled == nil {
			continue
		}
		m.Operations[i] = c.resolvedAs(c.resolved().beside(Change{c, i, m}))
	}
	return m
}

// beside is the change among the operations of its migration.
func (r *ResolvedChange) beside(c Change) *ResolvedChange {
	others := c.of.beside(c.Place)
	if len(others) == 0 {
		return r
	}
	out := *r
	if !out.change.Defer {
		out.Protocol = protocolBeside
	}
	out.compiled = r.compiled.Beside()
	for _, i := range others {
		if o, ok := c.of.ChangeAt(i); ok && o.Resolved() != nil && o.Resolved().compiled != nil {
			out.compiled = out.compiled.Beside(o.Resolved().compiled)
		}
	}
	table := c.Table(Cutover)
	out.renamed = out.compiled.Renamed(changeName(table), c.Taken(Cutover))
	return &out
}

// find finds the table of a change by the name that it has for the operation, or with undo in the database.
func (r *ResolvedChange) find(s *schema, table Name, undo bool) (*catalog.Relation, error) {
	if undo && r.there() && r.Stage != Owned && r.compiled != nil {
		table = Name{r.compiled.Table.Schema, r.compiled.Table.Name}
	}
	return s.find(table)
}

// FilledWith are the changes whose rows are filled with those of a change, and that one: all of its table, where it is the first of
// them, and none where it is another.
func (m *Migration) FilledWith(c Change) change.Together {
	var out change.Together
	for _, o := range m.Changes() {
		r := o.Resolved()
		if r == nil || r.compiled == nil || r.compiled.Alone() || o.Table(Active) != c.Table(Active) {
			continue
		}
		if o.Place < c.Place {
			return nil
		}
		out = append(out, r.Compiled())
	}
	return out
}
