package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// An Instance is this process' part in the fleet: it follows the control tables, takes part in gates, and leads
// transitions when nobody else does. All methods are safe for concurrent use.
type Instance struct {
	cfg     Config
	traffic Traffic
	log     hclog.Logger
	lines   *switchboard

	snapshot atomic.Pointer[rules.Snapshot]       // the one that Traffic was opened with last
	outage   atomic.Pointer[Outage]               // why Traffic is suspended; nil: it is not
	pending  atomic.Bool                          // a transition was there at the last read
	asked    atomic.Int64                         // when it was asked for, in nanoseconds of our own clock; 0: nothing is pending
	progress atomic.Pointer[map[string]*Progress] // of backfills, as of the last read; nil: there are none
	refresh  refreshes                            // asked for, and not yet in force
	wake     bell                                 // makes the follower read now
	changed  broadcast                            // sent after every read that showed something new
	taken    record                               // of the reads that were acted on: see CatchUp
	health   health
	usage    usageBuffer
	locks    lockQuestions
	events   subscribers
	keeper   *gatekeeper

	mu   sync.Mutex
	pool atomic.Pointer[pgxpool.Pool] // nil before Start and after Stop
	stop func(context.Context) error  // nil when not running
}

// errNotRunning is returned by everything that needs the database before Start and after Stop.
var errNotRunning = errors.New("this instance has not reached its upstream yet")

// NewInstance makes an instance that is not running yet.
func NewInstance(cfg Config, traffic Traffic) (*Instance, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	lines, err := newSwitchboard(cfg.Upstream, cfg.BeforeConnect)
	if err != nil {
		return nil, err
	}
	i := &Instance{cfg: cfg, traffic: traffic, log: cfg.Log, lines: lines}
	i.keeper = newGatekeeper(i)
	return i, nil
}

// Start connects, creates or upgrades schema segue, registers, reads the first snapshot and installs it with
// Traffic.Open. After it returned nil the instance follows the control tables until Stop, reconnecting by itself.
func (i *Instance) Start(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stop != nil {
		return errors.New("the instance has been started already")
	}
	f := &follower{i: i, audit: -1, notices: newNotices()}
	first, err := i.begin(ctx, f)
	if err != nil {
		i.health.failed(err)
		return err
	}
	i.run(f, first)
	return nil
}

// begin connects and makes the first observation. Where it is of an outage the instance cannot serve, but what it is
// asked is answered all the same, so that it can tell what is wrong.
func (i *Instance) begin(ctx context.Context, f *follower) (*observation, error) {
	if err := f.connect(ctx); err != nil {
		return nil, err
	}
	if i.pool.Load() == nil {
		pool, err := i.lines.pool()
		if err != nil {
			f.disconnect()
			return nil, fmt.Errorf("cannot reach the upstream: %w", err)
		}
		i.pool.Store(pool)
	}
	first, err := f.first(ctx)
	if err == nil {
		i.warnOfRole(ctx, f.conn)
		return first, nil
	}
	err = errors.Join(err, store.DeleteInstance(ctx, f.conn, i.cfg.ID))
	f.disconnect()
	if outage, ok := errors.AsType[*Outage](err); ok {
		if !outage.equal(i.Outage()) {
			i.outage.Store(outage)
		}
		return nil, err
	}
	i.closePool()
	return nil, err
}

// closePool ends the answering of questions.
func (i *Instance) closePool() {
	if pool := i.pool.Swap(nil); pool != nil {
		pool.Close()
	}
}

// run starts the goroutines. They are stopped in the order in which they need each other: the leader's last attempt
// needs this instance's own acknowledgement, and that the follower's reads.
func (i *Instance) run(f *follower, first *observation) {
	// What is stopped here outlives the context of Start.
	leading, stopLeading := context.WithCancel(context.Background())
	following, stopFollowing := context.WithCancel(context.Background())
	var leaders, followers sync.WaitGroup
	opened := make(chan struct{})
	followers.Go(func() { i.keeper.run(following, first, opened) })
	<-opened
	followers.Go(func() { f.run(following) })
	followers.Go(func() { i.flushUsage(following) })
	leaders.Go(func() { i.lead(leading) })
	leaders.Go(func() { i.fill(leading) })
	i.stop = func(ctx context.Context) error {
		stopLeading()
		leaders.Wait()
		stopFollowing()
		followers.Wait()
		return i.leave(ctx)
	}
}

