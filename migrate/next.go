package migrate

import (
	"fmt"
	"slices"

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

// Says is what is true of the migration, for people.
func (st *Status) Says() string {
	if st.alone() {
		return st.saysAlone()
	}
	switch st.Stage {
	case rules.Watched, rules.Filling, rules.Completing:
		return "the old version works as before; the new columns are being filled, and then the new version is served"
	case rules.Served:
		return "both versions work, and the old columns own the truth"
	case rules.Owned:
		return "both versions work, and the new columns own the truth"
	case rules.Kept:
		return "the old version has ended; the new columns get their names when the sessions have ended that were connected before"
	case rules.Settled:
		return "the old version has ended; its columns are hidden, and kept in step until purge"
	case rules.Withdrawn:
		return "the new version has ended; its columns are hidden until purge"
	}
	if st.has(rules.ChangeColumns{}) {
		switch st.Phase {
		case rules.Contracted:
			return "the old columns have been dropped, and Segue is not needed for it any more"
		case rules.RolledBack:
			return "the database has the old columns alone, and the new version has ended"
		}
	}
	return Says(st.Phase)
}

// has reports whether one of the migration's operations is of that kind.
func (st *Status) has(kind rules.Operation) bool {
	return slices.ContainsFunc(st.Operations, func(op OperationView) bool { return op.Kind == kind.Kind() })
}

// alone reports whether the migration adds columns or takes some, and keeps none in step with others.
func (st *Status) alone() bool {
	return !st.has(rules.ChangeColumns{}) && (st.has(rules.AddColumn{}) || st.has(rules.DropColumn{}))
}

// saysAlone is Says for a migration that is alone.
func (st *Status) saysAlone() string {
	switch {
	case st.Phase == rules.Draft:
		return Says(st.Phase)
	case st.Stage == rules.Watched:
		return "the old version works as before; the instances look at its statements, and then the database changes"
	case st.Phase.Live():
		return "both versions work, and each sees its own columns"
	case st.Stage == rules.Settled:
		return "the old version has ended; its column is hidden until purge"
	case st.Stage == rules.Withdrawn:
		return "the new version has ended; its column is hidden until purge"
	case st.Phase == rules.Contracted:
		return "the old version has ended, and Segue is not needed for it any more"
	}
	return "the database has the columns of the old version, and the new one has ended"
}

// nextStage is what an operator does next about a change of columns.
func (st *Status) nextStage() string {
	switch p := st.Progress; {
	case p != nil && p.Failure != "" && st.Stage == rules.Completing:
		return fmt.Sprintf("mend the rows, then segue resume %[1]s; or segue rollback %[1]s", st.ID)
	case p != nil && p.Failure != "":
		return fmt.Sprintf("mend the rows, then segue resume %[1]s; or correct the expressions: segue amend %[1]s FILE; or segue rollback %[1]s", st.ID)
	case p != nil && p.Paused:
		return fmt.Sprintf("segue resume %s", st.ID)
	}
	if p := st.Progress; p != nil && p.Deferred != nil {
		return fmt.Sprintf("correct the rows, which are then filled by themselves; or correct up: segue amend %[1]s FILE; or segue rollback %[1]s", st.ID)
	}
	switch st.Stage {
	case rules.Watched, rules.Filling, rules.Completing:
		return fmt.Sprintf("wait until the columns are filled: segue status %s --watch", st.ID)
	case rules.Served:
		return fmt.Sprintf("deploy the app with the new columns, then segue cutover %s", st.ID)
	case rules.Owned:
		return fmt.Sprintf("take the app with the old columns away, then segue contract %s", st.ID)
	case rules.Kept:
		return "wait until older sessions have ended"
	case rules.Settled:
		return fmt.Sprintf("drop the old columns: segue purge %[1]s; until then segue rollback %[1]s is the way back", st.ID)
	}
	return fmt.Sprintf("drop the new columns: segue purge %[1]s; then segue activate %[1]s, or segue delete %[1]s", st.ID)
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
	if st.Stage != "" {
		return st.nextStage()
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
