package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
)

// amendment is the migration with the expressions of the request's file, and the places of the operations that have other ones. The
// error is a *rules.FileError.
func (r Request) amendment(m *rules.Migration) (*rules.Migration, []int, error) {
	file, err := rules.Parse(r.File, []byte(r.Source))
	if err != nil {
		return nil, nil, err
	}
	return m.Amended(file)
}

// amendable checks that the expressions of a migration can be corrected now: nobody has read what they have made, and nothing else is
// made of it yet.
func amendable(m *rules.Migration) error {
	stage := m.Unfinished()
	if m.Phase == rules.Active && (stage == rules.Watched || stage == rules.Filling) {
		return nil
	}
	e := &ConflictError{
		Message: fmt.Sprintf("amend of %q is not possible: up and down can be corrected while the columns are filled, and not when it is %s", m.ID, spoken(m.Phase)),
		Allowed: Allowed(m.Phase),
	}
	switch {
	case len(m.Changes()) == 0:
		e.Message = fmt.Sprintf("amend of %q is not possible: it has no expressions", m.ID)
	case m.Phase == rules.Draft || m.Phase == rules.RolledBack:
		e.Hint = "delete it, and create the corrected file"
	case stage == rules.Completing:
		e.Message = fmt.Sprintf("amend of %q is not possible: nearly all rows are filled, and what is made of them has begun", m.ID)
		e.Hint = "correct the rows, and resume; or roll it back, purge and delete it, and create the corrected file"
	case m.Phase == rules.Active:
		e.Message = fmt.Sprintf("amend of %q is not possible: the new version is served, and has read what the expressions have made", m.ID)
		e.Hint = "roll it back, purge and delete it, and create the corrected file"
	}
	return e
}

// designAmend completes the design of a transition that corrects expressions.
func (l *leader) designAmend(ctx context.Context, m *move) error {
	was := m.migration
	amended, changed, err := m.request.amendment(was)
	if wrong, ok := errors.AsType[*rules.FileError](err); ok {
		return &ConflictError{Message: fmt.Sprintf("amend of %q is refused: %s", was.ID, wrong.Message), Hint: wrong.Hint}
	}
	if err != nil {
		return err
	}
	m.amends = true
	if was.Unfinished() == rules.Watched {
		m.migration = amended
		m.changes, err = l.resolve(ctx, m, rules.Watched)
		return err
	}
	now, err := assess.Amend(ctx, l.conn, was, amended, changed, m.catalog)
	if unfit, ok := errors.AsType[*assess.UnfitError](err); ok {
		return &ConflictError{Message: fmt.Sprintf("amend of %q is refused: %v", was.ID, unfit), Hint: unfit.Problems[0].Hint}
	}
	if err != nil {
		return err
	}
	m.migration = now
	if len(changed) > 0 {
		m.steps, m.changes = rules.AmendSteps(was, now), now.AtStage(rules.Filling)
	}
	return nil
}
