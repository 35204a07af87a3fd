package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// underWay reports whether rows are being filled in a stage, or will be.
func underWay(s rules.Stage) bool {
	return s == rules.Watched || s == rules.Filling || s == rules.Completing
}

// measure adds how far the backfill is, while there is one.
func (st *Status) measure(ctx context.Context, db store.DB) error {
	if !underWay(st.Stage) {
		return nil
	}
	var err error
	if st.Progress, err = progressOf(ctx, db, st.ID); err != nil || st.Progress == nil {
		return err
	}
	for _, why := range []string{st.Progress.Failure, st.Progress.Waits} {
		if why != "" {
			st.WaitingFor = append(st.WaitingFor, why)
		}
	}
	if d := st.Progress.Deferred; d != nil {
		st.WaitingFor = append(st.WaitingFor, d.String())
	}
	return nil
}

// progressOf is how far the backfills of a migration are, all together; nil where it has none.
func progressOf(ctx context.Context, db store.DB, id string) (*Progress, error) {
	all, err := accounts(ctx, db, id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p := &Progress{}
	rows := int64(0)
	for _, a := range all {
		p.Done, p.Total, p.Rate, p.ETA = p.Done+a.Done, p.Total+a.Total, p.Rate+a.Rate, p.ETA+a.ETA
		p.Paused = p.Paused || a.Paused
		if a.Waits != "" {
			p.Waits = a.Waits
		}
		if a.Failure != "" {
			p.Failure = a.Failure
		}
		if a.Index != nil {
			p.Index = a.Index
		}
		rows += a.Deferred
	}
	if p.Deferred, err = deferredOf(ctx, db, id, rows); err != nil {
		return nil, err
	}
	brakes, err := brakesOf(ctx, db, &all[0].Backfill)
	if err != nil {
		return nil, err
	}
	if brakes.String() != "" {
		p.Brakes = brakes
	}
	if p.Paused || p.Failure != "" {
		p.Rate, p.ETA = 0, 0
	}
	return p, nil
}

// measure reads how far backfills are, so that who is asked for it need not ask the database.
func (f *follower) measure(ctx context.Context, snap *rules.Snapshot) error {
	var all map[string]*Progress
	if snap != nil {
		for _, m := range snap.Migrations {
			if !underWay(m.Unfinished()) {
				continue
			}
			p, err := progressOf(ctx, f.conn, m.ID)
			if err != nil {
				return err
			}
			if all == nil {
				all = map[string]*Progress{}
			}
			all[m.ID] = p
		}
	}
	if all == nil {
		f.i.progress.Store(nil)
	} else {
		f.i.progress.Store(&all)
	}
	return nil
}

// Backfills are how far the backfills are that are under way, by the id of the migration, as of the last read.
func (i *Instance) Backfills() map[string]*Progress {
	if all := i.progress.Load(); all != nil {
		return *all
	}
	return nil
}

// String is the progress in a few words.
func (p *Progress) String() string {
	s := fmt.Sprintf("%d of about %d rows are filled", p.Done, p.Total)
	if p.Total == 0 {
		s = "the new columns are about to be added"
	}
	if p.Index != nil {
		s += ", and " + p.Index.String()
	}
	switch {
	case p.Failure != "":
		s += ", and it has stopped: " + p.Failure
	case p.Paused:
		s += ", and it is paused"
	case p.ETA >= 0.5:
		s += fmt.Sprintf(", %.0f rows/s, about %.0f s to go", p.Rate, p.ETA)
	}
	return s
}

// String is the index with how far it is, in a few words.
func (b *IndexBuild) String() string {
	s := fmt.Sprintf("index %s is made, %d of %d", b.Name, b.Number, b.All)
	if b.Phase != "" {
		s += ": " + b.Phase
	}
	if b.Total > 0 {
		s += fmt.Sprintf(", %d of %d", b.Done, b.Total)
	}
	return s
}

// Pause stops the backfill of a migration after the batch that is under way, which is given up if it takes long, until Resume.
func (i *Instance) Pause(ctx context.Context, id, actor string) error {
	return i.pause(ctx, id, actor, true)
}

// Resume lets a backfill go on that is paused, or has stopped because of a row.
func (i *Instance) Resume(ctx context.Context, id, actor string) error {
	return i.pause(ctx, id, actor, false)
}

// noBackfill refuses what is about a backfill where there is none.
func noBackfill(m *rules.Migration, what string) error {
	e := &ConflictError{Message: fmt.Sprintf("%s has no backfill under way, so there is nothing %s", m.ID, what)}
	if len(m.Changes()) == 0 {
		e.Hint = fmt.Sprintf("a rename copies nothing; DELETE /v1/migrations/%s/transition withdraws a transition that is being tried", m.ID)
		e.HintCLI = "a rename copies nothing; to stop a transition that is being tried: segue cancel " + m.ID
	}
	return e
}

func (i *Instance) pause(ctx context.Context, id, actor string, paused bool) error {
	return i.change(ctx, id, func(tx pgx.Tx, m *rules.Migration, _ *store.Transition) (*store.AuditRow, error) {
		row := &store.AuditRow{Migration: id, Kind: eventResumed, Actor: actor}
		if paused {
			row.Kind = eventPaused
		}
		if !m.Phase.Live() || !underWay(m.Unfinished()) {
			return nil, noBackfill(m, "to pause or resume")
		}
		err := i.betweenBatches(ctx, tx, func(tx pgx.Tx) error {
			_, err := store.PauseBackfill(ctx, tx, id, paused)
			return err
		})
		if err != nil || paused {
			return row, err
		}
		all, err := accounts(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			a.Failure, a.Retry = "", time.Time{} // rows that are left are tried at once
			if err := a.save(ctx, tx); err != nil {
				return nil, err
			}
		}
		return row, nil
	})
}
