package migrate

import (
	"fmt"

	"github.com/seguedb/segue/rules"
)

// Says is what is true in a phase, for people.
func Says(p rules.Phase) string {
	switch p {
	case rules.Draft:
		return "it is stored, and traffic is untouched"
	case rules.Active:
		return "both versions work, and the database has the old names"
	case rules.Cutover:
		return "the database has the new names, and both versions work"
	case rules.Contracted:
		return "the old names have ended, and Segue is not needed for it any more"
	case rules.RolledBack:
		return "the database has the old names, and the new ones have ended"
	}
	return string(p)
}

// Next is what an operator does next about the migration, with the command.
func (st *Status) Next() string {
	switch {
	case st.NotServed != nil && len(st.NotServed.Mend) > 0:
		return "give the database its names back: " + st.NotServed.Mend[0]
	case st.NotServed != nil:
		return st.NotServed.Hint()
	case st.Pending != nil:
		return fmt.Sprintf("wait for the %s, or stop it: segue cancel %s", st.Pending.Kind, st.ID)
	}
	switch st.Phase {
	case rules.Draft:
		return fmt.Sprintf("segue assess %[1]s, then segue activate %[1]s", st.ID)
	case rules.Active:
		return fmt.Sprintf("deploy the app with the new names, then segue cutover %s", st.ID)
	case rules.Cutover:
		return fmt.Sprintf("take the app with the old names away, then segue contract %s", st.ID)
	case rules.RolledBack:
		return fmt.Sprintf("begin again with segue activate %[1]s, or remove it with segue delete %[1]s", st.ID)
	}
	return "nothing"
}
