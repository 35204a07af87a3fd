package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// An AuditRow is one row of segue.audit: something that happened to a migration. Rows are never changed.
type AuditRow struct {
	ID        int64
	At        time.Time // set by the server
	Migration string
	Kind      string
	Detail    string
	Actor     string
	PauseMS   *float64        // how long a gate was closed
	Blockers  json.RawMessage // who was in the way; the store does not look into it
}

// AddAudit appends to segue.audit and sets ID and At.
func AddAudit(ctx context.Context, db DB, r *AuditRow) error {
	if r.Blockers == nil {
		r.Blockers = json.RawMessage(`[]`)
	}
	args := []any{r.Migration, r.Kind, said(r.Detail), said(r.Actor), r.PauseMS, saidJSON(r.Blockers)}
	err := storing(ctx, db, args, func(db DB, args []any) error {
		return db.QueryRow(ctx, `
			INSERT INTO segue.audit (migration, kind, detail, actor, pause_ms, blockers) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, at`,
			args...).Scan(&r.ID, &r.At)
	})
	if err != nil {
		return fmt.Errorf("cannot write segue.audit: %w", err)
	}
	return nil
}

// LoadAudit reads the history of one migration, or of all when migration is empty, in order, beginning after the row
// with that id. It returns at most limit rows: the newest, when after is 0.
func LoadAudit(ctx context.Context, db DB, migration string, after int64, limit int) ([]AuditRow, error) {
	order := "id"
	if after == 0 {
		order = "id DESC"
	}
	rows, err := db.Query(ctx, `
		SELECT id, at, migration, kind, detail, actor, pause_ms, blockers FROM (
			SELECT * FROM segue.audit WHERE ($1 = '' OR migration = $1) AND id > $2 ORDER BY `+order+` LIMIT $3
		) AS newest ORDER BY id`, migration, after, limit)
	if err == nil {
		var all []AuditRow
		if all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[AuditRow]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("cannot read segue.audit: %w", err)
}

// SinceEvent tells how long ago, by the server's clock, the latest event of that kind was whose detail begins so or, where
// there is none, how long ago the migration's row was changed.
func SinceEvent(ctx context.Context, db DB, migration, kind, detail string) (time.Duration, error) {
	var micros int64
	err := db.QueryRow(ctx, `
		SELECT (extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(
			(SELECT pg_catalog.max(at) FROM segue.audit WHERE migration = $1 AND kind = $2 AND pg_catalog.starts_with(detail, $3)),
			(SELECT updated_at FROM segue.migration WHERE id = $1))) * 1000000)::pg_catalog.int8`, migration, kind, detail).Scan(&micros)
	if err != nil {
		return 0, fmt.Errorf("cannot read segue.audit: %w", err)
	}
	return time.Duration(micros) * time.Microsecond, nil
}
