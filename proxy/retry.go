package proxy

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A retry is a group of the client's messages that may have to be sent once more. The zero value is none.
//
// A statement may meet names that the snapshot in force does not know yet: this process was frozen while another instance
// cut over, say. The server then rejects it with 42703 or 42P01 while it analyses it, and nothing was executed. Its group
// is sent once more if the snapshot turns out to have been outdated.
//
// A group is what the server answers with one ReadyForQuery: a Query, or messages of the extended protocol up to Sync.
// One that begins while nothing is owed, outside a transaction, and while a migration is live, is kept until the first
// part of its answer is on its way to the client. If that first answer is the error, the server's goroutine holds it back
// and asks for the newest snapshot (retry_decide.go). With the same snapshot as before the client gets the error, and with
// another one the client's goroutine handles the kept messages once more, as if they had just come (retry_replay.go): they
// pass the gate, are bound anew, and take their places among the prepared statements.
//
// The two goroutines hand the group over under queue.mu:
//
//	none → kept → deciding → none                    the client gets the error
//	                       → due → under way → none  the kept messages are handled once more
//
// From deciding on no other message of the client's is handled: its goroutine, before the next one, waits until it is
// decided, and first does what is due. (A message of the group that is being handled at that time may still be sent: the
// server discards it, or it is the Sync, whose answer the client does not see.) When the goroutine waits for the client
// instead, it is woken by a read deadline; that is set only while it does so, and under queue.mu, so that no other read can
// meet it.
type retry struct {
	state   retryState
	kept    *[maxKept]byte // the group's messages, one behind the other; nil in states none and under way
	n       int
	whole   bool            // the message that ends the group is kept
	binder  *rewrite.Binder // that was in force when the group began
	reading bool            // the client's goroutine waits for the client's next message
}

type retryState byte

const (
	retryNone     retryState = iota
	retryKept                // a group is kept, and nothing of it was answered
	retryDeciding            // its error has come
	retryDue                 // it has to be sent once more
	retryUnderWay            // it is being sent once more
)

// maxKept bounds the messages of a group that is kept.
const maxKept = 64 << 10

var keptBuffers = sync.Pool{New: func() any { return new([maxKept]byte) }}

// opens tells whether a group that begins with such a message can be kept. A Close is answered before anything can fail.
func opens(kind byte) bool {
	switch kind {
	case wire.Query, wire.Parse, wire.Bind, wire.Describe:
		return true
	}
	return false
}

// continues tells whether such a message can belong to the group that another has begun.
func continues(kind byte) bool {
	switch kind {
	case wire.Parse, wire.Bind, wire.Describe, wire.Execute, wire.Close, wire.Sync, wire.Flush:
		return true
	}
	return false
}

// add keeps a message.
func (r *retry) add(f wire.Frame) {
	r.n += copy(r.kept[r.n:], f.Raw)
	r.whole = f.Type == wire.Query || f.Type == wire.Sync
}

// drop forgets the group.
func (r *retry) drop() {
	if r.kept != nil {
		keptBuffers.Put(r.kept)
	}
	*r = retry{reading: r.reading}
}

// busy tells whether the client is owed an answer although the server may owe none.
func (r *retry) busy() bool { return r.state > retryKept }

// answered takes note of a response. What the client sees of a group makes it too late for another try.
func (r *retry) answered(kind byte, v verdict) {
	if r.state != retryKept || v.action == swallow || v.postponed {
		return
	}
	if kind != wire.NotificationResponse && kind != wire.ParameterStatus {
		r.drop()
	}
}

// keep takes note of the client's message in s.frame, before it is handled. If the group before it is to be sent once more,
// that is done first: in a loop, where it must not wait for that, it does nothing and returns errElsewhere.
func (s *session) keep() error {
	f := &s.frame
	if !s.keeping && (s.srv.cfg.CatchUp == nil || !opens(f.Type) || !s.srv.epoch.Load().live) {
		return nil
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.looping && q.retry.busy() {
		return errElsewhere
	}
	q.retry.reading = false
	if q.retry.busy() || f.Rest > 0 && f.Size() <= maxKept && (opens(f.Type) || continues(f.Type)) {
		q.mu.Unlock()
		err := s.settleBefore()
		q.mu.Lock()
		if err != nil {
			return err
		}
	}
	now := s.srv.epoch.Load()
	switch r := &q.retry; {
	case r.state == retryKept && !r.whole && continues(f.Type) && f.Size() <= maxKept-r.n:
		r.add(*f)
	case r.state == retryKept:
		r.drop()
	case now.live && opens(f.Type) && f.Size() <= maxKept && q.quiet() && q.status == wire.Idle:
		r.state, r.binder = retryKept, now.binder
		r.kept = keptBuffers.Get().(*[maxKept]byte)
		r.add(*f)
		clear(s.counted)
		s.counted = s.counted[:0]
	}
	s.keeping = q.retry.state != retryNone
	return nil
}

// settleBefore does what keep cannot do at once: what is to be done before the message in s.frame, and reading the rest of
// that.
func (s *session) settleBefore() error {
	due, err := s.decided()
	if err != nil {
		return err
	}
	if due {
		next := own(s.frame)
		if err := s.replay(); err != nil {
			return err
		}
		s.frame = next
	}
	if s.frame.Size() > maxKept {
		return nil
	}
	return s.whole()
}

// settleLast does what is due after the client has gone: what it has sent is executed nevertheless, as by the server.
func (s *session) settleLast() error {
	due, err := s.decided()
	if due && err == nil {
		err = s.replay()
	}
	return err
}

// decided waits for a decision that is under way, and tells whether a group is to be sent once more.
func (s *session) decided() (due bool, err error) {
	if err := s.server.Out.Flush(); err != nil { // the Sync that the decision may wait for
		return false, err
	}
	q := &s.queue
	err = q.until(func() bool {
		due = q.retry.state == retryDue
		return q.retry.state != retryDeciding
	})
	return due, err
}

// listen is called before the client's goroutine waits for the client, while a group is kept. It tells whether that is to be
// sent once more instead.
func (s *session) listen() (due bool) {
	q := &s.queue
	q.mu.Lock()
	due = q.retry.state == retryDue
	q.retry.reading = !due && q.retry.state != retryNone
	s.keeping = q.retry.state != retryNone
	q.mu.Unlock()
	return due
}

// wakeReader makes the client's goroutine look at what is due. queue.mu is held.
func (s *session) wakeReader() {
	if s.queue.retry.reading {
		_ = s.client.SetReadDeadline(time.Unix(1, 0))
	}
	s.queue.notify()
}

// frames calls do with each of the messages.
func frames(messages []byte, do func(wire.Frame) error) error {
	for len(messages) > 0 {
		end := 1 + int(binary.BigEndian.Uint32(messages[1:]))
		raw := messages[:end:end]
		if err := do(wire.Frame{Type: raw[0], Raw: raw, Body: raw[5:]}); err != nil {
			return err
		}
		messages = messages[end:]
	}
	return nil
}
