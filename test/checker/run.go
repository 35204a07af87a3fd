package checker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A Run is tables under change with clients that use them.
type Run struct {
	URL    string // of an empty database, as superuser
	Seed   uint64
	Shapes []*Shape
	Steps  int // of transitions, for each table
	Rows   int64
	Log    func(format string, args ...any)

	Without []change.Guard // guards that are left out
	Hasty   bool           // the new version is served without waiting for old snapshots

	history *proof.History
	slot    *wal.Slot
	tables  []*table
}

// Do sets everything up, lets clients and operators work until the last operator has done its steps, and proves what they did.
// The choices are those of the seed; how they interleave is up to the machine.
func (r *Run) Do(ctx context.Context) (anomalies []proof.Anomaly, summary string, err error) {
	admin, err := pgx.Connect(ctx, r.URL)
	if err != nil {
		return nil, "", err
	}
	defer admin.Close(ctx)
	if err := Prepare(ctx, r.URL); err != nil {
		return nil, "", err
	}
	if err := r.setUp(ctx, admin, slotName(r.URL)); err != nil {
		return nil, "", err
	}
	if err := r.work(ctx); err != nil {
		return nil, "", err
	}
	if err := r.look(ctx); err != nil {
		return nil, "", err
	}
	anomalies, err = r.prove(ctx)
	return anomalies, r.history.Summary(), errors.Join(err, r.slot.Drop(ctx))
}

// Prepare puts into an empty database what all runs in it need.
func Prepare(ctx context.Context, url string) error {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, trap+"; CREATE SCHEMA segue; "+change.ConflictTable+"; "+change.DeferredTable).ReadAll()
	return errors.Join(err, conn.Close(ctx))
}

