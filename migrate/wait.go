package migrate

import (
	"context"
	"encoding/json"
	"time"

	"github.com/seguedb/segue/rules"
)

// Wait returns when the pending transition of the migration is over or ctx ends, with the migration as it is then;
// a transition that failed for good is an error.
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

// lastFailure is the failure with which the migration's history ends; nil when it ends otherwise.
func lastFailure(ctx context.Context, db rules.DB, m *rules.Migration) (*ConflictError, error) {
	rows, err := rules.LoadAudit(ctx, db, m.ID, 0, 1)
	if err != nil || len(rows) == 0 || rows[0].Kind != eventFailed {
		return nil, err
	}
	e := &ConflictError{Message: rows[0].Detail, Allowed: allowed(m.Phase)}
	if err := json.Unmarshal(rows[0].Blockers, &e.Blockers); err != nil {
		return nil, err
	}
	return e, nil
}
