package migrate

import (
	"context"
	"sync"
	"time"
)

// CatchUp reads the control tables and the catalog now, and returns when Traffic has been opened with what was read, if
// that is news. An error says that nothing is known: ctx has ended first, or the instance is out of touch with its control
// tables, which it does not wait for. While a gate is closed of which the outcome is open, there is no news.
//
// Calls that come together are served by one read.
func (i *Instance) CatchUp(ctx context.Context) error {
	if _, err := i.database(); err != nil {
		return err
	}
	if err := i.health.outOfTouch(); err != nil {
		return err
	}
	asked := time.Now()
	for {
		next := i.taken.news.next()
		if !i.taken.latest().Before(asked) {
			return nil
		}
		i.Refresh()
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A record of what the gatekeeper has acted on. It is safe for concurrent use.
type record struct {
	mu    sync.Mutex
	begun time.Time // of the latest observation that was acted on
	news  broadcast
}

func (r *record) latest() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

func (r *record) add(o *observation) {
	r.mu.Lock()
	if o.begun.After(r.begun) {
		r.begun = o.begun
	}
	r.mu.Unlock()
	r.news.send()
}

// outOfTouch is why the last read of the control tables has failed; nil when it has not.
func (h *health) outOfTouch() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lost
}
