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
)

// An Instance is this process' part in the fleet: it follows the control tables, takes part in gates, and leads
// transitions when it can get the leader's lock. All methods are safe for concurrent use.
type Instance struct {
	cfg     Config
	traffic Traffic
	log     hclog.Logger
	lines   *switchboard

	snapshot atomic.Pointer[rules.Snapshot] // the one that Traffic was opened with last
	pending  atomic.Bool                    // a transition was there at the last read
	refresh  refreshes                      // asked for, and not yet in force
	wake     bell                           // makes the follower read now
	changed  broadcast                      // sent after every read that showed something new
	taken    record                         // of the reads that were acted on: see CatchUp
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
	lines, err := newSwitchboard(cfg.Upstream)
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
	f := &follower{i: i, audit: -1}
	if err := f.connect(ctx); err != nil {
		return err
	}
	first, err := f.first(ctx)
	if err != nil {
		err = errors.Join(err, rules.DeleteInstance(ctx, f.conn, i.cfg.ID))
		f.disconnect()
		return err
	}
	pool, err := i.lines.pool()
	if err != nil {
		f.disconnect()
		return fmt.Errorf("cannot reach the upstream: %w", err)
	}
	i.pool.Store(pool)
	i.run(f, first)
	return nil
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
		return nil
	}
	err := i.stop(ctx)
	i.stop = nil
	return err
}

// leave writes down what was used last and removes the instance's row, on a connection that is new and so surely works.
func (i *Instance) leave(ctx context.Context) error {
	i.pool.Swap(nil).Close()
	conn, err := i.lines.dial(ctx)
	if err == nil {
		err = errors.Join(i.storeUses(ctx, conn), rules.DeleteInstance(ctx, conn, i.cfg.ID), rules.Notify(ctx, conn, ""))
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
	return nil, errNotRunning
}

// Ready is nil when the control tables have been read within the lease, else it says why not.
func (i *Instance) Ready() error { return i.health.ready(i.cfg.Lease) }

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

// Sessions lists the sessions of this instance.
func (i *Instance) Sessions() []SessionInfo { return i.traffic.Sessions() }

// A health knows whether the instance is in touch with its control tables. It is safe for concurrent use.
type health struct {
	mu     sync.Mutex
	read   time.Time // when the last read that renewed the lease was begun
	lost   error     // why the connection was lost, since then
	broken error     // why what was read cannot be served
}

func (h *health) ready(lease time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch age := time.Since(h.read); {
	case h.broken != nil:
		return h.broken
	case h.read.IsZero() && h.lost == nil:
		return errNotRunning
	case h.read.IsZero():
		return h.lost
	case age > lease && h.lost != nil:
		return fmt.Errorf("the control tables have not been read for %s: %w", age.Round(time.Millisecond), h.lost)
	case age > lease:
		return fmt.Errorf("the control tables have not been read for %s", age.Round(time.Millisecond))
	}
	return nil
}

// renewed notes a read that renewed the lease, and whether it can be served.
func (h *health) renewed(read time.Time, broken error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.read, h.lost, h.broken = read, nil, broken
}

func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = err
}
