package migrate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A gatekeeper is the only one that tells the Traffic what to do. Its rules are those of the instance's safety:
//
//   - it acknowledges an attempt only while it holds the gate of that attempt, and serves the epoch that it says;
//   - once it may have acknowledged, it opens only after a read that shows that the attempt is over, or after a withdrawal
//     that succeeded and a read begun after it;
//   - when no read has renewed the lease for as long as the lease is, it suspends, until the next read.
//
// All fields but the mailbox belong to the goroutine of run.
type gatekeeper struct {
	i *Instance

	mail struct {
		sync.Mutex
		latest  *observation // not looked at yet
		expired bool
		signal  chan struct{} // has room for one
	}

	snap      *rules.Snapshot // that Traffic was opened with; nil before the first
	closed    bool            // a gate, by Hold
	suspended *Outage         // nil: not
	ending    bool            // Traffic ends sessions
	lease     time.Time       // until when the last renewing read lets us serve

	attempt   int64     // whose gate is held; 0: none
	gateUntil time.Time // by then the attempt is over, by our clock and never later than by the leader's
	promised  bool      // the attempt may have been acknowledged
	withdrawn time.Time // when a withdrawal had succeeded; zero: not
	refused   int64     // attempt that was given up: its gate is not held again

	task     task               // the one that runs in the background
	work     chan error         // its result
	stopWork context.CancelFunc //
}

// A task of the gatekeeper runs in the background, so that it goes on hearing what the follower reads.
type task byte

const (
	idle task = iota
	holding
	withdrawing
)

// errNotHeld is the result of holding when nothing was acknowledged.
var errNotHeld = errors.New("statements on the tables were in flight to the end")

func newGatekeeper(i *Instance) *gatekeeper {
	g := &gatekeeper{i: i, work: make(chan error, 1)}
	g.mail.signal = make(chan struct{}, 1)
	return g
}

// observe hands over a read of the control tables. Reads are handed over in the order in which they were begun; one
// that was not looked at yet is replaced by the next, which knows more.
func (g *gatekeeper) observe(o *observation) {
	g.mail.Lock()
	if last := g.mail.latest; last != nil && last.renewed && !o.renewed {
		// The lease that the earlier read renewed must not be forgotten.
		o.renewed, o.begun = true, last.begun
	}
	if last := g.mail.latest; last != nil {
		o.known = append(last.known, o.known...)
	}
	g.mail.latest = o
	g.mail.Unlock()
	g.notify()
}

// expired says that a leader has marked the instance expired: it must not serve before the next observation.
func (g *gatekeeper) expired() {
	g.mail.Lock()
	if last := g.mail.latest; last != nil {
		g.i.refresh.again(last.known)
	}
	g.mail.latest, g.mail.expired = nil, true
	g.mail.Unlock()
	g.notify()
}

func (g *gatekeeper) notify() {
	select {
	case g.mail.signal <- struct{}{}:
	default:
	}
}

