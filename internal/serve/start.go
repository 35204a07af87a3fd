package serve

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/migrate"
)

// startEvery is the time between two tries to reach the server at start.
const startEvery = time.Second

// An opening is what clients that connect while the instance starts have to know. Its methods are safe for concurrent
// use.
type opening struct {
	tried chan struct{} // closed after the first try
	once  sync.Once
	err   atomic.Pointer[error] // of the last try; nil once the instance has started
}

func newOpening() *opening { return &opening{tried: make(chan struct{})} }

// outcome takes note of how a try went.
func (o *opening) outcome(err error) {
	if err == nil {
		o.err.Store(nil)
	} else {
		o.err.Store(&err)
	}
	o.once.Do(func() { close(o.tried) })
}

// unserved says why no client can be served yet. It waits for the first try, which takes milliseconds where the server answers.
func (o *opening) unserved() error {
	<-o.tried
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}

// startInstance starts the instance, and tries again for as long as the server cannot be reached or says that it is
// not ready for connections.
func startInstance(ctx context.Context, i *migrate.Instance, o *opening, log hclog.Logger) error {
	told, tries := reminder{}, 0
	for {
		err := i.Start(ctx)
		if err != nil {
			err = oneLine{err}
		}
		o.outcome(err)
		if err == nil || !unreachable(err) {
			return err
		}
		tries++
		switch first, again := told.due(err.Error(), tries); {
		case first:
			log.Warn("no client can be served yet, and it is tried again every "+startEvery.String(), "error", err)
		case again:
			log.Warn("still no client can be served", "tries", tries, "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startEvery):
		}
	}
}

// A reminder says when a reason is logged that stays the same: the first time, and then ever less often.
type reminder struct {
	last string
	next int // the number of the try at which it is said again
}

// due tells whether the reason of that try is a new one, or is to be said again.
func (r *reminder) due(reason string, try int) (first, again bool) {
	switch {
	case reason != r.last:
		r.last, r.next = reason, try+30
		return true, false
	case try < r.next:
		return false, false
	}
	r.next = 2 * try
	return false, true
}

// unreachable tells whether err may go away without a change here: nobody answers, no password can be had, or the server is
// starting up or shutting down (class 57P) or has no connection to spare (class 53), or its tables have names that cannot be
// served.
func unreachable(err error) bool {
	if _, ok := errors.AsType[*migrate.Outage](err); ok {
		return true // somebody has to change the database, and asks here what is wrong with it
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53")
	}
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok || errors.Is(err, errNoPassword)
}

// oneLine is an error whose words stand on one line: those of a failed connection have one for each address.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLine) Unwrap() error { return e.error }
