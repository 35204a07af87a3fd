package change

// A Stage is how far a change has come.
type Stage int

// The stages. Each has trigger functions of its own; the triggers stay.
const (
	Filling    Stage = iota // from expand on: there are rows at 0
	Completing              // from the moment on from which no row may be left at 0
	Owned                   // from cutover on: the new side owns the truth, and has the defaults
	Kept                    // from contract on: the old columns have hidden names
)

// newOwns reports whether the new side leads where nobody says which one does.
func (s Stage) newOwns() bool { return s >= Owned }