// setUp makes the tables as the old version knows them, with rows.
func (r *Run) setUp(ctx context.Context, admin *pgx.Conn, slot string) error {
	r.history = proof.NewHistory()
	var statements []string
	var names []string
	for _, s := range r.Shapes {
		compiled, err := change.Compile(s.change(), change.Without(r.Without...))
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		t := &table{Shape: s, compiled: compiled, keys: r.Rows, fresh: new(atomic.Int64), sparing: new(atomic.Bool), lenience: &lenience{now: r.history.Now}}
		if s.Defer {
			t.Rule.Excuses = t.lenience.excuses
		}
		if err := t.pair(change.Without(r.Without...)); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		t.fresh.Store(r.Rows)
		t.enter(before)
		r.tables = append(r.tables, t)
		statements = append(statements, s.create()...)
		names = append(names, s.table())
		if s.Rule.Reads != "" {
			names = append(names, s.Rule.Reads)
		}
	}
	for _, sql := range statements {
		if _, err := admin.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	var err error
	if r.slot, err = wal.Follow(ctx, admin, slot, names...); err != nil {
		return err
	}
	for i, t := range r.tables {
		for _, sql := range append(t.After, say(t.lens(before))) {
			if _, err := admin.Exec(ctx, t.named(sql)); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		c, err := connect(ctx, r.URL, t.Name+" load", r.source(i, 0), r.history)
		if err != nil {
			return err
		}
		err = (&worker{client: c, table: t}).load(ctx)
		c.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// slotName is a name that no other slot of the cluster has.
func slotName(url string) string {
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		return "checker"
	}
	return "checker_" + config.Database
}

// source is a source of choices for one client of a table.
func (r *Run) source(table, client int) *rand.Rand {
	return rand.New(rand.NewPCG(r.Seed, uint64(table)<<32|uint64(client)))
}

// opsInPhase is how many operations clients do, at least, before an operator goes on.
const opsInPhase = 40

// closed is a channel on which nobody waits.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// A role is what a client is.
type role struct {
	name string
	side proof.Side
	past bool
}

// roles of the clients of each table.
var roles = []role{
	{"old version", proof.Old, false}, {"new version", proof.New, false},
	{"past, old side", proof.Old, true}, {"past, new side", proof.New, true},
}

// work runs clients and operators until the operators have done.
func (r *Run) work(ctx context.Context) error {
	stop := make(chan struct{})
	clients, working := errgroup.WithContext(ctx)
	operators, operating := errgroup.WithContext(working)
	for i, t := range r.tables {
		for j, role := range roles {
			clients.Go(func() error { return r.use(working, t, role, r.source(i, j+1), stop) })
		}
		operators.Go(func() error { return r.operate(operating, i, t) })
	}
	var once sync.Once
	end := func() { once.Do(func() { close(stop) }) }
	done := make(chan error, 1)
	go func() {
		done <- operators.Wait()
		end()
	}()
	err := clients.Wait()
	end()
	return errors.Join(err, <-done)
}

// use lets a client work until it is told to stop.
func (r *Run) use(ctx context.Context, t *table, role role, source *rand.Rand, stop chan struct{}) error {
	w := &worker{table: t, side: role.side, past: role.past}
	connect := func() (err error) {
		w.client, err = connect(ctx, r.URL, t.Name+" "+role.name, source, r.history)
		return err
	}
	if err := connect(); err != nil {
		return err
	}
	defer func() { w.close() }()
	for knows := t.state.Load(); ; {
		state := t.state.Load()
		// When the old names are gone, apps are started anew.
		if state.phase == contracted && state != knows {
			w.close()
			if err := connect(); err != nil {
				return err
			}
		}
		knows = state
		did, err := w.step(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		idle := state.replaced
		if did {
			t.done.Add(1)
			idle = closed
		}
		select {
		case <-stop:
			return nil
		case <-idle:
		}
	}
}

// operate takes a table through random steps, mostly forth.
func (r *Run) operate(ctx context.Context, i int, t *table) error {
	conn, err := pgconn.Connect(ctx, r.URL)
	if err != nil {
		return err
	}
	o := &operator{url: r.URL, conn: conn, rand: r.source(i, 100), table: t, hasty: r.Hasty, log: r.Log}
	defer func() { _ = o.conn.Close(context.WithoutCancel(ctx)) }()
	for range r.Steps {
		if err := o.pause(ctx); err != nil {
			return err
		}
		switch {
		case o.phase == purged || o.phase == settled && o.rand.IntN(4) > 0: // behind it there is no way back
			continue
		case o.phase > before && o.phase < settled && o.rand.IntN(8) == 0:
			err = o.rollback(ctx)
		default:
			err = o.forth(ctx)
		}
		if err != nil {
			return err
		}
	}
	return o.pause(ctx)
}

// pause waits until clients have done something in the phase.
func (o *operator) pause(ctx context.Context) error {
	from := o.table.done.Load()
	return poll(ctx, func() (bool, error) { return o.table.done.Load() >= from+opsInPhase, nil })
}

// look reads all that is there in the end, as each version that is served.
func (r *Run) look(ctx context.Context) error {
	for i, t := range r.tables {
		c, err := connect(ctx, r.URL, t.Name+" end", r.source(i, 200), r.history)
		if err != nil {
			return err
		}
		for _, side := range []proof.Side{proof.Old, proof.New} {
			if t.state.Load().serves[side] {
				w := &worker{client: c, table: t, side: side}
				op := w.op(nil)
				op.All = true
				err = errors.Join(err, w.once(ctx, op, w.table.writer(side, Plain).read("true", "")))
			}
		}
		c.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// prove reads the log and compares it with the history.
func (r *Run) prove(ctx context.Context) ([]proof.Anomaly, error) {
	committed, err := r.slot.Read(ctx)
	if err != nil {
		return nil, err
	}
	var rules []*proof.Rule
	for _, t := range r.tables {
		rules = append(rules, &t.Rule)
	}
	return proof.Prove(rules, r.history, committed), nil
}
