package proxy

import (
	"time"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// replay handles the messages of a group once more. It is called by the client's goroutine in state due: then the server
// has rejected the first message that does something, and discards the others up to Sync.
func (s *session) replay() error {
	kept, n, err := s.endFirstTry()
	if kept != nil {
		defer keptBuffers.Put(kept)
	}
	if err != nil {
		return err
	}
	s.keeping = false
	for _, t := range s.counted {
		s.uncount(t)
	}
	s.srv.metrics.retried.Inc()
	err = frames(kept[:n], func(f wire.Frame) error {
		s.frame = f
		return s.handle()
	})
	s.queue.mu.Lock()
	s.queue.retry.state = retryNone
	s.queue.mu.Unlock()
	if s.srv.draining.Load() {
		s.drain(false) // which may have been put off until now
	}
	return err
}

// endFirstTry takes the group over, and returns when the server owes nothing of it any more. The client sees none of it.
func (s *session) endFirstTry() (kept *[maxKept]byte, n int, err error) {
	q := &s.queue
	q.mu.Lock()
	r := &q.retry
	kept, n = r.kept, r.n
	*r = retry{state: retryUnderWay}
	_ = s.client.SetReadDeadline(time.Time{})
	if q.stop != nil {
		defer q.mu.Unlock()
		return kept, n, q.stop
	}
	for i := range q.ring.n { // at most the group's own Sync, sent after the decision had begun
		q.ring.at(i).flags |= hidden
	}
	open := q.unsynced
	if open {
		q.pipeline.push(expect{kind: wire.Sync, flags: hidden})
	}
	q.mu.Unlock()
	if open {
		_, err = s.server.Out.Write(wire.AppendSync(nil))
	}
	if err == nil {
		err = s.see(s.synced())
	}
	return kept, n, err
}

// uncount takes back what count has noted of a text that was not executed, as far as it was not added up since.
func (s *session) uncount(t *rewrite.Text) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uses[t] > 1 {
		s.uses[t]--
	} else {
		delete(s.uses, t)
	}
}
