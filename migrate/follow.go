package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// payloadReport asks every instance to write down its sessions and uses at once.
const payloadReport = "report"

// payloadCatalog tells every instance that the catalog has changed.
const payloadCatalog = "catalog"

// An observation is one read of the control tables.
type observation struct {
	begun   time.Time // before the first byte of it was asked for
	renewed bool      // the heartbeat was written, so that the lease counts from begun
	state   *store.State
	snap    *rules.Snapshot // not older than state; nil when broken
	broken  *Outage         // why no snapshot can be made of what is stored and what the catalog has
	known   []func()        // to be called when snap is in force
}

// A follower reads the control tables for its instance. It is used by one goroutine.
type follower struct {
	i       *Instance
	conn    *pgx.Conn
	claimed []uint32         // connections that may hold the id of the instance
	snap    *rules.Snapshot  // latest that was loaded
	named   *rules.Snapshot  // the one of which the names were stored
	cat     *catalog.Catalog // latest that was read over conn; nil when there is none
	broken  *Outage
	audit   int64     // up to which row the audit is known; negative at first
	checked time.Time // when the catalog's fingerprint was taken last
	told    bool      // another instance says that the catalog has changed
	notices *notices
	joined  bool // this process has registered before
}

// connect dials, makes sure that schema segue is there, listens and registers.
func (f *follower) connect(ctx context.Context) (err error) {
	if f.conn, err = f.i.lines.dialListening(ctx, f.notices.note); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.disconnect()
		}
	}()
	if err = f.install(ctx); err != nil {
		return err
	}
	if err = f.claim(ctx); err != nil {
		return err
	}
	// Heartbeats need not survive a crash of the server: it ends every connection, and all register again.
	if _, err = f.conn.Exec(ctx, `SET synchronous_commit = off`); err != nil {
		return err
	}
	if _, err = f.conn.Exec(ctx, `LISTEN `+store.Channel); err != nil {
		return err
	}
	if pool := f.i.pool.Load(); pool != nil {
		pool.Reset() // its connections were probably lost with the one before
	}
	return f.register(ctx)
}

// install makes sure that the schema segue is there, but does not make it anew under what is live: then it was dropped, and
// nobody would know any more which names the tables have in which version.
func (f *follower) install(ctx context.Context) error {
	if snap := f.i.lastSnapshot(); snap != nil {
		there, err := store.Installed(ctx, f.conn)
		if err != nil {
			return err
		}
		if !there {
			var live []string
			for _, m := range snap.Migrations {
				if m.Phase.Live() {
					live = append(live, fmt.Sprintf("%q (%s)", m.ID, m.Phase))
				}
			}
			return fmt.Errorf("schema segue has been dropped while %s was live: bring it back from a backup; "+
				"or stop all instances, give the tables the names that the apps need, and start again", strings.Join(live, ", "))
		}
	}
	return store.Install(ctx, f.conn)
}

func (f *follower) disconnect() {
	if f.conn != nil {
		f.i.lines.hangUp(f.conn)
		f.conn, f.cat = nil, nil
	}
}

// register writes the instance's row, with nothing acknowledged, also not by an earlier process of that id. The lock that it takes is the one under which a leader
// looks for the last time at who has acknowledged: the leader either sees the new row, or has committed before.
func (f *follower) register(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, f.conn, func(tx pgx.Tx) error {
		if _, err := store.LockEpoch(ctx, tx); err != nil {
			return err
		}
		if err := store.PruneInstances(ctx, tx, 24*time.Hour); err != nil {
			return err
		}
		return store.RegisterInstance(ctx, tx, f.i.cfg.ID, "", f.i.cfg.Lease, f.i.serving(), !f.joined)
	})
	f.joined = f.joined || err == nil
	return err
}

// serving is the epoch of the snapshot in force, 0 before the first.
func (i *Instance) serving() int64 {
	if snap := i.snapshot.Load(); snap != nil {
		return snap.Epoch
	}
	return 0
}

// read makes one observation. After an error the connection must be given up.
func (f *follower) read(ctx context.Context) (*observation, error) {
	asked, waiting := f.i.refresh.take()
	o, err := f.observe(ctx, asked)
	if err != nil {
		f.i.refresh.again(waiting)
		return nil, err
	}
	o.known = waiting
	return o, nil
}

