package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/store"
)

// lead waits for a transition to be pending and then tries to become the leader that makes it, until ctx ends. Leading
// belongs to a connection that also runs the DDL, so a leader that is none any more has lost its transaction too.
func (i *Instance) lead(ctx context.Context) {
	retry := new(backoff)
	for ctx.Err() == nil {
		changed := i.changed.next()
		if !i.pending.Load() {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		err := i.leadOnce(ctx)
		if err == nil {
			retry.reset()
			pause(ctx, i.cfg.Poll, changed)
			continue
		}
		if ctx.Err() == nil {
			i.log.Warn("the leader's connection failed", "error", err)
			pause(ctx, retry.next(backoffLook), nil)
		}
	}
}

// leaderIdle is how long a leader's connection may say nothing; it is longer than the longest wait between two attempts.
const leaderIdle = "15s"

// leadOnce makes the pending transition if no other instance is at it. It returns nil when none is pending any more.
func (i *Instance) leadOnce(ctx context.Context) error {
	// The connection outlives ctx, so that an attempt that was begun is finished or undone in order.
	conn, err := i.lines.dial(ctx)
	if err != nil {
		return err
	}
	defer i.lines.hangUp(conn)
	// A leader that is frozen is none any more, on servers that can do that (14 and later).
	_, err = conn.Exec(ctx, `
		SELECT pg_catalog.set_config(name, $1, false) FROM pg_catalog.pg_settings WHERE name = 'idle_session_timeout'`, leaderIdle)
	if err != nil {
		return err
	}
	for i.pending.Load() && ctx.Err() == nil {
		changed := i.changed.next()
		holder, err := store.Hold(ctx, conn, store.HoldLeader)
		if err != nil {
			return err
		}
		if holder == 0 {
			return (&leader{i: i, conn: conn, seen: make(sightings)}).run(ctx)
		}
		pause(ctx, i.cfg.Poll, changed)
	}
	return nil
}

// A leader makes the pending transition. It is used by one goroutine, and is the only one in the fleet while its
// connection lives.
type leader struct {
	i     *Instance
	conn  *pgx.Conn
	retry backoff
	seen  sightings
}

// A setback is why an attempt came to nothing, though a later one may not.
type setback struct {
	reason   string
	blockers []Blocker
	pause    time.Duration // for how long the gate was closed; 0 when none was set
}

func (s *setback) Error() string { return s.reason }

// repeats tells whether the last attempt came to nothing for the same reason, ages aside.
func (s *setback) repeats(t *store.Transition) bool {
	var before []Blocker
	if err := json.Unmarshal(t.Blockers, &before); err != nil {
		return false
	}
	if len(s.blockers) == 0 {
		return len(before) == 0 && s.reason == t.LastError
	}
	return slices.EqualFunc(heads(before), heads(s.blockers), func(a, b Blocker) bool { return a.PID == b.PID && a.Query == b.Query })
}

// heads are those who wait for nobody: who waits for them comes and goes.
func heads(all []Blocker) []Blocker {
	return slices.DeleteFunc(slices.Clone(all), func(b Blocker) bool { return len(b.WaitsFor) > 0 })
}

// errWithdrawn ends an attempt at a transition that is not pending any more.
var errWithdrawn = errors.New("the transition has been withdrawn")

// run makes attempts until the transition is made, refused, withdrawn or past its deadline, or ctx ends.
func (l *leader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		t, err := store.LoadTransition(ctx, l.conn, false)
		switch {
		case err != nil:
			return err
		case t == nil:
			return nil
		case t.Committed != 0:
			if err := l.settle(ctx, t); err != nil || ctx.Err() != nil {
				return err
			}
			continue
		case t.Attempt != 0:
			err = l.clear(ctx, t, &setback{reason: "the instance that led the last attempt was lost"}, 0)
		case t.Deadline != nil && t.Now.After(*t.Deadline):
			err = l.end(ctx, t, overdue(t))
		default:
			err = l.try(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// overdue is the error of a transition that was not made by its deadline.
func overdue(t *store.Transition) *ConflictError {
	e := &ConflictError{Message: fmt.Sprintf("%s of %q was given up at its deadline, after %d attempts", t.Kind, t.Migration, t.Attempts)}
	if t.LastError != "" {
		e.Message += "; the last: " + t.LastError
	}
	// A list that cannot be read is only missed in the message.
	_ = json.Unmarshal(t.Blockers, &e.Blockers)
	return e
}

// try makes one attempt and stores what came of it.
func (l *leader) try(ctx context.Context, t *store.Transition) error {
	// An attempt is short but for the reading of the catalog before it, and is not left in the middle.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), catalogTimeout+4*l.i.cfg.DrainLimit+l.i.cfg.Lease)
	defer cancel()
	err := l.attempt(whole, t)
	if err == nil || errors.Is(err, errWithdrawn) {
		return nil
	}
	if refused, ok := errors.AsType[*ConflictError](err); ok {
		return l.end(whole, t, refused)
	}
	back, ok := errors.AsType[*setback](err)
	if !ok {
		if l.conn.IsClosed() {
			return err
		}
		back = &setback{reason: err.Error()}
	}
	limit := backoffGate
	if back.pause == 0 {
		limit = backoffLook
	}
	wait := l.retry.next(limit)
	changed := l.i.changed.next()
	if err := l.clear(whole, t, back, wait); err != nil {
		return err
	}
	l.rest(ctx, t, wait, changed)
	return nil
}

// rest waits for the next attempt; it ends early when the transition is withdrawn, changed or due to be given up.
func (l *leader) rest(ctx context.Context, t *store.Transition, wait time.Duration, changed <-chan struct{}) {
	if t.Deadline != nil {
		wait = min(wait, max(t.Deadline.Sub(t.Now), time.Millisecond))
	}
	for end := time.Now().Add(wait); time.Now().Before(end) && ctx.Err() == nil; changed = l.i.changed.next() {
		now, err := store.LoadTransition(ctx, l.conn, false)
		if err != nil || now == nil || now.NextTry == nil {
			return
		}
		pause(ctx, time.Until(end), changed)
	}
}

// clear ends an attempt that came to nothing, or the remains of one, and stores why.
func (l *leader) clear(ctx context.Context, t *store.Transition, back *setback, wait time.Duration) error {
	blockers, err := json.Marshal(append([]Blocker{}, back.blockers...))
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if err := store.FailAttempt(ctx, tx, t.Migration, l.i.cfg.ID, back.reason, blockers, wait); err != nil {
			return err
		}
		// Looking again and again at the same obstacle is not worth a line each time.
		if back.pause > 0 || !back.repeats(t) {
			row := &store.AuditRow{Migration: t.Migration, Kind: eventAttempt, Detail: t.Kind + ": " + back.reason, Actor: l.i.cfg.ID, Blockers: blockers}
			if back.pause > 0 {
				row.PauseMS = milliseconds(back.pause)
			}
			if err := store.AddAudit(ctx, tx, row); err != nil {
				return err
			}
		}
		return store.Notify(ctx, tx, "")
	})
}

// end removes a transition that will not be made, and stores why.
func (l *leader) end(ctx context.Context, t *store.Transition, why *ConflictError) error {
	blockers, err := json.Marshal(append([]Blocker{}, why.Blockers...))
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if _, err := store.DeleteTransition(ctx, tx, t.Migration); err != nil {
			return err
		}
		detail := why.Error()
		for _, m := range why.Missing {
			detail += "; " + m
		}
		if err := store.AddAudit(ctx, tx, &store.AuditRow{Migration: t.Migration, Kind: eventFailed, Detail: detail, Actor: t.Actor, Blockers: blockers}); err != nil {
			return err
		}
		return store.Notify(ctx, tx, "")
	})
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d.Microseconds()) / 1000
	return &ms
}
