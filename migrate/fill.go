package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// fill waits for a change of columns to be unfinished and then tries to become the one who finishes it, until ctx ends. Whoever
// does goes on where the last one has ended.
func (i *Instance) fill(ctx context.Context) {
	retry := new(backoff)
	for ctx.Err() == nil {
		changed := i.changed.next()
		if snap := i.Snapshot(); snap == nil || !slices.ContainsFunc(snap.Migrations, unfinished) {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		err := i.fillOnce(ctx)
		if err == nil {
			retry.reset()
			pause(ctx, i.cfg.Poll, changed)
			continue
		}
		if ctx.Err() == nil {
			i.log.Warn("the connection that fills rows failed", "error", err)
			pause(ctx, retry.next(backoffLook), nil)
		}
	}
}

func unfinished(m *rules.Migration) bool { return m.Unfinished() != "" }

// fillOnce finishes what is unfinished, if no other instance is at it. It returns nil when nothing is any more.
func (i *Instance) fillOnce(ctx context.Context) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	conn, err := i.lines.dial(ctx)
	if err != nil {
		return err
	}
	defer i.lines.hangUp(conn)
	f := &filler{i: i, conn: conn, pool: pool, pages: firstPages, brake: brake{throttle: i.cfg.Throttle, now: time.Now}}
	for ctx.Err() == nil {
		changed := i.changed.next()
		holder, err := store.Hold(ctx, conn, store.HoldBackfill)
		switch {
		case err != nil:
			return err
		case holder == 0:
			return f.run(ctx)
		}
		if snap := i.Snapshot(); !slices.ContainsFunc(snap.Migrations, unfinished) {
			return nil
		}
		pause(ctx, i.cfg.Poll, changed)
	}
	return nil
}

// A filler finishes changes of columns. It is used by one goroutine, and is the only one in the fleet while its connection lives.
type filler struct {
	i     *Instance
	conn  *pgx.Conn
	pool  *pgxpool.Pool
	pages int64 // of the next batch
	tries int   // of what did not get on, in a row
	brake brake
}

// toldTries is how often in a row a backfill may fail to get on before that is shown.
const toldTries = 3

// run goes on with the unfinished migrations in turn until there is none, or ctx ends.
func (f *filler) run(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := f.i.changed.next()
		rest, err := f.round(ctx)
		if err != nil || rest < 0 {
			return f.ended(ctx, err)
		}
		pause(ctx, rest, changed)
	}
	return nil
}

// round goes on with each unfinished migration once, so that one that has stopped holds no other up. It returns after how long
// there is more to do; a negative time where there is none.
func (f *filler) round(ctx context.Context) (rest time.Duration, err error) {
	rest = -1
	for tried := map[string]bool{}; ctx.Err() == nil; {
		all, err := store.LoadMigrations(ctx, f.conn)
		if err != nil {
			return 0, err
		}
		at := slices.IndexFunc(all, func(m *rules.Migration) bool { return unfinished(m) && !tried[m.ID] })
		if at < 0 {
			return rest, nil
		}
		m := all[at]
		tried[m.ID] = true
		wait := f.i.cfg.Poll
		t, err := store.LoadTransition(ctx, f.conn, false)
		if err == nil && (t == nil || t.Migration != m.ID) { // whoever asks for a transition does not wait for the filler
			wait, err = f.advance(ctx, m)
		}
		if err != nil && ctx.Err() == nil {
			return 0, f.explain(ctx, m, err)
		}
		if rest < 0 || wait < rest {
			rest = wait
		}
	}
	return max(rest, 0), nil
}

// explain stores the error with which the filler's connection has failed over a migration, and returns it without values of rows.
func (f *filler) explain(ctx context.Context, m *rules.Migration, err error) error {
	why := resolve.WithoutValues(err)
	_, saved := f.pool.Exec(ctx, `UPDATE segue.backfill SET state = pg_catalog.jsonb_set(state, '{waits}', pg_catalog.to_jsonb($2::pg_catalog.text)) WHERE migration = $1`,
		m.ID, "it failed, and is tried again: "+why)
	if saved != nil {
		f.i.log.Debug("why a backfill has failed could not be stored", "error", resolve.WithoutValues(saved))
	}
	return errors.New(why)
}

// ended is the error with which a filler ends; nil where it was told to.
func (f *filler) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// advance goes on with a migration, and returns after how long there is more to do.
func (f *filler) advance(ctx context.Context, m *rules.Migration) (time.Duration, error) {
	switch stage := m.Unfinished(); {
	case stage == rules.Kept:
		return f.settle(ctx, m)
	case !m.Phase.Live():
		return f.i.cfg.Poll, nil
	case stage == rules.Watched:
		if stopped, err := f.stopped(ctx, m); err != nil || stopped {
			return f.i.cfg.Poll, err
		}
		return f.request(ctx, m, Expand)
	case stage == rules.Filling:
		done, err := f.fillRows(ctx, m)
		if err != nil || !done {
			return f.i.cfg.Poll, err
		}
		return f.request(ctx, m, Complete)
	default:
		done, err := f.prove(ctx, m)
		if err == nil && done {
			done, err = f.buildIndexes(ctx, m)
		}
		if err == nil && done {
			err = f.awaitTransactions(ctx, m)
		}
		if err != nil || !done {
			return f.i.cfg.Poll, err
		}
		return f.request(ctx, m, Serve)
	}
}

