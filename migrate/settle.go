package migrate

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/store"
)

// settle waits until every instance serves the epoch that the transition has made, and then reports it as done. It also
// finishes what a leader that was lost has committed.
func (l *leader) settle(ctx context.Context, t *store.Transition) error {
	told := ""
	for wait := time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 50*time.Millisecond) {
		rows, err := store.LoadInstances(ctx, l.conn, false)
		if err != nil {
			return err
		}
		late := lagging(rows, func(r *store.InstanceRow) bool { return r.Epoch >= t.Committed })
		if len(late) == 0 {
			return l.done(ctx, t)
		}
		if err := l.i.expire(ctx, l.conn, rows); err != nil {
			return err
		}
		reason := strings.Join(late, ", ") + " does not serve the new epoch yet"
		if wait >= 50*time.Millisecond && reason != told {
			told = reason
			if err := store.ExplainTransition(ctx, l.conn, t.Migration, reason); err != nil {
				return err
			}
		}
		pause(ctx, wait, nil)
		if now, err := store.LoadTransition(ctx, l.conn, false); err != nil || now == nil {
			return err
		}
	}
	return nil
}

// done removes the transition and writes that it is over.
func (l *leader) done(ctx context.Context, t *store.Transition) error {
	return pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		was, err := store.DeleteTransition(ctx, tx, t.Migration)
		if err != nil || !was {
			return err
		}
		row := &store.AuditRow{Migration: t.Migration, Kind: eventDone, Detail: t.Kind + ": now " + outcomeOf(Kind(t.Kind), t.To), Actor: t.Actor, PauseMS: t.PauseMS}
		if err := store.AddAudit(ctx, tx, row); err != nil {
			return err
		}
		return store.Notify(ctx, tx, "")
	})
}

// expire marks the instances whose lease has run out for so long that they cannot serve affected tables any more. Everybody
// does who counts them: one that has gone for good must not wait for a leader.
func (i *Instance) expire(ctx context.Context, db store.DB, rows []*store.InstanceRow) error {
	for _, r := range rows {
		if r.Expired || r.Silence < patience(r.Lease) {
			continue
		}
		ok, err := store.ExpireInstance(ctx, db, r.ID, patience(r.Lease))
		if err != nil {
			return err
		}
		if ok {
			r.Expired = true
			i.log.Warn("an instance was lost", "instance", r.ID, "silent", r.Silence)
		}
	}
	return nil
}
