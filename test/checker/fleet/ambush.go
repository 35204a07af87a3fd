package fleet

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// An ambush waits for an instance that is about to send a certain statement.
type ambush struct {
	transition bool // it counts statements of a transaction that makes a transition; otherwise of all that instances do by themselves
	skip       int  // transitions to let pass
	at         int  // the statement, from 1; where a transition has less, its COMMIT
	sent       bool // the statement is still sent

	mu    sync.Mutex
	over  bool
	count int
	hits  chan *hit
}

// A hit is a statement for which an ambush has waited.
type hit struct {
	instance *instance
	at       int
	commit   bool
	sent     bool          // the statement is
	lost     bool          // who sends it has ended; set before released is closed
	released chan struct{} // to be closed when the harm is done: nothing else is sent until then
}

// meets is asked about each statement that a connection is about to send. It returns nil where that is let pass.
func (a *ambush) meets(c *control, ends bool) *hit {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := c.count
	if !a.transition {
		a.count++
		n = a.count
	}
	switch {
	case a.over, a.transition && n < 2: // it is not known yet what the transaction does
		return nil
	case a.transition && a.skip > 0:
		if ends {
			a.skip--
		}
		return nil
	case n < a.at && !(a.transition && ends):
		return nil
	}
	a.over = true
	h := &hit{instance: c.relay.instance, at: n, commit: ends, sent: a.sent, released: make(chan struct{})}
	a.hits <- h
	return h
}

// longestTransition is how many statements the longest transaction has, or a few more: those that make triggers.
const longestTransition = 40

// wait lies in ambush until a statement comes, or for so long as a transition takes, and has harm done to who sends it.
func (r *Round) wait(ctx context.Context, name string, c choices, harm func(ctx context.Context, h *hit, release func()) error) error {
	a := &ambush{transition: c.rand.IntN(4) > 0, sent: c.rand.IntN(4) == 0, hits: make(chan *hit, 1)}
	a.at, a.skip = 2+c.rand.IntN(longestTransition), c.rand.IntN(4)/3
	if c.rand.IntN(2) == 0 { // early ones are in each
		a.at = 2 + c.rand.IntN(longestTransition/4)
	}
	r.ambush.Store(a)
	defer r.ambush.Store(nil)
	var h *hit
	select {
	case h = <-a.hits:
	case <-ctx.Done():
		return nil
	case <-time.After(4 * lease):
		a.mu.Lock()
		missed := !a.over
		a.over = true
		a.mu.Unlock()
		if missed {
			r.log("  no instance came to the ambush")
			return nil
		}
		h = <-a.hits
	}
	release := sync.OnceFunc(func() { close(h.released) })
	defer release()
	look := &observer{url: r.url}
	s, err := look.look(ctx)
	look.close()
	if err != nil {
		return err
	}
	where := fmt.Sprintf("at %02d", h.at)
	switch {
	case !a.transition:
		where = "anywhere"
	case h.commit:
		where = "at the end"
	}
	if a.sent {
		where += ", sent"
	}
	r.Pairs.met(s.step(), name+" "+where)
	r.log("  %s of %s %s in %s", name, h.instance.id, where, s.step())
	return harm(ctx, h, release)
}
