package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/store"
)

// commit makes the change in one transaction: it checks for the last time, behind row locks, that every instance has
// acknowledged, runs the DDL, and writes phase, epoch and audit. until limits every wait for a lock. attempt and closed
// are zero when there is no gate.
//
// Rows are locked in the order epoch, transition, instances, which is that of everybody who locks more than one.
func (l *leader) commit(ctx context.Context, m *move, attempt int64, until, closed time.Time) error {
	err := pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if err := limitWaits(ctx, tx, until); err != nil {
			return err
		}
		if err := l.check(ctx, tx, m, attempt); err != nil {
			return err
		}
		for _, sql := range m.sql {
			if err := limitWaits(ctx, tx, until); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		if err := m.noneDeferred(ctx, tx); err != nil {
			return err
		}
		return l.write(ctx, tx, m, closed)
	})
	if err == nil {
		l.retry.reset()
		l.i.wake.ring()
		return nil
	}
	if lockNotAvailable(err) {
		return &setback{reason: fmt.Sprintf("no lock could be had within %s", l.i.cfg.DrainLimit)}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && refusedByServer(pg) {
		refused := &ConflictError{Message: fmt.Sprintf("%s of %q: the server refused: %s", m.Kind, m.migration.ID, pg.Message), Hint: pg.Hint}
		if pg.Code == "2BP01" { // dependent_objects_still_exist: the server would have them dropped, too
			refused.Message += ": " + strings.ReplaceAll(pg.Detail, "\n", "; ")
			refused.Hint = "drop or change what depends on the columns, and ask again"
		}
		if pg.Code == "42501" { // insufficient_privilege: what was there at the request has been taken away
			refused.Hint = assess.HintRights
		}
		return refused
	}
	return err
}

// refusedByServer tells whether trying again can only fail again: errors of syntax, of names, of rights and of what the
// server does not support, as opposed to those of resources, locks and connections.
func refusedByServer(pg *pgconn.PgError) bool {
	return strings.HasPrefix(pg.Code, "42") || strings.HasPrefix(pg.Code, "0A") || pg.Code == "2BP01" // dependent_objects_still_exist
}

// limitWaits makes the next statements wait no longer than until for a lock.
func limitWaits(ctx context.Context, tx pgx.Tx, until time.Time) error {
	left := time.Until(until).Milliseconds()
	if left <= 0 {
		return &setback{reason: "the drain limit was over before the change could be made"}
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d`, left, left), pgx.QueryExecModeSimpleProtocol)
	return err
}

// check locks the rows that the protocol turns on, and makes sure that all is as it was when the attempt began.
func (l *leader) check(ctx context.Context, tx pgx.Tx, m *move, attempt int64) error {
	epoch, err := store.LockEpoch(ctx, tx)
	if err != nil {
		return err
	}
	t, err := store.LoadTransition(ctx, tx, true)
	if err != nil {
		return err
	}
	if err := stands(m, t, attempt, epoch); err != nil {
		return err
	}
	now, err := store.LoadMigration(ctx, tx, m.migration.ID, true)
	if err != nil {
		return err
	}
	if now.Phase != m.from {
		return &setback{reason: fmt.Sprintf("the migration became %s during the attempt", now.Phase)}
	}
	rows, err := store.LoadInstances(ctx, tx, true)
	if err != nil {
		return err
	}
	if err := agreed(rows, attempt, epoch); err != nil {
		return err
	}
	fleet, err := members(ctx, tx, rows)
	if err != nil {
		return err
	}
	return l.prove(ctx, tx, m, &census{instances: fleet, asked: asOf(t)})
}

// stands tells whether the attempt is still the one that was begun. t and epoch are what is stored behind the lock.
func stands(m *move, t *store.Transition, attempt, epoch int64) error {
	if t == nil || t.Migration != m.migration.ID || t.Kind != m.Kind || t.To != m.To {
		return errWithdrawn
	}
	if t.Attempt != attempt || epoch != m.epoch {
		return &setback{reason: "the state in schema segue was changed during the attempt"}
	}
	return nil
}

// agreed tells whether every instance that counts holds the gate of the attempt, which is 0 where there is none, and serves
// the epoch. rows are what is stored behind the locks.
func agreed(rows []*store.InstanceRow, attempt, epoch int64) error {
	late := lagging(rows, func(r *store.InstanceRow) bool {
		return r.Epoch == epoch && (attempt == 0 || r.Acknowledged == attempt)
	})
	if len(late) > 0 {
		return &setback{reason: strings.Join(late, ", ") + " has withdrawn, joined, or serves another epoch"}
	}
	return nil
}

// asOf is the moment for which the reports of the instances are complete: when the gate was set, all that they report
// with their acknowledgement is later.
func asOf(t *store.Transition) time.Time {
	if t.SetAt != nil {
		return *t.SetAt
	}
	return t.Now
}

// write stores the outcome, and that everybody is to open.
func (l *leader) write(ctx context.Context, tx pgx.Tx, m *move, closed time.Time) error {
	epoch, err := store.NextEpoch(ctx, tx)
	if err != nil {
		return err
	}
	if m.from != m.To {
		if err := store.SetPhase(ctx, tx, m.migration.ID, m.To); err != nil {
			return err
		}
	}
	if err := m.storeChanges(ctx, tx); err != nil {
		return err
	}
	var paused *float64
	if !closed.IsZero() {
		paused = milliseconds(time.Since(closed))
	}
	if err := store.CommitTransition(ctx, tx, m.migration.ID, epoch, paused); err != nil {
		return err
	}
	detail := fmt.Sprintf("%s: %s -> %s at epoch %d", m.Kind, m.from, m.To, epoch)
	if m.from == m.To {
		detail = fmt.Sprintf("%s: %s at epoch %d", m.Kind, m.outcome(), epoch)
	}
	if m.request.Force {
		detail += "; forced: " + m.request.Reason
	}
	if m.request.AllowBypass {
		detail += "; bypass allowed"
	}
	row := &store.AuditRow{Migration: m.migration.ID, Kind: eventCommitted, Detail: detail, Actor: m.Actor, PauseMS: paused}
	if err := store.AddAudit(ctx, tx, row); err != nil {
		return err
	}
	return store.Notify(ctx, tx, "")
}
