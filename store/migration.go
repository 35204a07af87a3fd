package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
)

// A ContentError says that another rule file is stored under the same id.
type ContentError struct{ ID string }

func (e *ContentError) Error() string {
	return fmt.Sprintf("a migration %q with other content is stored already; give this one another id, or delete the stored one while it is a draft or rolled back", e.ID)
}

const selectMigrations = `
	SELECT id, seq, file, source, spec, digest, (extract(epoch FROM contract_after) * 1000000)::pg_catalog.int8, phase, created_at, updated_at,
		coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('operation', c.operation, 'protocol', c.protocol, 'stage', c.stage, 'description', c.description))
			FROM segue.change c WHERE c.migration = m.id), '[]')
	FROM segue.migration m`

// LoadMigrations reads all stored migrations, in order of Seq.
func LoadMigrations(ctx context.Context, db DB) ([]*rules.Migration, error) {
	rows, err := db.Query(ctx, selectMigrations+` ORDER BY seq`)
	if err == nil {
		var all []*rules.Migration
		if all, err = pgx.CollectRows(rows, scanMigration); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("cannot read segue.migration: %w", err)
}

// LoadMigration reads one migration, and locks its row when lock is set. The error is ErrNotStored when there is none.
func LoadMigration(ctx context.Context, db DB, id string, lock bool) (*rules.Migration, error) {
	sql := selectMigrations + ` WHERE id = $1`
	if lock {
		sql += ` FOR UPDATE OF m`
	}
	rows, err := db.Query(ctx, sql, id)
	if err == nil {
		var m *rules.Migration
		if m, err = pgx.CollectExactlyOneRow(rows, scanMigration); err == nil {
			return m, nil
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotStored
	}
	return nil, fmt.Errorf("cannot read migration %q: %w", id, err)
}

func scanMigration(row pgx.CollectableRow) (*rules.Migration, error) {
	var s rules.Migration // what the columns say
	var file string
	var spec, changes []byte
	var micros int64
	if err := row.Scan(&s.ID, &s.Seq, &file, &s.Source, &spec, &s.Digest, &micros, &s.Phase, &s.CreatedAt, &s.UpdatedAt, &changes); err != nil {
		return nil, err
	}
	m, err := rules.Decode(file, spec)
	if err != nil {
		return nil, fmt.Errorf("migration %q: %w", s.ID, err)
	}
	m.ID, m.Seq, m.Source, m.Digest, m.Phase, m.CreatedAt, m.UpdatedAt = s.ID, s.Seq, s.Source, s.Digest, s.Phase, s.CreatedAt, s.UpdatedAt
	m.ContractAfter = time.Duration(micros) * time.Microsecond
	return withChanges(m, changes)
}

// InsertMigration stores m as a draft and sets its Phase, Seq and times. When the same content is stored already under
// the id, created is false, and those fields are the stored ones; other content is a *ContentError.
func InsertMigration(ctx context.Context, db DB, m *rules.Migration) (created bool, err error) {
	spec, err := m.Encode()
	if err != nil {
		return false, err
	}
	args := []any{m.ID, said(m.File()), said(m.Source), string(spec), m.Digest, m.ContractAfter.Microseconds()}
	err = storing(ctx, db, args, func(db DB, args []any) error {
		return db.QueryRow(ctx, `
			INSERT INTO segue.migration (id, file, source, spec, digest, contract_after, phase)
			VALUES ($1, $2, $3, $4, $5, $6 * interval '1 microsecond', 'draft')
			ON CONFLICT (id) DO NOTHING
			RETURNING seq, phase, created_at, updated_at`, args...).Scan(&m.Seq, &m.Phase, &m.CreatedAt, &m.UpdatedAt)
	})
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("cannot store migration %q: %w", m.ID, err)
	}
	stored, err := LoadMigration(ctx, db, m.ID, false)
	if err != nil {
		return false, err
	}
	if stored.Digest != m.Digest {
		return false, &ContentError{ID: m.ID}
	}
	m.Phase, m.Seq, m.CreatedAt, m.UpdatedAt = stored.Phase, stored.Seq, stored.CreatedAt, stored.UpdatedAt
	return false, nil
}

// SetPhase stores the phase of a migration. One that becomes active behind the back of later ones, which are live or
// contracted already, moves behind them in the order of Seq: their versions must not change under their clients. The error
// is ErrNotStored when there is no such migration.
func SetPhase(ctx context.Context, db DB, id string, to rules.Phase) error {
	tag, err := db.Exec(ctx, `
		UPDATE segue.migration m SET
			phase = $2,
			updated_at = pg_catalog.now(),
			seq = CASE WHEN $2 = 'active' AND m.phase IN ('draft', 'rolled_back')
				AND EXISTS (SELECT FROM segue.migration o WHERE o.seq > m.seq AND o.phase IN ('active', 'cutover', 'contracted'))
				THEN pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('segue.migration', 'seq')) ELSE m.seq END
		WHERE m.id = $1`, id, string(to))
	if err != nil {
		return fmt.Errorf("cannot store the phase of migration %q: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("cannot store the phase of migration %q: %w", id, ErrNotStored)
	}
	return nil
}

// AmendMigration stores what a migration's corrected file says in the place of what was said before. The error is ErrNotStored when
// there is no such migration.
func AmendMigration(ctx context.Context, db DB, m *rules.Migration) error {
	spec, err := m.Encode()
	if err != nil {
		return err
	}
	args := []any{m.ID, said(m.File()), said(m.Source), string(spec), m.Digest}
	err = storing(ctx, db, args, func(db DB, args []any) error {
		tag, err := db.Exec(ctx, `UPDATE segue.migration SET file = $2, source = $3, spec = $4, digest = $5, updated_at = pg_catalog.now() WHERE id = $1`, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = ErrNotStored
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot store the corrected migration %q: %w", m.ID, err)
	}
	return nil
}

// DeleteMigration removes a migration with its usage and pending transition; its history in segue.audit stays.
// The caller has checked that it is not live. The error is ErrNotStored when there is no such migration.
func DeleteMigration(ctx context.Context, db DB, id string) error {
	tag, err := db.Exec(ctx, `DELETE FROM segue.migration WHERE id = $1`, id)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotStored
	}
	if err != nil {
		return fmt.Errorf("cannot delete migration %q: %w", id, err)
	}
	return nil
}
