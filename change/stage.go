package change

// A Stage is how far a change has come. Triggers are made anew for each.
type Stage int

// The stages.
const (
	Filling    Stage = iota // from expand on: there are rows at 0
	Completing              // from the moment on from which no row may be left at 0
	Owned                   // from cutover on: the new side owns the truth, and has the defaults
	Kept                    // from contract on: the old columns have hidden names
)

// owner is the side that leads where nobody says which one does.
func (s Stage) newOwns() bool { return s >= Owned }