// catalogTimeout is how long the catalog may take to be read: longer than a lease, since a database with some ten thousand
// tables needs that. The observation is then too old to serve by, but the next one finds the snapshot made.
const catalogTimeout = time.Minute

// observe is read; with asked the catalog is looked at in any case.
func (f *follower) observe(ctx context.Context, asked bool) (*observation, error) {
	o := &observation{begun: time.Now()}
	if err := f.beat(ctx, o); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(catalogTimeout, f.i.cfg.Lease))
	defer cancel()
	if err := f.load(ctx, o, asked); err != nil {
		return nil, err
	}
	return o, nil
}

// beat renews the lease and reads the state.
func (f *follower) beat(ctx context.Context, o *observation) (err error) {
	ctx, cancel := context.WithTimeout(ctx, f.i.cfg.Lease)
	defer cancel()
	for {
		if o.renewed, err = store.BeatInstance(ctx, f.conn, f.i.cfg.ID, f.i.serving()); err != nil {
			return err
		}
		if o.state, err = store.LoadState(ctx, f.conn, f.i.cfg.ID); err != nil || o.state.Registered {
			return err
		}
		// A leader has lost patience: what was served until now may be outdated.
		f.i.log.Warn("this instance was taken for lost and registers again")
		f.i.keeper.expired()
		if err := f.register(ctx); err != nil {
			return err
		}
		o.begun = time.Now()
	}
}

// first makes the observation that the instance starts with.
func (f *follower) first(ctx context.Context) (*observation, error) {
	for {
		o, err := f.read(ctx)
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return nil, err
		case o.broken != nil:
			return nil, o.broken
		case usable(o, f.i.cfg.Lease, time.Now()):
			return o, nil
		}
		pause(ctx, 10*time.Millisecond, nil) // a leader holds the row at this moment, or the catalog took long to read
	}
}

// usable tells whether an instance can begin to serve by what was read: the lease that was renewed is not over yet.
func usable(o *observation, lease time.Duration, now time.Time) bool {
	return o.renewed && now.Before(o.begun.Add(lease))
}

// load completes the observation with a snapshot: the one at hand if it is still right, else a new one.
func (f *follower) load(ctx context.Context, o *observation, asked bool) error {
	moved := f.snap == nil || f.snap.Epoch != o.state.Epoch || f.broken != nil
	stale, err := f.stale(ctx, asked)
	if err != nil {
		return err
	}
	if stale && asked {
		// A session of this instance has changed it, so the others cannot know.
		if err := store.Notify(ctx, f.conn, payloadCatalog); err != nil {
			return err
		}
	}
	if moved || stale || o.state.LastAudit != f.audit {
		err = pgx.BeginTxFunc(ctx, f.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if o.state, err = store.LoadState(ctx, tx, f.i.cfg.ID); err != nil {
				return err
			}
			return f.build(ctx, tx, o.state.Epoch, moved || stale)
		})
		if err != nil {
			return err
		}
		if !o.state.Registered {
			return errors.New("the instance's row has gone while it was read")
		}
		f.storeNames(ctx)
	}
	o.snap, o.broken = f.snap, f.broken
	return nil
}

// storeNames stores what texts refer to under a new snapshot, before anybody has it. Where that fails the texts hold it
// themselves: they are longer then, and mean the same.
func (f *follower) storeNames(ctx context.Context) {
	if f.snap == nil || f.snap == f.named {
		return
	}
	f.named = f.snap
	maps := rewrite.NameMaps(f.snap)
	if len(maps) == 0 {
		return
	}
	err := pgx.BeginFunc(ctx, f.conn, func(tx pgx.Tx) (err error) {
		f.snap.StoredNames, err = store.StoreNames(ctx, tx, maps)
		return err
	})
	if err != nil {
		f.snap.StoredNames = nil
		f.i.log.Warn("the names that the system catalogs show could not be stored; statements on them are longer now", "error", err)
	}
}

// stale tells whether the catalog may have changed since the snapshot was made. It looks when it was asked to, and every
// now and then while something is live.
func (f *follower) stale(ctx context.Context, asked bool) (bool, error) {
	if f.snap == nil || f.snap.Catalog == nil {
		f.told = false
		return false, nil
	}
	if !asked && time.Since(f.checked) < min(catalogPoll, 4*f.i.cfg.Poll) && !(f.told && f.notices.told.due(time.Now()) == 0) {
		return false, nil
	}
	f.told = false
	f.checked = time.Now()
	now, err := catalog.Fingerprint(ctx, f.conn)
	return now != f.snap.Catalog.Fingerprint, err
}

