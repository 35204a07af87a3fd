package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Request asks for a transition. It is checked and stored, so that any instance goes on trying it, also after a
// restart; asking for what is already so, or already pending, is harmless. Use Wait for the outcome.
func (i *Instance) Request(ctx context.Context, id string, r Request) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	if r.Force && r.Reason == "" {
		return &ConflictError{Message: "force is given without a reason", Hint: "the reason is kept in the audit"}
	}
	for err = errSettling; errors.Is(err, errSettling); {
		needed, refused := i.consider(ctx, pool, id, r)
		if refused != nil || !needed {
			return refused
		}
		err = i.storeRequest(ctx, pool, id, r)
	}
	if err != nil {
		return err
	}
	i.requested()
	return nil
}

// requested has the leader look at what was stored.
func (i *Instance) requested() {
	i.pending.Store(true)
	i.changed.send()
}

// errSettling says that what was considered is out of date: a transition was committed meanwhile.
var errSettling = errors.New("a transition was committed meanwhile")

// same tells whether the pending transition is what the request asks for.
func (r Request) same(t *store.Transition, id string) bool {
	return t.Migration == id && Kind(t.Kind) == r.Kind && t.To == r.target()
}

// replaces tells whether the request takes the place of the pending transition: who wants to go back does not want to go
// on. Only what is not committed can be replaced.
func (r Request) replaces(t *store.Transition, id string) bool {
	return r.Kind == Rollback && t.Migration == id && t.Committed == 0 && Kind(t.Kind) != Rollback
}

// consider checks a request against all that can be known now. It returns false when nothing has to be done.
func (i *Instance) consider(ctx context.Context, pool *pgxpool.Pool, id string, r Request) (bool, error) {
	m, err := load(ctx, pool, id)
	if err != nil {
		return false, err
	}
	t, err := i.unsettled(ctx, pool)
	if err != nil {
		return false, err
	}
	r = r.in(m.Phase)
	replaces := t != nil && r.replaces(t, id)
	if t != nil && !replaces && !r.same(t, id) {
		return false, busy(t)
	}
	all, err := store.LoadMigrations(ctx, pool)
	if err != nil {
		return false, err
	}
	cat, err := catalog.Load(ctx, pool)
	if err != nil {
		return false, err
	}
	if outage, err := i.unservable(all, cat); err != nil || outage != nil {
		if outage != nil {
			err = outage.refusal(string(r.Kind), id)
		}
		return false, err
	}
	if m.Phase == r.target() && !r.stays() || r.Kind == Purge && nothingToPurge(m) {
		if replaces {
			return true, nil
		}
		return false, i.noteUnchanged(ctx, pool, m, r)
	}
	if err := inOrder(m, all, r, cat); err != nil {
		return false, err
	}
	if r.Kind == Amend {
		_, changed, err := r.amendment(m)
		if err == nil && len(changed) == 0 {
			err = i.noteUnchanged(ctx, pool, m, r)
		}
		return len(changed) > 0, err
	}
	if r.stays() {
		return true, nil
	}
	return true, r.conflict(ctx, &assess.Subject{
		Migration: m, All: all, Catalog: cat, DB: pool,
		Fleet: &clientele{i: i, db: pool, id: id, wait: min(patience(i.cfg.Lease)+i.cfg.Lease/2, longestCount), leave: toLeaveAtRequest},
	})
}

// unsettled reads the pending transition. One that is committed already, and only waits for the instances to see it, is
// given a moment.
func (i *Instance) unsettled(ctx context.Context, pool *pgxpool.Pool) (*store.Transition, error) {
	for end := time.Now().Add(i.cfg.DrainLimit); ; pause(ctx, 10*time.Millisecond, nil) {
		t, err := store.LoadTransition(ctx, pool, false)
		if err != nil || t == nil || t.Committed == 0 || time.Now().After(end) {
			return t, err
		}
	}
}

// busy refuses a request while another transition is pending.
func busy(t *store.Transition) error {
	return &ConflictError{
		Message: fmt.Sprintf("%s of %q is being tried, and there is one transition at a time", t.Kind, t.Migration),
		Hint:    fmt.Sprintf("wait for it, or withdraw it: DELETE /v1/migrations/%s/transition", t.Migration),
		HintCLI: fmt.Sprintf("wait for it: segue status %[1]s --watch. Or stop it: segue cancel %[1]s", t.Migration),
	}
}