// Stop removes the instance's row and ends its work. An attempt that it leads is finished or undone first.
func (i *Instance) Stop(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stop == nil {
		i.closePool()
		return nil
	}
	err := i.stop(ctx)
	i.stop = nil
	return err
}

// leave writes down what was used last and removes the instance's row, on a connection that is new and so surely works.
func (i *Instance) leave(ctx context.Context) error {
	i.closePool()
	conn, err := i.lines.dial(ctx)
	if err == nil {
		err = errors.Join(i.storeUses(ctx, conn), store.DeleteInstance(ctx, conn, i.cfg.ID), store.Notify(ctx, conn, ""))
		i.lines.hangUp(conn)
	}
	if err != nil {
		return fmt.Errorf("the instance could not leave the fleet in order; it will be taken for lost after %s: %w", patience(i.cfg.Lease), err)
	}
	return nil
}

// database is the pool for short questions.
func (i *Instance) database() (*pgxpool.Pool, error) {
	if pool := i.pool.Load(); pool != nil {
		return pool, nil
	}
	return nil, i.health.notRunning()
}

// Ready is nil when the control tables have been read within the lease and what they say can be served; otherwise it says
// why not.
func (i *Instance) Ready() error {
	if o := i.Outage(); o != nil && o.Kind == WrongNames {
		return o
	}
	return i.health.ready(i.cfg.Lease)
}

// Snapshot is the one in force; never nil after Start.
func (i *Instance) Snapshot() *rules.Snapshot { return i.snapshot.Load() }

// Refresh reads the catalog again soon, because DDL was seen; it does not wait.
func (i *Instance) Refresh() { i.RefreshThen(nil) }

// RefreshThen is Refresh, and calls known, if it is not nil, when a snapshot is in force that shows the catalog as it was
// read after this call.
func (i *Instance) RefreshThen(known func()) {
	i.refresh.ask(known)
	i.wake.ring()
}

// PendingFor is for how long a transition has been pending, as of the last read; 0: none is.
func (i *Instance) PendingFor() time.Duration {
	if asked := i.asked.Load(); asked != 0 {
		return max(time.Since(time.Unix(0, asked)), time.Nanosecond)
	}
	return 0
}

// Sessions lists the sessions of this instance.
func (i *Instance) Sessions() []SessionInfo { return i.traffic.Sessions() }

// A health knows whether the instance is in touch with its control tables. It is safe for concurrent use.
type health struct {
	mu   sync.Mutex
	read time.Time // when the last read that renewed the lease was begun
	lost error     // why the connection was lost, since then
}

func (h *health) ready(lease time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch age := time.Since(h.read); {
	case h.read.IsZero():
		return h.unreached()
	case age > lease && h.lost != nil:
		return fmt.Errorf("the control tables have not been read for %s: %w", age.Round(time.Millisecond), h.lost)
	case age > lease:
		return fmt.Errorf("the control tables have not been read for %s", age.Round(time.Millisecond))
	}
	return nil
}

// notRunning is why nothing can be asked of the database.
func (h *health) notRunning() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.read.IsZero() {
		return h.unreached()
	}
	return errNotRunning
}

// unreached is why nothing was ever read. h.mu is held.
func (h *health) unreached() error {
	if h.lost == nil {
		return errNotRunning
	}
	return fmt.Errorf("%w: %w", errNotRunning, h.lost)
}

// renewed notes a read that renewed the lease.
func (h *health) renewed(read time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read, h.lost = read, nil
}

func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = err
}
