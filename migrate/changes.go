package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// designChanges completes the design of a transition with what it does to the columns that the migration changes.
func (l *leader) designChanges(ctx context.Context, m *move) (err error) {
	switch kind := Kind(m.Kind); {
	case kind == Activate && len(m.migration.Changes()) > 0:
		// From here on all instances look at statements on the table. Before they do, no gate could hold them.
		m.changes, err = l.resolve(ctx, m, rules.Watched)
		return err
	case kind == Expand:
		if _, err = l.resolve(ctx, m, rules.Watched); err != nil {
			return err
		}
		m.changes = m.migration.AtStage(rules.Filling)
		m.steps = rules.StageSteps(m.migration, rules.Filling)
	case kind == Amend:
		return l.designAmend(ctx, m)
	case kind == Rollback && m.migration.Unfinished() == rules.Watched:
		m.steps, m.purges = nil, true
	case kind == Purge:
		m.steps, m.purges = rules.PurgeSteps(m.migration), true
	case stageOf[kind] != "":
		m.steps, m.changes = rules.StageSteps(m.migration, stageOf[kind]), m.migration.AtStage(stageOf[kind])
	default:
		m.steps, m.changes = rules.Steps(m.migration, m.from, m.To), m.migration.After(m.To)
	}
	return nil
}

// resolve asks the server what the changes mean at this moment, and returns them in a stage.
func (l *leader) resolve(ctx context.Context, m *move, stage rules.Stage) (map[int]*rules.ResolvedChange, error) {
	fresh := m.migration
	for _, c := range fresh.Changes() {
		fresh = fresh.Resolve(c.Place, nil)
	}
	resolved, err := assess.Resolve(ctx, l.conn, fresh, m.catalog)
	if unfit, ok := errors.AsType[*assess.UnfitError](err); ok {
		return nil, &ConflictError{Message: fmt.Sprintf("%s of %q is refused: %v", m.Kind, m.migration.ID, unfit), Hint: unfit.Problems[0].Hint}
	}
	if err != nil {
		return nil, err
	}
	m.migration = resolved
	out := map[int]*rules.ResolvedChange{}
	for _, c := range resolved.Changes() {
		out[c.Place] = c.Resolved().At(stage)
	}
	return out, nil
}

// stageOf is the stage to which a transition leads that stays in its phase.
var stageOf = map[Kind]rules.Stage{Expand: rules.Filling, Complete: rules.Completing, Serve: rules.Served, Settle: rules.Settled}

// stageBefore is the stage in which such a transition is due.
var stageBefore = map[Kind]rules.Stage{Expand: rules.Watched, Complete: rules.Filling, Serve: rules.Completing, Settle: rules.Kept}

// due checks that a transition that follows from others can be made now.
func (r Request) due(m *rules.Migration) error {
	if m.Unfinished() == stageBefore[r.Kind] && (r.Kind == Settle) == (m.Phase == rules.Contracted) {
		return nil
	}
	return &ConflictError{Message: fmt.Sprintf("%s of %q is not due any more", r.Kind, m.ID)}
}

// purgeable checks that purge has something to drop, and may.
func purgeable(m *rules.Migration) error {
	switch {
	case !m.Leftovers():
		return &ConflictError{Message: fmt.Sprintf("%q has left nothing in the database, so there is nothing to purge", m.ID)}
	case m.Unfinished() == rules.Kept:
		return &ConflictError{
			Message: fmt.Sprintf("purge of %q is not possible yet: the new columns have not got their names", m.ID),
			Hint:    "sessions that were connected before contract have to end first",
		}
	}
	return nil
}

// nothingToPurge reports whether purge of the migration is done already, or was never needed.
func nothingToPurge(m *rules.Migration) bool {
	return !m.Leftovers() && (m.Phase == rules.Contracted || m.Phase == rules.RolledBack && len(m.Changes()) > 0)
}

// storeChanges writes how the migration's changes are after the transition.
func (m *move) storeChanges(ctx context.Context, tx pgx.Tx) error {
	if m.amends {
		if err := store.AmendMigration(ctx, tx, m.migration); err != nil {
			return err
		}
	}
	if m.purges {
		return store.DeleteChanges(ctx, tx, m.migration.ID)
	}
	for i, c := range m.changes {
		var err error
		if c == nil {
			err = store.DeleteChange(ctx, tx, m.migration.ID, i)
		} else {
			err = store.SetChange(ctx, tx, m.migration.ID, i, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// outcome is what a transition leads to that stays in its phase.
func (m *move) outcome() string { return outcomeOf(Kind(m.Kind), m.To) }

// outcomeOf is what a transition leads to, in a word.
func outcomeOf(k Kind, to rules.Phase) string {
	switch {
	case k == Purge:
		return "purged"
	case k == Amend:
		return "amended"
	case stageOf[k] != "":
		return string(stageOf[k])
	}
	return string(to)
}