// noteUnchanged writes that a request asked for what is so, but only when the last word in the history is of a failure or
// a withdrawal: that is not the outcome of this request.
func (i *Instance) noteUnchanged(ctx context.Context, pool *pgxpool.Pool, m *rules.Migration, r Request) error {
	failed, err := lastFailure(ctx, pool, m)
	if err != nil || failed == nil {
		return err
	}
	return store.AddAudit(ctx, pool, &store.AuditRow{Migration: m.ID, Kind: eventUnchanged, Detail: string(r.Kind), Actor: r.Actor})
}

// storeRequest writes the transition, or what has changed in the request of one that is pending.
func (i *Instance) storeRequest(ctx context.Context, pool *pgxpool.Pool, id string, r Request) error {
	var options []byte
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := store.LockEpoch(ctx, tx); err != nil {
			return err
		}
		m, err := load(ctx, tx, id)
		if err != nil {
			return err
		}
		r = r.in(m.Phase)
		if options, err = json.Marshal(r); err != nil {
			return err
		}
		have, err := store.LoadTransition(ctx, tx, true)
		if err != nil {
			return err
		}
		if have != nil && r.replaces(have, id) {
			if err := replace(ctx, tx, have, m, r); err != nil {
				return err
			}
			have = nil
		}
		if m.Phase == r.target() && !r.stays() || r.stays() && inOrder(m, nil, r, nil) != nil {
			return nil // somebody else has asked for the same and got it, or it is so now that nothing is pending
		}
		t := &store.Transition{Migration: id, Kind: string(r.Kind), To: r.target(), Options: options, Actor: r.Actor}
		if t.Deadline, err = deadline(ctx, tx, r.Deadline); err != nil {
			return err
		}
		switch {
		case have == nil:
			_, err = store.InsertTransition(ctx, tx, t)
		case have.Committed != 0:
			return errSettling
		case !r.same(have, id):
			return busy(have)
		case slices.Equal(have.Options, options):
			return nil
		default:
			err = store.ChangeTransition(ctx, tx, id, options, r.Actor, t.Deadline)
		}
		if err != nil {
			return err
		}
		if err := store.AddAudit(ctx, tx, &store.AuditRow{Migration: id, Kind: eventRequested, Detail: requested(r), Actor: r.Actor}); err != nil {
			return err
		}
		return store.Notify(ctx, tx, "")
	})
}

// replace withdraws the pending transition in favour of a rollback, and says so in the audit.
func replace(ctx context.Context, tx pgx.Tx, t *store.Transition, m *rules.Migration, r Request) error {
	if _, err := store.DeleteTransition(ctx, tx, t.Migration); err != nil {
		return err
	}
	rows := []*store.AuditRow{{Migration: m.ID, Kind: eventWithdrawn, Detail: t.Kind + ": a rollback to " + string(r.target()) + " takes its place", Actor: r.Actor}}
	if m.Phase == r.target() {
		rows = append(rows, &store.AuditRow{Migration: m.ID, Kind: eventDone, Detail: string(Rollback) + ": stays " + string(m.Phase), Actor: r.Actor})
	}
	for _, row := range rows {
		if err := store.AddAudit(ctx, tx, row); err != nil {
			return err
		}
	}
	return store.Notify(ctx, tx, "")
}

// deadline is the moment, by the server's clock, that is so far away; nil for 0.
func deadline(ctx context.Context, tx pgx.Tx, d time.Duration) (*time.Time, error) {
	if d <= 0 {
		return nil, nil
	}
	var at time.Time
	err := tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp() + $1 * interval '1 microsecond'`, d.Microseconds()).Scan(&at)
	if err != nil {
		return nil, fmt.Errorf("cannot read the server's clock: %w", err)
	}
	return &at, nil
}

// requested is a request in words, for the audit.
func requested(r Request) string {
	s := string(r.Kind)
	if r.Kind == Rollback {
		s += " to " + string(r.target())
	}
	for _, o := range []struct {
		on   bool
		text string
	}{{r.Force, "forced: " + r.Reason}, {r.AllowBypass, "bypass allowed"}, {r.EndSessions, "sessions are to be ended"}, {len(r.AcceptDifferences) > 0, "accepted without counterpart: " + strings.Join(r.AcceptDifferences, ", ")}, {r.Deadline > 0, "within " + r.Deadline.String()}} {
		if o.on {
			s += "; " + o.text
		}
	}
	return s
}
