package proxy

import (
	"sync"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

// A queue is a pipeline that two goroutines share: the client's pushes what it sends, and waits for what is to come about;
// the server's hands in each response and is told what to do with it.
type queue struct {
	mu sync.Mutex
	pipeline

	ending  *wire.Error   // what the client is told when the session ends
	stop    error         // why the session must send nothing any more; nil while it may
	stopped chan struct{} // closed when stop is set
	waiting bool          // the client's goroutine wants a signal at the next change
	signal  chan struct{}
}

func (q *queue) init(status byte, read prepared.Reading) {
	q.pipeline.init(status, read)
	q.signal = make(chan struct{}, 1)
	q.stopped = make(chan struct{})
}

// respond takes note of a response, and wakes who waits for it.
func (q *queue) respond(kind byte, body []byte) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	v := q.pipeline.respond(kind, body)
	if q.changed {
		q.changed = false
		q.notify()
	}
	return v
}

func (q *queue) busyFor() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pipeline.busyFor()
}

func (q *queue) captures() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pipeline.captures()
}

func (q *queue) flying(tables map[catalog.OID]bool) (flying, flightMark) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pipeline.flying(tables)
}

func (q *queue) groupMayEnd() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pipeline.groupMayEnd()
}

func (q *queue) unseen(tables []catalog.OID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pipeline.unseen(tables)
}

// halt makes the client's goroutine stop before it sends anything more. The first reason stays.
func (q *queue) halt(why error) {
	q.mu.Lock()
	q.haltLocked(why)
	q.mu.Unlock()
}

func (q *queue) haltLocked(why error) {
	if q.stop == nil {
		q.stop = why
		close(q.stopped)
	}
	q.waiting = true
	q.notify()
}

// why tells why the session must stop.
func (q *queue) why() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stop
}

// notify wakes the client's goroutine if it waits for a change. q.mu is held.
func (q *queue) notify() {
	if !q.waiting {
		return
	}
	q.waiting = false
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// until blocks until condition, which is called with q.mu held, is true, or the session must stop.
func (q *queue) until(condition func() bool) error {
	for {
		q.mu.Lock()
		if q.stop != nil {
			defer q.mu.Unlock()
			return q.stop
		}
		if condition() {
			q.mu.Unlock()
			return nil
		}
		q.waiting = true
		q.mu.Unlock()
		<-q.signal
	}
}
