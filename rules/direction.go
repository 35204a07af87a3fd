package rules

// Direction tells in which way a migration's physical change goes.
type Direction bool

// The directions.
const (
	Forward  Direction = false // at cutover
	Backward Direction = true  // at rollback from cutover
)

// turned gives the two forms of something in the order in which the direction goes.
func (d Direction) turned(from, to string) (string, string) {
	if d == Backward {
		return to, from
	}
	return from, to
}

// DDL lists the statements of a cutover, or those that take it back, in the order in which they are to be run in one
// transaction.
func DDL(m *Migration, d Direction) []string {
	return Statements(Steps(m, phaseOf(!d), phaseOf(d)))
}

// phaseOf is the phase that the direction leads to.
func phaseOf(d Direction) Phase {
	if d == Backward {
		return Active
	}
	return Cutover
}
