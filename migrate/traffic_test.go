package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A traffic is a Traffic with clients that are functions: it obeys the gate as the proxy does, and watches the rules
// that an instance must keep when it opens.
type traffic struct {
	t  *testing.T
	id string // of the instance
	db *pgxpool.Pool

	mu        sync.Mutex
	changed   sync.Cond
	snap      *rules.Snapshot
	closed    []catalog.OID
	suspended bool
	outage    *Outage
	inFlight  int
	stuck     bool          // Hold waits for something that never ends
	onHold    func()        // called once, when the gate is closed
	opened    func()        // called each time after the gate was opened
	longest   time.Duration // that a statement was held
	slowest   time.Duration // that one took that was not
	log       []string
	sessions  []SessionInfo
	ending    *Ending
	deaf      bool // End does nothing
	uses      []UseCount
}

func newTraffic(t *testing.T, id string, db *pgxpool.Pool) *traffic {
	tr := &traffic{t: t, id: id, db: db}
	tr.changed.L = &tr.mu
	return tr
}

func (tr *traffic) Hold(ctx context.Context, tables []catalog.OID, _ HoldsLock) error {
	defer context.AfterFunc(ctx, tr.wake)()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.closed = tables
	tr.log = append(tr.log, "hold")
	if f := tr.onHold; f != nil {
		tr.onHold = nil
		f()
	}
	for tr.inFlight > 0 || tr.stuck {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tr.changed.Wait()
	}
	return nil
}

func (tr *traffic) wake() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.changed.Broadcast()
}

func (tr *traffic) Open(snap *rules.Snapshot) {
	tr.mu.Lock()
	held := tr.closed != nil
	tr.mu.Unlock()
	if held {
		// Nobody opens while what it has acknowledged may still be committed.
		var counted bool
		err := tr.db.QueryRow(context.Background(), `
			SELECT EXISTS (SELECT FROM segue.instance i JOIN segue.transition t ON i.acknowledged = t.attempt
			               WHERE i.id = $1 AND t.attempt <> 0 AND NOT i.expired)`, tr.id).Scan(&counted)
		if err != nil {
			tr.t.Errorf("%s: cannot check the outcome: %v", tr.id, err)
		}
		if counted {
			tr.t.Errorf("%s opened before it knew the outcome", tr.id)
		}
	}
	tr.mu.Lock()
	tr.snap, tr.closed, tr.suspended = snap, nil, false
	tr.log = append(tr.log, fmt.Sprintf("open %d", snap.Epoch))
	tr.changed.Broadcast()
	opened := tr.opened
	tr.mu.Unlock()
	if opened != nil {
		opened()
	}
}

func (tr *traffic) Suspend(why *Outage) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.suspended, tr.outage = true, why
	tr.log = append(tr.log, "suspend")
}

func (tr *traffic) End(e *Ending) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.ending = e
	if !tr.deaf {
		tr.sessions = slices.DeleteFunc(slices.Clone(tr.sessions), func(s SessionInfo) bool { return e.Of(s.Version) })
	}
}

func (tr *traffic) Sessions() []SessionInfo {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.sessions)
}

func (tr *traffic) Uses() []UseCount {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	uses := tr.uses
	tr.uses = nil
	return uses
}

// set changes the traffic under its lock.
func (tr *traffic) set(f func()) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	f()
	tr.changed.Broadcast()
}

func (tr *traffic) isSuspended() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.suspended
}

func (tr *traffic) epoch() int64 {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.snap.Epoch
}

func (tr *traffic) count(event string) int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	n := 0
	for _, e := range tr.log {
		if e == event {
			n++
		}
	}
	return n
}

// errGone says that the version is not served.
var errGone = errors.New("the version is not served")

// run executes what write makes of the version's lens of the one table under migration, as a client's statement does:
// it waits at the gate, and is in flight until it is over.
func (tr *traffic) run(ctx context.Context, version string, write func(*rules.TableLens) string) error {
	sql, err := tr.enter(version, write)
	if err != nil {
		return err
	}
	began := time.Now()
	_, err = tr.db.Exec(ctx, sql)
	tr.set(func() {
		tr.inFlight--
		tr.slowest = max(tr.slowest, time.Since(began))
	})
	return err
}

func (tr *traffic) enter(version string, write func(*rules.TableLens) string) (string, error) {
	began := time.Now()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for tr.closed != nil || tr.suspended {
		tr.changed.Wait()
	}
	tr.longest = max(tr.longest, time.Since(began))
	lens := tr.snap.Lens(version)
	if lens == nil {
		return "", errGone
	}
	tr.inFlight++
	return write(lens.Tables[0]), nil
}
