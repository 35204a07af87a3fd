package startup

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// Whatever number of cancel requests waits for the server, a few at a time reach it, none keeps a place from a login, and one
// for a session of this instance does not wait behind those with other keys.
func TestCancelRequestsInNumbersKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	var under, most atomic.Int64
	release := make(chan struct{})
	reached := make(chan uint32, 1000)
	const flood = foreignCancels + foreignWaiting
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		p, err := s.In.NextStartup()
		if err != nil {
			return
		}
		pid, _, err := wire.DecodeCancelRequest(p.Body)
		if err != nil {
			return
		}
		reached <- pid
		if pid == 1 {
			return // closed at once
		}
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
	}), MaxUnauthenticated: flood + 2}, func(e *Entrance) {
		e.cancelHeld = func(pid uint32, _ []byte) Cancelled {
			if pid == 1 {
				return Running
			}
			return Foreign
		}
	})
	defer close(release)
	guess := func(i int) *wiretest.Client {
		c := wiretest.Dial(t, d.addr)
		c.Say(wire.AppendCancelRequest(nil, uint32(1000+i), []byte("gues")))
		return c
	}
	for i := range flood {
		guess(i)
	}
	for range foreignCancels {
		<-reached
	}
	pgtest.Eventually(t, func() bool {
		d.foreign.mu.Lock()
		defer d.foreign.mu.Unlock()
		return d.foreign.waiting == foreignWaiting
	}, "the others wait")
	guess(flood).HearEnd() // there is no room for it
	d.crowd.mu.Lock()
	if n := len(d.crowd.in); n != 0 {
		t.Errorf("%d cancel requests take places of logins", n)
	}
	d.crowd.mu.Unlock()
	own := wiretest.Dial(t, d.addr)
	own.Say(wire.AppendCancelRequest(nil, 1, []byte("mine")))
	own.HearEnd()
	if pid := <-reached; pid != 1 {
		t.Errorf("the server got the request for %d, and not that of the instance's own session", pid)
	}
	if most.Load() != foreignCancels {
		t.Errorf("%d requests with keys of nobody were at the server at one time", most.Load())
	}
}

// Requests for one session that wait are one, and one that comes when the first has been sent is another.
func TestCancelRequestsOfOneSessionAreOneWhileTheyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLane(1, ownWaiting, true)
		var served []uint32
		hold := make(chan struct{})
		ask := func(pid uint32) {
			if err := l.do(t.Context(), pid, func() error {
				served = append(served, pid)
				<-hold
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
		go ask(1)
		synctest.Wait()
		for range 5 {
			go ask(1)
			go ask(2)
		}
		synctest.Wait()
		close(hold)
		synctest.Wait()
		slices.Sort(served)
		if got := fmt.Sprint(served); got != "[1 1 2]" {
			t.Errorf("served: %s", got)
		}
		if l.waiting != 0 || len(l.due) != 0 {
			t.Errorf("%d wait, %d are due", l.waiting, len(l.due))
		}
	})
}

// Who waits for a turn is let go when its time is up, and leaves nothing behind.
func TestACancelRequestThatWaitsTooLongIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLane(1, ownWaiting, true)
		hold := make(chan struct{})
		go l.do(t.Context(), 1, func() error { <-hold; return nil })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), cancelTimeout)
		defer cancel()
		if err := l.do(ctx, 2, func() error { t.Error("served"); return nil }); err == nil {
			t.Error("no error")
		}
		close(hold)
		synctest.Wait()
		if l.waiting != 0 || len(l.due) != 0 || len(l.slots) != 0 {
			t.Errorf("%d wait, %d are due, %d are under way", l.waiting, len(l.due), len(l.slots))
		}
	})
}
