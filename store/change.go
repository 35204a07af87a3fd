package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seguedb/segue/rules"
)

// withChanges is the migration with what is stored of its changes of columns.
func withChanges(m *rules.Migration, stored []byte) (*rules.Migration, error) {
	var changes []struct {
		Operation   int
		Protocol    int
		Stage       rules.Stage
		Description json.RawMessage
	}
	err := json.Unmarshal(stored, &changes)
	for _, c := range changes {
		if err != nil {
			break
		}
		if c.Operation < 0 || c.Operation >= len(m.Operations) {
			err = fmt.Errorf("there is no operation %d", c.Operation)
			break
		}
		var r *rules.ResolvedChange
		if r, err = rules.DecodeChange(c.Protocol, c.Stage, c.Description); err == nil {
			m = m.Resolve(c.Operation, r)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the changes of migration %q cannot be read: %w", m.ID, err)
	}
	return m, nil
}

// SetChange stores a change of columns, or its stage. Where the change begins, the account of its backfill does too: one that somebody has
// paused before it has begun, or before the change was corrected, stays paused.
func SetChange(ctx context.Context, db DB, migration string, operation int, r *rules.ResolvedChange) error {
	description, err := r.Encode()
	if err == nil {
		_, err = db.Exec(ctx, `
			INSERT INTO segue.change (migration, operation, protocol, stage, description) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (migration, operation) DO UPDATE SET stage = EXCLUDED.stage, description = EXCLUDED.description, changed_at = pg_catalog.now()`,
			migration, operation, r.Protocol, string(r.Stage), string(description))
	}
	if err == nil && (r.Stage == rules.Watched || r.Stage == rules.Filling) {
		_, err = db.Exec(ctx, `
			INSERT INTO segue.backfill (migration, operation) VALUES ($1, $2)
			ON CONFLICT (migration, operation) DO UPDATE SET done = 0, total = 0, state = '{}', updated_at = pg_catalog.now()`, migration, operation)
	}
	if err != nil {
		return fmt.Errorf("cannot store the change of migration %q: %w", migration, err)
	}
	return nil
}

// DeleteChange removes what is stored of one of a migration's changes, of which the database has nothing any more.
func DeleteChange(ctx context.Context, db DB, migration string, operation int) error {
	for _, table := range []string{"segue.change", "segue.backfill"} {
		if _, err := db.Exec(ctx, "DELETE FROM "+table+" WHERE migration = $1 AND operation = $2", migration, operation); err != nil {
			return fmt.Errorf("cannot remove the change of migration %q: %w", migration, err)
		}
	}
	return nil
}

// DeleteChanges removes what is stored of a migration's changes, of which the database has nothing any more.
func DeleteChanges(ctx context.Context, db DB, migration string) error {
	_, err := db.Exec(ctx, `DELETE FROM segue.change WHERE migration = $1`, migration)
	if err == nil {
		_, err = db.Exec(ctx, `DELETE FROM segue.backfill WHERE migration = $1`, migration)
	}
	if err != nil {
		return fmt.Errorf("cannot remove the changes of migration %q: %w", migration, err)
	}
	return nil
}