// run installs the first observation, closes opened, and serves until ctx ends.
func (g *gatekeeper) run(ctx context.Context, first *observation, opened chan<- struct{}) {
	g.take(ctx, first)
	close(opened)
	defer g.endWork()
	for {
		timer := time.NewTimer(time.Until(g.due()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-g.mail.signal:
			g.mail.Lock()
			o, expired := g.mail.latest, g.mail.expired
			g.mail.latest, g.mail.expired = nil, false
			g.mail.Unlock()
			if expired {
				g.suspend(&Outage{Kind: OutOfTouch, Reason: "this instance was taken for lost by the others, and registers again", Since: time.Now()})
			}
			if o != nil {
				g.take(ctx, o)
				g.i.taken.add(o)
			}
		case err := <-g.work:
			g.worked(err)
		case <-timer.C:
			g.overdue(ctx)
		}
		timer.Stop()
	}
}

// due is when something is to be done although nothing is heard.
func (g *gatekeeper) due() time.Time {
	next := time.Now().Add(time.Hour)
	if g.suspended == nil && g.lease.Before(next) {
		next = g.lease
	}
	if g.attempt != 0 && g.task == idle && g.withdrawn.IsZero() && g.gateUntil.Before(next) {
		next = g.gateUntil
	}
	return next
}

// overdue suspends when the lease has run out, and gives up an attempt whose time is over.
func (g *gatekeeper) overdue(ctx context.Context) {
	now := time.Now()
	if g.suspended == nil && !now.Before(g.lease) {
		reason := "this instance could not read its control tables for " + g.i.cfg.Lease.String()
		g.suspend(&Outage{Kind: OutOfTouch, Reason: reason, Since: now})
	}
	if g.attempt != 0 && g.task == idle && g.withdrawn.IsZero() && !now.Before(g.gateUntil) {
		g.giveUp(ctx)
	}
}

// suspend holds all statements on tables under migration, or gives those that are held already another reason.
func (g *gatekeeper) suspend(why *Outage) {
	if why.equal(g.suspended) {
		return
	}
	if g.suspended != nil {
		kept := *why
		kept.Since = g.suspended.Since
		why = &kept
	}
	g.i.log.Warn("statements on tables under migration are held", "because", why.Reason)
	g.suspended = why
	g.i.outage.Store(why)
	g.i.traffic.Suspend(why)
}

// take acts on what was read.
func (g *gatekeeper) take(ctx context.Context, o *observation) {
	if o.renewed {
		g.lease = o.begun.Add(g.i.cfg.Lease)
		g.i.health.renewed(o.begun)
	}
	t := o.state.Transition
	g.end(o)
	if g.attempt != 0 {
		if same := t != nil && t.Attempt == g.attempt; same && !g.mayOpen(o) {
			g.i.refresh.again(o.known)
			return // the outcome is not known
		} else if same {
			g.refused = g.attempt
		}
		g.endWork()
		g.attempt, g.promised, g.withdrawn = 0, false, time.Time{}
	}
	if g.open(o) {
		for _, known := range o.known {
			known()
		}
	} else {
		g.i.refresh.again(o.known)
	}
	if t != nil && t.Attempt != 0 && t.Attempt != g.refused && t.Until != nil {
		if left := t.Until.Sub(t.Now); left > 0 {
			g.hold(ctx, t, o.begun.Add(left))
		}
	}
}

// end has the sessions ended whose version goes by the pending transition, if that was asked for. A session can come to such
// a version later, so it is done again at each read.
func (g *gatekeeper) end(o *observation) {
	if o.snap == nil {
		return
	}
	e := ending(o.state.Transition, o.snap.Migrations)
	if e != nil || g.ending {
		g.i.traffic.End(e)
	}
	g.ending = e != nil
}

// mayOpen tells whether an attempt that is still in force can be left: what was acknowledged has been withdrawn, and o
// was read later, so it shows whether the leader was quicker.
func (g *gatekeeper) mayOpen(o *observation) bool {
	return !g.withdrawn.IsZero() && o.begun.After(g.withdrawn)
}

// open installs the observed snapshot if it is another one, or if something is held. It tells whether it is in force then.
func (g *gatekeeper) open(o *observation) bool {
	if o.broken != nil {
		g.suspend(o.broken)
		return false
	}
	if time.Until(g.lease) <= 0 {
		return false // it was read, but too slowly to rely on: the next read decides
	}
	if !g.closed && g.suspended == nil && o.snap == g.snap {
		return true
	}
	if g.suspended != nil && g.snap != nil {
		g.i.log.Info("statements on tables under migration are served again", "epoch", o.snap.Epoch)
	}
	moved := g.snap == nil || g.snap.Epoch != o.snap.Epoch
	g.closed, g.suspended, g.snap = false, nil, o.snap
	g.i.outage.Store(nil)
	g.i.traffic.Open(o.snap)
	g.i.snapshot.Store(o.snap)
	if moved {
		g.i.wake.ring() // tell the leader, who waits until all serve the epoch
	}
	return true
}

// hold closes the gate in the background, and acknowledges when nothing is in flight any more.
func (g *gatekeeper) hold(ctx context.Context, t *store.Transition, until time.Time) {
	attempt, tables, proven := t.Attempt, t.Tables, t.To == rules.Contracted
	g.attempt, g.gateUntil, g.promised, g.closed = attempt, until, false, true
	ctx, cancel := context.WithDeadline(ctx, until)
	g.start(holding, cancel, func() error {
		if err := g.i.traffic.Hold(ctx, tables, g.i.holdsLock); err != nil {
			return errNotHeld
		}
		return g.i.acknowledge(ctx, attempt, g.i.serving(), proven)
	})
}

// worked acts on the end of the background task.
func (g *gatekeeper) worked(err error) {
	g.stopWork()
	done := g.task
	g.task = idle
	switch {
	case done == holding:
		// An acknowledgement that failed may have been written all the same.
		g.promised = err != errNotHeld
		if err != nil {
			g.i.log.Info("a gate was not acknowledged", "attempt", g.attempt, "error", err)
		}
	case err != nil:
		g.i.log.Warn("an acknowledgement could not be withdrawn and is tried again", "attempt", g.attempt, "error", err)
		g.gateUntil = time.Now().Add(100 * time.Millisecond)
	default:
		g.withdrawn = time.Now()
		g.i.wake.ring()
	}
}

// giveUp ends an attempt whose time is over without a word from the leader.
func (g *gatekeeper) giveUp(ctx context.Context) {
	if g.promised {
		ctx, cancel := context.WithTimeout(ctx, g.i.cfg.Lease)
		attempt := g.attempt
		g.start(withdrawing, cancel, func() error { return g.i.withdraw(ctx, attempt) })
		return
	}
	g.refused, g.attempt = g.attempt, 0
	// Nothing was acknowledged, so nothing can have happened.
	if g.suspended == nil {
		g.closed = false
		g.i.traffic.Open(g.snap)
	}
}

func (g *gatekeeper) start(t task, cancel context.CancelFunc, run func() error) {
	g.task, g.stopWork = t, cancel
	go func() { g.work <- run() }()
}

// endWork ends the background task and waits for it.
func (g *gatekeeper) endWork() {
	if g.task != idle {
		g.stopWork()
		<-g.work
		g.task = idle
	}
}
