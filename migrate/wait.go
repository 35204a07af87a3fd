package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Wait returns when the pending transition of the migration is over or ctx ends, with the migration as it is then;
// a transition that failed for good or was withdrawn is an error.
func (i *Instance) Wait(ctx context.Context, id string) (*Status, error) {
	var last *Status
	for {
		changed := i.changed.next()
		st, err := i.Get(ctx, id)
		switch {
		case err != nil && ctx.Err() != nil && last != nil:
			return last, nil
		case err != nil:
			return nil, err
		case st.Pending == nil:
			return st, i.failure(ctx, id)
		case ctx.Err() != nil:
			return st, nil
		}
		last = st
		pause(ctx, 100*time.Millisecond, changed)
	}
}

// failure is how the last transition of the migration failed; nil when it did not.
func (i *Instance) failure(ctx context.Context, id string) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return err
	}
	failed, err := lastFailure(ctx, pool, m)
	if err == nil && failed != nil {
		err = failed
	}
	return err
}

// lastFailure is the failure or the withdrawal with which the migration's history ends; nil when it ends otherwise.
func lastFailure(ctx context.Context, db store.DB, m *rules.Migration) (*ConflictError, error) {
	rows, err := store.LoadAudit(ctx, db, m.ID, 0, 1)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	switch row := rows[0]; row.Kind {
	case eventWithdrawn:
		return &ConflictError{
			Message: fmt.Sprintf("%s of %q was withdrawn by %s; it stays %s, and nothing was changed", row.Detail, m.ID, row.Actor, m.Phase),
		}, nil
	case eventFailed:
		e := &ConflictError{Message: row.Detail}
		return e, json.Unmarshal(row.Blockers, &e.Blockers)
	}
	return nil, nil
}
