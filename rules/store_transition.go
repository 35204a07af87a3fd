package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
)

// A Transition is the one row of segue.transition: a change of phase that has been asked for and is not over.
type Transition struct {
	Migration   string
	Kind        string          // activate, cutover, …
	To          Phase           //
	Options     json.RawMessage // what was asked for; the store does not look into it
	Actor       string
	RequestedAt time.Time
	Deadline    *time.Time // give up at; nil: never
	Attempts    int        // that have failed
	NextTry     *time.Time
	LastError   string
	Blockers    json.RawMessage
	Leader      string // the instance that tries
	Gate
	Now time.Time // the server's clock when this was read, in which all times of the store are measured
}

// A Gate is the part of a transition that instances obey.
type Gate struct {
	Attempt int64         // number of the gate; 0: none is set. Numbers are never used twice
	Tables  []catalog.OID // whose statements are held
	SetAt   *time.Time
	Until   *time.Time // the attempt is over then, whatever happens
}

const selectTransition = `
	SELECT migration, kind, to_phase, options, actor, requested_at, deadline, attempts, next_try, last_error, blockers, leader,
	       attempt, gate_tables, gate_set_at, gate_until, pg_catalog.clock_timestamp()
	FROM segue.transition`

// LoadTransition reads the pending transition, and locks its row when lock is set; nil when there is none.
func LoadTransition(ctx context.Context, db DB, lock bool) (*Transition, error) {
	sql := selectTransition
	if lock {
		sql += ` FOR UPDATE`
	}
	t := new(Transition)
	var tables []uint32
	err := db.QueryRow(ctx, sql).Scan(&t.Migration, &t.Kind, &t.To, &t.Options, &t.Actor, &t.RequestedAt, &t.Deadline,
		&t.Attempts, &t.NextTry, &t.LastError, &t.Blockers, &t.Leader, &t.Attempt, &tables, &t.SetAt, &t.Until, &t.Now)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read segue.transition: %w", err)
	}
	for _, oid := range tables {
		t.Tables = append(t.Tables, catalog.OID(oid))
	}
	return t, nil
}

// InsertTransition stores a request. It returns false when another transition is pending.
func InsertTransition(ctx context.Context, db DB, t *Transition) (bool, error) {
	options := t.Options
	if options == nil {
		options = json.RawMessage(`{}`)
	}
	tag, err := db.Exec(ctx, `
		INSERT INTO segue.transition (migration, kind, to_phase, options, actor, deadline)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		t.Migration, t.Kind, string(t.To), string(options), t.Actor, t.Deadline)
	if err != nil {
		return false, fmt.Errorf("cannot store the transition: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// DeleteTransition removes the pending transition of the migration, and with it its gate. It tells whether there was one.
func DeleteTransition(ctx context.Context, db DB, migration string) (bool, error) {
	tag, err := db.Exec(ctx, `DELETE FROM segue.transition WHERE migration = $1`, migration)
	if err != nil {
		return false, fmt.Errorf("cannot remove the transition: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// SetGate writes a gate for the pending transition and returns it. It is ErrNotStored when the transition is gone.
func SetGate(ctx context.Context, db DB, migration, leader string, tables []catalog.OID, limit time.Duration) (*Gate, error) {
	oids := make([]uint32, len(tables))
	for i, oid := range tables {
		oids[i] = uint32(oid)
	}
	g := &Gate{Tables: tables}
	err := db.QueryRow(ctx, `
		WITH at AS (SELECT pg_catalog.clock_timestamp() AS at)
		UPDATE segue.transition SET leader = $2, attempt = pg_catalog.nextval('segue.attempt'), gate_tables = $3::pg_catalog.oid[],
			gate_set_at = at.at, gate_until = at.at + $4 * interval '1 microsecond'
		FROM at WHERE migration = $1
		RETURNING attempt, gate_set_at, gate_until`, migration, leader, oids, limit.Microseconds()).Scan(&g.Attempt, &g.SetAt, &g.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotStored
	}
	if err != nil {
		return nil, fmt.Errorf("cannot set the gate: %w", err)
	}
	return g, nil
}

// FailAttempt clears the gate of the pending transition and says why the attempt came to nothing and when the next is due.
// It does nothing when the transition is gone.
func FailAttempt(ctx context.Context, db DB, migration, leader, reason string, blockers json.RawMessage, wait time.Duration) error {
	if blockers == nil {
		blockers = json.RawMessage(`[]`)
	}
	_, err := db.Exec(ctx, `
		UPDATE segue.transition SET leader = $2, attempts = attempts + 1, last_error = $3, blockers = $4,
			next_try = pg_catalog.clock_timestamp() + $5 * interval '1 microsecond',
			attempt = 0, gate_tables = '{}', gate_set_at = NULL, gate_until = NULL
		WHERE migration = $1`, migration, leader, reason, string(blockers), wait.Microseconds())
	if err != nil {
		return fmt.Errorf("cannot store the failed attempt: %w", err)
	}
	return nil
}
