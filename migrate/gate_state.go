package migrate

import (
	"errors"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A gateState is an instance's part in the gate protocol, without I/O and without a clock: what has happened goes in by
// its methods, and what is to be done about it comes out as calls of gateDeeds. It can be copied. Its rules are those of the
// instance's safety:
//
//   - it acknowledges an attempt only while it holds the gate of that attempt, and serves the epoch that it says;
//   - once it may have acknowledged, it opens only after a read that shows that the attempt is over, or after a withdrawal
//     that succeeded and a read begun after it;
//   - when no read has renewed the lease for as long as the lease is, it suspends, until the next read.
//
// It is used by one goroutine.
type gateState struct {
	lease time.Duration

	snap      *rules.Snapshot // that was opened with last; nil before the first
	closed    bool            // a gate
	suspended *Outage         // nil: not
	serve     time.Time       // until when the last renewing read lets us serve

	attempt   int64     // whose gate is held; 0: none
	until     time.Time // by then the attempt is over, by our clock and never later than by the leader's
	promised  bool      // the attempt may have been acknowledged
	withdrawn time.Time // when a withdrawal had succeeded; zero: not
	refused   int64     // attempt that was given up: its gate is not held again

	task task // the one that runs in the background
}

// A task runs in the background, so that what is read meanwhile is heard.
type task byte

const (
	idle task = iota
	holding
	withdrawing
)

// errNotHeld is the result of holding when nothing was acknowledged.
var errNotHeld = errors.New("statements on the tables were in flight to the end")

// gateDeeds is what a gateState has done. All but the tasks are done when they return.
type gateDeeds interface {
	now() time.Time
	suspend(why *Outage)       // statements on tables under migration are held from here on
	open(snap *rules.Snapshot) // and are served by the snapshot from here on
	// hold begins a task that ends with nil when nothing is in flight any more and that has been acknowledged; with errNotHeld
	// when that was not so before until; with another error when the acknowledgement may or may not have been written.
	hold(t *store.Transition, until time.Time)
	withdraw(attempt int64) // begins a task that ends with nil when the acknowledgement is withdrawn
	endTask()               // ends the task: no result of it comes any more
}

// due is when overdue is to be called although nothing is heard.
func (g *gateState) due(now time.Time) time.Time {
	next := now.Add(time.Hour)
	if g.suspended == nil && g.serve.Before(next) {
		next = g.serve
	}
	if g.mayGiveUp() && g.until.Before(next) {
		next = g.until
	}
	return next
}

func (g *gateState) mayGiveUp() bool { return g.attempt != 0 && g.task == idle && g.withdrawn.IsZero() }

// overdue suspends when the lease has run out, and gives up an attempt whose time is over.
func (g *gateState) overdue(do gateDeeds) {
	now := do.now()
	if g.suspended == nil && !now.Before(g.serve) {
		reason := "this instance could not read its control tables for " + g.lease.String()
		g.suspend(&Outage{Kind: OutOfTouch, Reason: reason, Since: now}, do)
	}
	if g.mayGiveUp() && !now.Before(g.until) {
		g.giveUp(do)
	}
}

// giveUp ends an attempt whose time is over without a word from the leader.
func (g *gateState) giveUp(do gateDeeds) {
	if g.promised {
		g.task = withdrawing
		do.withdraw(g.attempt)
		return
	}
	g.refused, g.attempt = g.attempt, 0
	// Nothing was acknowledged, so nothing can have happened.
	if g.suspended == nil {
		g.closed = false
		do.open(g.snap)
	}
}

// lost says that a leader has marked the instance expired: it must not serve before the next observation.
func (g *gateState) lost(do gateDeeds) {
	g.suspend(&Outage{Kind: OutOfTouch, Reason: "this instance was taken for lost by the others, and registers again", Since: do.now()}, do)
}

// suspend holds all statements on tables under migration, or gives those that are held already another reason.
func (g *gateState) suspend(why *Outage, do gateDeeds) {
	if why.equal(g.suspended) {
		return
	}
	if g.suspended != nil {
		kept := *why
		kept.Since = g.suspended.Since
		why = &kept
	}
	g.suspended = why
	do.suspend(why)
}

// take acts on what was read, and tells whether the snapshot of it is in force then.
func (g *gateState) take(o *observation, do gateDeeds) (inForce bool) {
	if o.renewed {
		g.serve = o.begun.Add(g.lease)
	}
	t := o.state.Transition
	if g.attempt != 0 {
		if same := t != nil && t.Attempt == g.attempt; same && !g.mayOpen(o) {
			return false // the outcome is not known
		} else if same {
			g.refused = g.attempt
		}
		g.endTask(do)
		g.attempt, g.promised, g.withdrawn = 0, false, time.Time{}
	}
	inForce = g.open(o, do)
	if t != nil && t.Attempt != 0 && t.Attempt != g.refused && t.Until != nil {
		if left := t.Until.Sub(t.Now); left > 0 {
			g.attempt, g.until, g.promised, g.closed, g.task = t.Attempt, o.begun.Add(left), false, true, holding
			do.hold(t, g.until)
		}
	}
	return inForce
}

// mayOpen tells whether an attempt that is still in force can be left: what was acknowledged has been withdrawn, and o
// was read later, so it shows whether the leader was quicker.
func (g *gateState) mayOpen(o *observation) bool {
	return !g.withdrawn.IsZero() && o.begun.After(g.withdrawn)
}

// open installs the observed snapshot if it is another one, or if something is held. It tells whether it is in force then.
func (g *gateState) open(o *observation, do gateDeeds) bool {
	if o.broken != nil {
		g.suspend(o.broken, do)
		return false
	}
	if !do.now().Before(g.serve) {
		return false // it was read, but too slowly to rely on: the next read decides
	}
	if !g.closed && g.suspended == nil && o.snap == g.snap {
		return true
	}
	g.closed, g.suspended, g.snap = false, nil, o.snap
	do.open(o.snap)
	return true
}

// worked acts on the end of the task.
func (g *gateState) worked(err error, do gateDeeds) {
	done := g.task
	g.task = idle
	switch {
	case done == holding:
		// An acknowledgement that failed may have been written all the same.
		g.promised = err != errNotHeld
	case err != nil:
		g.until = do.now().Add(withdrawAgain)
	default:
		g.withdrawn = do.now()
	}
}

// withdrawAgain is the time between two tries to withdraw an acknowledgement.
const withdrawAgain = 100 * time.Millisecond

// endTask ends the task in the background.
func (g *gateState) endTask(do gateDeeds) {
	if g.task != idle {
		do.endTask()
		g.task = idle
	}
}
