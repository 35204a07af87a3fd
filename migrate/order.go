package migrate

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// Allowed lists the transitions that can be asked for in a phase.
func Allowed(p rules.Phase) []Kind {
	switch p {
	case rules.Draft:
		return []Kind{Activate, Rollback}
	case rules.Active:
		return []Kind{Cutover, Rollback}
	case rules.Cutover:
		return []Kind{Contract, Rollback}
	case rules.RolledBack:
		return []Kind{Activate}
	}
	return nil
}

// Target is the phase that a request leads to.
func (r Request) Target() rules.Phase { return r.target() }

// stays reports whether the request leads to no other phase.
func (r Request) stays() bool {
	switch r.Kind {
	case Purge, Amend, Expand, Complete, Serve, Settle:
		return true
	}
	return false
}

// in is the request about a migration in that phase.
func (r Request) in(p rules.Phase) Request {
	if r.stays() {
		r.To = p
	}
	return r
}

// Reached reports whether what was asked for is so.
func (r Request) Reached(st *Status) bool {
	if r.Kind == Amend {
		return st.Pending == nil || st.Pending.Kind != Amend // what follows is asked for at once
	}
	if r.stays() {
		return st.Pending == nil && st.Stage == ""
	}
	return st.Phase == r.target()
}

// target is the phase that a request leads to.
func (r Request) target() rules.Phase {
	if r.stays() {
		return r.To
	}
	switch r.Kind {
	case Activate:
		return rules.Active
	case Cutover:
		return rules.Cutover
	case Contract:
		return rules.Contracted
	}
	if r.To == rules.Active {
		return rules.Active
	}
	return rules.RolledBack
}

// inOrder checks that the phase of the migration, and the other migrations, allow the request. The error is a
// *ConflictError that says what is allowed now.
func inOrder(m *rules.Migration, all []*rules.Migration, r Request, cat *catalog.Catalog) error {
	if stageOf[r.Kind] != "" {
		return r.due(m)
	}
	if r.Kind == Amend {
		return amendable(m)
	}
	if r.Kind == Purge && len(m.Changes()) > 0 && !m.Phase.Live() && m.Phase != rules.Draft {
		return purgeable(m)
	}
	back := r.Kind == Rollback && r.To == rules.Active
	returns := r.Kind == Rollback && !back && m.Phase == rules.Contracted && len(m.Changes()) > 0 // CanRollback decides
	if !returns && !slices.Contains(Allowed(m.Phase), r.Kind) || back && m.Phase != rules.Cutover {
		return &ConflictError{
			Message: fmt.Sprintf("%s of %q is not possible: it is %s", r.Kind, m.ID, m.Phase),
			Hint:    hintFor(m.Phase, r.Kind),
			Allowed: slices.DeleteFunc(Allowed(m.Phase), func(k Kind) bool { return k == r.Kind }),
		}
	}
	if f := assess.Order(m, all, cat, r.target()); f != nil {
		return &ConflictError{Message: fmt.Sprintf("%s of %q is not possible: %s", r.Kind, m.ID, f.Message), Hint: f.Hint}
	}
	return nil
}

// hintFor says what would have to come before.
func hintFor(p rules.Phase, k Kind) string {
	switch {
	case p == rules.Contracted && k == Purge:
		return "a rename leaves nothing behind, so there is nothing to purge"
	case p == rules.Contracted && k == Rollback:
		return "to active is the way back from a cutover; segue rollback without it takes a change of columns back while its old columns are kept"
	case p == rules.Contracted:
		return "a contracted migration is final; write another one for the way back"
	case k == Activate && p == rules.Cutover:
		return "both versions are served; rollback to active takes the physical change back"
	case k == Purge:
		return "purge follows contract"
	case p == rules.Draft || p == rules.RolledBack:
		return "activate it first"
	case k == Contract:
		return "cut it over first"
	}
	return ""
}
