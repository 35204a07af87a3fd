package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A Transition is the one row of segue.transition: a change of phase that has been asked for and is not over.
type Transition struct {
	Migration   string
	Kind        string          // activate, cutover, …
	To          rules.Phase     //
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
	Committed int64     // the epoch that it made, once its transaction has committed; 0 before
	PauseMS   *float64  // how long its gate was closed until then
	Now       time.Time // the server's clock when this was read, in which all times of the store are measured
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
	       attempt, gate_tables, gate_set_at, gate_until, committed, pause_ms, pg_catalog.clock_timestamp()
	FROM segue.transition`

// A transitionScan takes the columns of selectTransition, all of which may be NULL when there is no row.
type transitionScan struct {
	migration, kind, to, actor, lastError, leader *string
	options, blockers                             []byte
	requested, now                                *time.Time
	attempts                                      *int
	attempt, committed                            *int64
	tables                                        []uint32
	t                                             Transition
}

func (s *transitionScan) targets() []any {
	return []any{&s.migration, &s.kind, &s.to, &s.options, &s.actor, &s.requested, &s.t.Deadline, &s.attempts, &s.t.NextTry,
		&s.lastError, &s.blockers, &s.leader, &s.attempt, &s.tables, &s.t.SetAt, &s.t.Until, &s.committed, &s.t.PauseMS, &s.now}
}

// transition is what was scanned; there must have been a row.
func (s *transitionScan) transition() *Transition {
	t := &s.t
	t.Migration, t.Kind, t.To, t.Actor = *s.migration, *s.kind, rules.Phase(*s.to), *s.actor
	t.LastError, t.Leader, t.Options, t.Blockers = *s.lastError, *s.leader, s.options, s.blockers
	t.RequestedAt, t.Now, t.Attempts, t.Attempt, t.Committed = *s.requested, *s.now, *s.attempts, *s.attempt, *s.committed
	for _, oid := range s.tables {
		t.Tables = append(t.Tables, catalog.OID(oid))
	}
	return t
}

// LoadTransition reads the pending transition, and locks its row when lock is set; nil, and no error, when there is none.
func LoadTransition(ctx context.Context, db DB, lock bool) (*Transition, error) {
	sql := selectTransition
	if lock {
		sql += ` FOR UPDATE`
	}
	scan := new(transitionScan)
	err := db.QueryRow(ctx, sql).Scan(scan.targets()...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read segue.transition: %w", err)
	}
	return scan.transition(), nil
}

// InsertTransition stores a request. It returns false when another transition is pending.
func InsertTransition(ctx context.Context, db DB, t *Transition) (bool, error) {
	options := t.Options
	if options == nil {
		options = json.RawMessage(`{}`)
	}
	tag, err := execSaid(ctx, db, `
		INSERT INTO segue.transition (migration, kind, to_phase, options, actor, deadline)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		t.Migration, t.Kind, string(t.To), saidJSON(options), said(t.Actor), t.Deadline)
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
	_, err := execSaid(ctx, db, `
		UPDATE segue.transition SET leader = $2, attempts = attempts + 1, last_error = $3, blockers = $4,
			next_try = pg_catalog.clock_timestamp() + $5 * interval '1 microsecond',
			attempt = 0, gate_tables = '{}', gate_set_at = NULL, gate_until = NULL
		WHERE migration = $1`, migration, leader, said(reason), saidJSON(blockers), wait.Microseconds())
	if err != nil {
		return fmt.Errorf("cannot store the failed attempt: %w", err)
	}
	return nil
}

// ClearGate clears the gate of the pending transition, so that all instances open.
func ClearGate(ctx context.Context, db DB, migration string) error {
	_, err := db.Exec(ctx, `
		UPDATE segue.transition SET attempt = 0, gate_tables = '{}', gate_set_at = NULL, gate_until = NULL WHERE migration = $1`, migration)
	if err != nil {
		return fmt.Errorf("cannot clear the gate: %w", err)
	}
	return nil
}

// ExplainTransition stores what the pending transition waits for.
func ExplainTransition(ctx context.Context, db DB, migration, reason string) error {
	if _, err := execSaid(ctx, db, `UPDATE segue.transition SET last_error = $2 WHERE migration = $1`, migration, said(reason)); err != nil {
		return fmt.Errorf("cannot store what the transition waits for: %w", err)
	}
	return nil
}

// CommitTransition writes, in the transaction that makes the change, that the pending transition made that epoch, and
// clears its gate. What is left to do is to wait until all instances serve the epoch.
func CommitTransition(ctx context.Context, db DB, migration string, epoch int64, pause *float64) error {
	_, err := db.Exec(ctx, `
		UPDATE segue.transition SET committed = $2, pause_ms = $3, last_error = '', blockers = '[]', next_try = NULL,
			attempt = 0, gate_tables = '{}', gate_set_at = NULL, gate_until = NULL
		WHERE migration = $1`, migration, epoch, pause)
	if err != nil {
		return fmt.Errorf("cannot store that the transition is made: %w", err)
	}
	return nil
}

// ChangeTransition replaces what was asked for with a pending transition.
func ChangeTransition(ctx context.Context, db DB, migration string, options json.RawMessage, actor string, deadline *time.Time) error {
	_, err := execSaid(ctx, db, `UPDATE segue.transition SET options = $2, actor = $3, deadline = $4, next_try = NULL WHERE migration = $1`,
		migration, saidJSON(options), said(actor), deadline)
	if err != nil {
		return fmt.Errorf("cannot change the transition: %w", err)
	}
	return nil
}
