package migrate

import (
	"context"
	"sync"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A gatekeeper is the only one that tells the Traffic what to do. What that is gateState decides; here it is done.
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

	gate   gateState
	ending bool // Traffic ends sessions

	ctx      context.Context    // of run: what is begun in the background ends with it
	work     chan error         // the result of the gate's task
	stopWork context.CancelFunc //
}

func newGatekeeper(i *Instance) *gatekeeper {
	g := &gatekeeper{i: i, gate: gateState{lease: i.cfg.Lease}, work: make(chan error, 1)}
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
	g.ctx = ctx
	g.take(first)
	close(opened)
	defer g.gate.endTask(g)
	for {
		timer := time.NewTimer(time.Until(g.gate.due(time.Now())))
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
				g.gate.lost(g)
			}
			if o != nil {
				g.take(o)
				g.i.taken.add(o)
			}
		case err := <-g.work:
			g.worked(err)
		case <-timer.C:
			g.gate.overdue(g)
		}
		timer.Stop()
	}
}

// take acts on what was read.
func (g *gatekeeper) take(o *observation) {
	if o.renewed {
		g.i.health.renewed(o.begun)
	}
	g.end(o)
	if !g.gate.take(o, g) {
		g.i.refresh.again(o.known)
		return
	}
	for _, known := range o.known {
		known()
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

// worked hands on the end of the background task.
func (g *gatekeeper) worked(err error) {
	g.stopWork()
	switch {
	case g.gate.task == withdrawing && err == nil:
		defer g.i.wake.ring() // a read shows how it ended
	case g.gate.task == withdrawing:
		g.i.log.Warn("an acknowledgement could not be withdrawn and is tried again", "attempt", g.gate.attempt, "error", err)
	case err != nil:
		g.i.log.Info("a gate was not acknowledged", "attempt", g.gate.attempt, "error", err)
	}
	g.gate.worked(err, g)
}

// The rest is what the gate has done.

func (g *gatekeeper) now() time.Time { return time.Now() }

func (g *gatekeeper) suspend(why *Outage) {
	g.i.log.Warn("statements on tables under migration are held", "because", why.Reason)
	g.i.outage.Store(why)
	g.i.traffic.Suspend(why)
}

func (g *gatekeeper) open(snap *rules.Snapshot) {
	if g.i.outage.Swap(nil) != nil && g.i.snapshot.Load() != nil {
		g.i.log.Info("statements on tables under migration are served again", "epoch", snap.Epoch)
	}
	g.i.traffic.Open(snap)
	if before := g.i.snapshot.Swap(snap); before == nil || before.Epoch != snap.Epoch {
		g.i.wake.ring() // tell the leader, who waits until all serve the epoch
	}
}

// hold closes the gate in the background, and acknowledges when nothing is in flight any more.
func (g *gatekeeper) hold(t *store.Transition, until time.Time) {
	attempt, tables, proven := t.Attempt, t.Tables, t.To == rules.Contracted
	ctx, cancel := context.WithDeadline(g.ctx, until)
	g.start(cancel, func() error {
		if err := g.i.traffic.Hold(ctx, tables, g.i.holdsLock); err != nil {
			return errNotHeld
		}
		return g.i.acknowledge(ctx, attempt, g.i.serving(), proven)
	})
}

func (g *gatekeeper) withdraw(attempt int64) {
	ctx, cancel := context.WithTimeout(g.ctx, g.i.cfg.Lease)
	g.start(cancel, func() error { return g.i.withdraw(ctx, attempt) })
}

func (g *gatekeeper) start(cancel context.CancelFunc, run func() error) {
	g.stopWork = cancel
	go func() { g.work <- run() }()
}

// endTask ends the background task and waits for it.
func (g *gatekeeper) endTask() {
	g.stopWork()
	<-g.work
}
