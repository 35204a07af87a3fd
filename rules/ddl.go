package rules

import "slices"

// Direction tells in which way a migration's DDL goes.
type Direction bool

// The directions.
const (
	Forward  Direction = false // at cutover
	Backward Direction = true  // at rollback from cutover
)

// DDL lists the statements of a cutover, or those that take it back, in the order in which they are to be run in one
// transaction. They take ACCESS EXCLUSIVE on each table, and on its descendants where a column is renamed, and touch
// no row.
func DDL(m *Migration, d Direction) []string {
	ops := m.Operations
	if d == Backward {
		ops = slices.Clone(ops)
		slices.Reverse(ops)
	}
	out := make([]string, len(ops))
	for i, op := range ops {
		switch op := op.(type) {
		case RenameColumn:
			from, to := op.From, op.To
			if d == Backward {
				from, to = to, from
			}
			out[i] = "ALTER TABLE " + op.Table.SQL() + " RENAME COLUMN " + quoteIdentifier(from) + " TO " + quoteIdentifier(to)
		case RenameTable:
			from, to := op.From.Name, op.To
			if d == Backward {
				from, to = to, from
			}
			out[i] = "ALTER TABLE " + Name{op.From.Schema, from}.SQL() + " RENAME TO " + quoteIdentifier(to)
		}
	}
	return out
}