// build makes a new snapshot in tx. With recatalog the catalog is read again; without, only the migrations are, and when
// none of them has changed the snapshot stays the one that it was.
func (f *follower) build(ctx context.Context, tx pgx.Tx, epoch int64, recatalog bool) error {
	migrations, err := store.LoadMigrations(ctx, tx)
	if err != nil {
		return err
	}
	if !recatalog && slices.EqualFunc(migrations, f.snap.Migrations, sameMigration) {
		return nil
	}
	var cat *catalog.Catalog // nil when nothing is live
	if rules.NeedsCatalog(migrations) {
		if cat, err = f.cat.Refresh(ctx, tx); err != nil {
			return err
		}
		f.checked = time.Now()
	}
	f.cat = cat
	snap, err := rules.Build(epoch, migrations, cat)
	if err != nil {
		if broken := wrongNames(err, migrations, cat, f.snap); !broken.equal(f.broken) {
			f.i.log.Error("the stored migrations cannot be served", "error", err, "mend", strings.Join(broken.Mend, "; "))
			f.broken = broken
		}
		return nil
	}
	f.snap, f.broken = snap, nil
	return nil
}

func sameMigration(a, b *rules.Migration) bool {
	return a.ID == b.ID && a.Seq == b.Seq && a.Phase == b.Phase && a.Digest == b.Digest && a.Stages() == b.Stages()
}

// run reads until ctx ends, and connects again when the connection is lost.
func (f *follower) run(ctx context.Context) {
	defer f.disconnect()
	retry := new(backoff)
	for ctx.Err() == nil {
		err := f.step(ctx)
		if err == nil {
			retry.reset()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		f.disconnect()
		f.i.health.failed(err)
		f.i.log.Warn("the control tables could not be read", "error", err)
		pause(ctx, retry.next(min(backoffLook, f.i.cfg.Lease/4)), nil)
	}
}

// step makes one observation, hands it on, and waits until there is a reason for the next.
func (f *follower) step(ctx context.Context) error {
	if f.conn == nil {
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
	o, err := f.read(ctx)
	if err != nil {
		return err
	}
	f.i.keeper.observe(o)
	f.i.notePending(o.state.Transition)
	f.announce(ctx, o.state)
	if err := f.measure(ctx, o.snap); err != nil {
		return err
	}
	f.i.changed.send()
	f.i.wake.wait(ctx, f.i.cfg.Poll, func(ctx context.Context) {
		if lost := f.notices.listen(ctx, f.conn); lost != nil {
			err = fmt.Errorf("the control connection was lost: %w", lost)
		}
	})
	report, catalog := f.notices.take()
	f.told = f.told || catalog
	if err == nil && report {
		err = f.i.report(ctx, f.conn)
	}
	return err
}

// notePending takes note of the transition that was read, nil for none.
func (i *Instance) notePending(t *store.Transition) {
	i.pending.Store(t != nil)
	if t == nil {
		i.asked.Store(0)
		return
	}
	i.asked.Store(time.Now().Add(-t.Now.Sub(t.RequestedAt)).UnixNano())
}

// announce logs what has been written to the audit since the last time, and sends it to all subscribers.
func (f *follower) announce(ctx context.Context, s *store.State) {
	after := f.audit
	f.audit = s.LastAudit
	if after < 0 || s.LastAudit <= after {
		return
	}
	rows, err := store.LoadAudit(ctx, f.conn, "", after, 1000)
	if err != nil {
		f.i.log.Warn("new events could not be read", "error", err)
		return
	}
	for _, r := range rows {
		e := eventOf(r)
		detail := e.Detail
		if e.Kind == eventStopped { // it names rows by their keys, which are not for the log
			detail = "see segue show " + e.Migration
		}
		f.i.log.Info("migration "+e.Migration+" "+e.Kind, "detail", detail, "by", e.Actor, "pause_ms", e.PauseMS)
		f.i.events.publish(e)
	}
}

// pause waits for d, or until ctx ends or woken is closed.
func pause(ctx context.Context, d time.Duration, woken <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-woken:
	}
}