// request asks for a transition that follows from how far the change has come, and waits until it is over.
func (f *filler) request(ctx context.Context, m *rules.Migration, k Kind) (time.Duration, error) {
	err := f.i.storeRequest(ctx, f.pool, m.ID, Request{Kind: k, To: m.Phase, Actor: f.i.cfg.ID})
	if _, refused := errors.AsType[*ConflictError](err); refused || errors.Is(err, errSettling) {
		return f.i.cfg.Poll, nil // another transition is under way
	}
	if err != nil {
		return 0, err
	}
	f.i.requested()
	for ctx.Err() == nil {
		changed := f.i.changed.next()
		t, err := store.LoadTransition(ctx, f.conn, false)
		if err != nil {
			return 0, err
		}
		if t == nil || t.Migration != m.ID || Kind(t.Kind) != k {
			return 0, f.learn(ctx, m)
		}
		pause(ctx, f.i.cfg.Poll, changed)
	}
	return 0, nil
}

// learn stops where a transition was refused that follows from how far the change has come: to ask again would end the same way.
func (f *filler) learn(ctx context.Context, m *rules.Migration) error {
	now, err := store.LoadMigration(ctx, f.conn, m.ID, false)
	if errors.Is(err, store.ErrNotStored) || err == nil && now.Stages() != m.Stages() {
		return nil
	}
	if err != nil {
		return err
	}
	if waits, err := f.deferring(ctx, now); err != nil || waits {
		return err
	}
	refused, err := lastFailure(ctx, f.conn, now)
	if err != nil || refused == nil {
		return err
	}
	all, err := accounts(ctx, f.conn, m.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	return f.stop(ctx, all[0], refused.Error())
}

// stopped reports whether somebody has paused the migration's backfill, or it has stopped by itself.
func (f *filler) stopped(ctx context.Context, m *rules.Migration) (bool, error) {
	all, err := accounts(ctx, f.conn, m.ID)
	return slices.ContainsFunc(all, func(a *account) bool { return a.Paused || a.Failure != "" }), err
}

// A place is how far a backfill is, as it is stored with each batch.
type place struct {
	Pass    int     `json:"pass"`              // over all tables, from 0
	Table   uint32  `json:"table"`             // the one that is being filled
	Page    int64   `json:"page"`              // the next one of it
	Pages   int64   `json:"pages"`             // that it had when the pass came to it
	Behind  int64   `json:"behind"`            // pages of the tables that the pass is through with
	All     int64   `json:"all"`               // pages of all tables
	Rate    float64 `json:"rate"`              // rows per second, lately
	ETA     float64 `json:"eta"`               // seconds to the end of the pass
	Waits   string  `json:"waits,omitempty"`   // what brakes it, or what is being done
	Failure string  `json:"failure,omitempty"` // why it has stopped

	Deferred int64     `json:"deferred,omitempty"` // rows that are listed to be filled later
	Waiting  bool      `json:"waiting,omitempty"`  // for these, since the last pass is over
	Retry    time.Time `json:"retry,omitzero"`     // when they are tried again

	Proved   bool        `json:"proved,omitempty"`   // by the server: no row is left, and each is in step
	Analyzed bool        `json:"analyzed,omitempty"` // the planner has statistics of the new columns
	Index    *IndexBuild `json:"index,omitempty"`    // that is being made
}

// An account is the backfill of one operation with its place.
type account struct {
	store.Backfill
	place
}

// accounts reads the backfills of a migration.
func accounts(ctx context.Context, db store.DB, migration string) ([]*account, error) {
	stored, err := store.LoadBackfills(ctx, db, migration)
	if err != nil {
		return nil, err
	}
	out := make([]*account, len(stored))
	for n, b := range stored {
		out[n] = &account{Backfill: b}
		if err := json.Unmarshal(b.State, &out[n].place); err != nil {
			return nil, fmt.Errorf("how far the backfill of %q is cannot be read: %w", b.Migration, err)
		}
	}
	return out, nil
}

// save stores the account.
func (a *account) save(ctx context.Context, db store.DB) (err error) {
	if a.State, err = json.Marshal(a.place); err != nil {
		return err
	}
	return store.SaveBackfill(ctx, db, &a.Backfill)
}

// say stores what the backfill waits for, if that is news.
func (f *filler) say(ctx context.Context, a *account, waits string) error {
	if a.Waits == waits {
		return nil
	}
	a.Waits = waits
	return a.save(ctx, f.conn)
}

// stop ends the backfill for a reason that an operator has to look after.
func (f *filler) stop(ctx context.Context, a *account, why string) error {
	a.Failure, a.Waits = why, ""
	if err := a.save(ctx, f.conn); err != nil {
		return err
	}
	err := store.AddAudit(ctx, f.conn, &store.AuditRow{Migration: a.Migration, Kind: eventStopped, Detail: why, Actor: f.i.cfg.ID})
	if err != nil {
		return err
	}
	return store.Notify(ctx, f.conn, "")
}
