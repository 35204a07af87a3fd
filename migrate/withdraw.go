package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Cancel withdraws the pending transition of the migration, and returns what it was. Nothing else is changed. It is a
// *ConflictError when nothing is pending, or what is pending is committed already.
func (i *Instance) Cancel(ctx context.Context, id, actor string) (Kind, error) {
	var kind Kind
	err := i.change(ctx, id, func(tx pgx.Tx, m *rules.Migration, t *store.Transition) (*store.AuditRow, error) {
		switch {
		case t == nil:
			return nil, &ConflictError{Message: fmt.Sprintf("nothing is being tried for %q, which is %s, so there is nothing to cancel", id, m.Phase)}
		case t.Committed != 0:
			return nil, &ConflictError{
				Message: fmt.Sprintf("%s of %q is made already, and only waits for all instances to serve it", t.Kind, id),
				Hint:    "a rollback takes it back",
				HintCLI: "to take it back: segue rollback " + id,
			}
		}
		kind = Kind(t.Kind)
		_, err := store.DeleteTransition(ctx, tx, id)
		return &store.AuditRow{Migration: id, Kind: eventWithdrawn, Detail: t.Kind, Actor: actor}, err
	})
	return kind, err
}

// Delete removes a draft or rolled-back migration. It is a *ConflictError in any other phase, and while something is
// pending: a transition is withdrawn by Cancel.
func (i *Instance) Delete(ctx context.Context, id, actor string) error {
	return i.change(ctx, id, func(tx pgx.Tx, m *rules.Migration, t *store.Transition) (*store.AuditRow, error) {
		switch {
		case t != nil:
			return nil, &ConflictError{
				Message: fmt.Sprintf("%q cannot be deleted: its %s is being tried", id, t.Kind),
				Hint:    fmt.Sprintf("withdraw that first: DELETE /v1/migrations/%s/transition", id),
				HintCLI: "withdraw that first: segue cancel " + id,
			}
		case m.Phase != rules.Draft && m.Phase != rules.RolledBack:
			e := &ConflictError{
				Message: fmt.Sprintf("%q cannot be deleted: it is %s", id, m.Phase),
				Hint:    "a migration can be deleted while it is a draft or rolled back",
			}
			if m.Phase.Live() {
				e.HintCLI = "roll it back first: segue rollback " + id
			}
			return nil, e
		}
		if m.Leftovers() {
			return nil, &ConflictError{
				Message: fmt.Sprintf("%q cannot be deleted: columns of it are left in the database", id),
				Hint:    fmt.Sprintf("drop them first: POST /v1/migrations/%s/purge", id), HintCLI: "drop them first: segue purge " + id,
			}
		}
		return &store.AuditRow{Migration: id, Kind: eventDeleted, Actor: actor}, store.DeleteMigration(ctx, tx, id)
	})
}

// change runs do in a transaction in which no transition can be committed, with the migration and its pending transition,
// or nil, and writes the row that it returns to the audit.
func (i *Instance) change(ctx context.Context, id string, do func(pgx.Tx, *rules.Migration, *store.Transition) (*store.AuditRow, error)) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := store.LockEpoch(ctx, tx); err != nil {
			return err
		}
		m, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		// A leader at work holds this row until it has committed or given up.
		t, err := store.LoadTransition(ctx, tx, true)
		if err != nil {
			return err
		}
		if t != nil && t.Migration != id {
			t = nil
		}
		row, err := do(tx, m, t)
		if err != nil {
			return err
		}
		if err := store.AddAudit(ctx, tx, row); err != nil {
			return err
		}
		return store.Notify(ctx, tx, "")
	})
}
