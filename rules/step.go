package rules

import "slices"

// A Step is one thing that is done on the way of a migration from one phase to another. All that decides how it is done
// is said here, so that nobody who carries it out, announces it or checks the rights for it has to know the operation.
type Step struct {
	From      Phase  // where the migration stands before the transition
	Phase     Phase  // where it stands afterwards
	SQL       string // "" where nothing is run, or the lock is all that is taken
	Lock      Lock   // on the table, and on its descendants where the statement reaches them
	Gated     bool   // statements on the tables are held while it is done
	Long      bool   // it takes time that grows with the rows of the table
	Resumable bool   // an attempt that was broken off is taken up where it ended
	Note      string // for people
}

// A Lock is the mode of a lock on a table, in PostgreSQL's words; "" is none.
type Lock string

const (
	AccessExclusive      Lock = "ACCESS EXCLUSIVE"       // excludes everybody, readers too
	ShareUpdateExclusive Lock = "SHARE UPDATE EXCLUSIVE" // excludes DDL and VACUUM; reads and writes go on
)

// Steps lists what takes a migration from one phase to another, in the order in which it is to be done in one transaction.
// What several operations ask for in the same words is asked for once. Renames come first: what changes columns speaks of the names
// that are there afterwards, which its triggers' functions have to name.
func Steps(m *Migration, from, to Phase) []Step {
	var out []Step
	for _, changing := range []bool{false, true} {
		for i := range m.Operations {
			if goesBack(from, to) {
				i = len(m.Operations) - 1 - i
			}
			if _, is := m.Operations[i].(Changing); is != changing {
				continue
			}
			for _, s := range m.Operations[i].Steps(from, to) {
				s.From, s.Phase = from, to
				if s.SQL != "" || !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// Gated tells whether statements are held for any of the steps.
func Gated(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Gated })
}

// Statements lists the SQL of the steps, but for what takes long and has transactions of its own.
func Statements(steps []Step) []string {
	var out []string
	for _, s := range steps {
		if s.SQL != "" && !s.Long {
			out = append(out, s.SQL)
		}
	}
	return out
}

// goesBack tells whether a transition undoes what the one before it did.
func goesBack(from, to Phase) bool { return to == RolledBack || from == Cutover && to == Active }

// renaming lists the steps of an operation whose DDL is a rename: one statement at cutover, or at the way back from it.
// Everything else about it is a matter of the lens.
func renaming(from, to Phase, forward, backward string) []Step {
	ddl := Step{Lock: AccessExclusive, Gated: true, Note: "behind the gate, in one transaction, with lock_timeout; independent of the size of the table"}
	switch {
	case to == Cutover:
		ddl.SQL = forward
		return []Step{ddl}
	case from == Cutover && goesBack(from, to):
		ddl.SQL = backward
		return []Step{ddl}
	case from.Live():
		// A transaction that has used a table would find other names in it all of a sudden.
		ends := "old"
		if to == RolledBack {
			ends = "new"
		}
		return []Step{{Lock: AccessExclusive, Gated: true, Note: "no DDL, behind the gate: the lock awaits open transactions, then the " + ends + " names end"}}
	case to == Active:
		return []Step{{Note: "no DDL and no gate: both names are served by rewriting"}}
	}
	return nil
}
