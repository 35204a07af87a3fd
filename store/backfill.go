package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Backfill is how far the rows of one change are filled.
type Backfill struct {
	Migration string
	Operation int
	Done      int64           // rows
	Total     int64           // rows, estimated when it began
	State     json.RawMessage // where it is, and what it waits for; the store does not look into it
	Paused    bool
	UpdatedAt time.Time
}

// LoadBackfills reads the backfills of a migration, in the order of its operations; of all migrations where it is "".
func LoadBackfills(ctx context.Context, db DB, migration string) ([]Backfill, error) {
	rows, err := db.Query(ctx, `
		SELECT migration, operation, done, total, state, paused, updated_at FROM segue.backfill
		WHERE $1 IN ('', migration) ORDER BY migration, operation`, migration)
	if err != nil {
		return nil, fmt.Errorf("cannot read segue.backfill: %w", err)
	}
	defer rows.Close()
	var out []Backfill
	for rows.Next() {
		var b Backfill
		if err := rows.Scan(&b.Migration, &b.Operation, &b.Done, &b.Total, &b.State, &b.Paused, &b.UpdatedAt); err != nil {
			return nil, fmt.Errorf("cannot read segue.backfill: %w", err)
		}
		out = append(out, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read segue.backfill: %w", err)
	}
	return out, nil
}

// SaveBackfill stores how far a backfill is, in the transaction that fills the rows. Whether it is paused is not for it to say.
func SaveBackfill(ctx context.Context, db DB, b *Backfill) error {
	_, err := db.Exec(ctx, `UPDATE segue.backfill SET done = $3, total = $4, state = $5, updated_at = pg_catalog.clock_timestamp() WHERE migration = $1 AND operation = $2`,
		b.Migration, b.Operation, b.Done, b.Total, string(b.State))
	if err != nil {
		return fmt.Errorf("cannot store how far the backfill of %q is: %w", b.Migration, err)
	}
	return nil
}

// LoadBrakes reads the limits of a backfill. What they are the store does not look into.
func LoadBrakes(ctx context.Context, db DB, migration string, operation int) (json.RawMessage, error) {
	var brakes json.RawMessage
	err := db.QueryRow(ctx, `SELECT brakes FROM segue.backfill WHERE migration = $1 AND operation = $2`, migration, operation).Scan(&brakes)
	if errors.Is(err, pgx.ErrNoRows) {
		return json.RawMessage("{}"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the brakes of the backfill of %q: %w", migration, err)
	}
	return brakes, nil
}

// SetBrakes stores the limits of the backfills of a migration.
func SetBrakes(ctx context.Context, db DB, migration string, brakes json.RawMessage) error {
	if _, err := db.Exec(ctx, `UPDATE segue.backfill SET brakes = $2 WHERE migration = $1`, migration, string(brakes)); err != nil {
		return fmt.Errorf("cannot store the brakes of the backfill of %q: %w", migration, err)
	}
	return nil
}

// PauseBackfill pauses the backfills of a migration, or lets them go on. It returns how many there are.
func PauseBackfill(ctx context.Context, db DB, migration string, paused bool) (int64, error) {
	tag, err := db.Exec(ctx, `UPDATE segue.backfill SET paused = $2 WHERE migration = $1`, migration, paused)
	if err != nil {
		return 0, fmt.Errorf("cannot pause the backfill of %q: %w", migration, err)
	}
	return tag.RowsAffected(), nil
}
