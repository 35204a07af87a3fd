package proxy

import (
	"runtime"
	"sync"
	"time"

	"github.com/seguedb/segue/rewrite"
)

// longBinding is a text, in bytes, that can keep a processor for a time that others notice, if it is in no cache.
const longBinding = 8 << 10

// A binding is the work of the rewriter on a text of the session. A long text waits for its turn, and is given up when the
// client cancels it or goes away. It is of the client's goroutine.
type binding struct {
	s *session

	cancel  <-chan struct{}
	gone    <-chan error
	unwatch func()
	release func() // of the turn
	free    func() // of the memory
}

var _ rewrite.Work = (*binding)(nil)

// Postpones implements rewrite.Work. In a loop no text is bound.
func (w *binding) Postpones() bool { return w.s.looping }

// Begin implements rewrite.Work.
func (w *binding) Begin(size int) *rewrite.Error {
	if size < longBinding {
		return nil
	}
	w.cancel = w.s.binds.begin()
	w.gone, w.unwatch = w.s.watchClient()
	if !w.s.srv.turns.take(w.s.link.Request.User, w) {
		why := w.why()
		w.End()
		return why
	}
	return nil
}

// Needs implements rewrite.Work. It waits for memory with the turn in hand, so nobody waits for both at once.
func (w *binding) Needs(memory int) *rewrite.Error {
	if w.cancel == nil {
		return nil
	}
	if !w.s.srv.memory.take(memory, w) {
		return w.why()
	}
	return nil
}

// Spent implements rewrite.Work. The message at hand is decided again after each question, and its text bound again.
func (w *binding) Spent(sql string) *time.Duration {
	if d := &w.s.at.binding; d.text == sql {
		return &d.spent
	}
	w.s.at.binding = textBinding{text: sql}
	return &w.s.at.binding.spent
}

// A textBinding is what a text of the message at hand has taken of a processor.
type textBinding struct {
	text  string
	spent time.Duration
}

// Stopped implements rewrite.Work.
func (w *binding) Stopped() *rewrite.Error {
	if w.cancel == nil {
		return nil
	}
	select {
	case <-w.cancel:
	case err := <-w.gone:
		w.gone = failed(err)
	case <-w.s.queue.stopped:
	default:
		return nil
	}
	return w.why()
}

// End implements rewrite.Work.
func (w *binding) End() {
	if w.cancel == nil {
		return
	}
	if w.free != nil {
		w.free()
	}
	if w.release != nil {
		w.release()
	}
	w.unwatch()
	w.s.binds.end()
	*w = binding{s: w.s}
}

// why is the error of a text that was given up. Who has gone does not read it.
func (w *binding) why() *rewrite.Error {
	e := cancelError()
	return rewrite.Cancelled(e.Code, e.Message)
}

// failed is a channel that has the error again.
func failed(err error) <-chan error {
	c := make(chan error, 1)
	c <- err
	return c
}

// turns bounds how many long texts are bound at once: as many as there are processors, and half as many of one user, so
// that nobody can keep the others from it.
type turns struct {
	all     chan struct{}
	perUser int

	mu    sync.Mutex
	users map[string]*userTurns
}

// A userTurns is there as long as a text of the user waits or is bound.
type userTurns struct {
	slots chan struct{}
	wants int
}

func newTurns() *turns {
	n := max(2, runtime.GOMAXPROCS(0))
	return &turns{all: make(chan struct{}, n), perUser: n / 2, users: make(map[string]*userTurns)}
}

// take waits for the user's turn, and leaves it to the binding to release it; false when the binding was stopped.
func (t *turns) take(user string, w *binding) bool {
	t.mu.Lock()
	u := t.users[user]
	if u == nil {
		u = &userTurns{slots: make(chan struct{}, t.perUser)}
		t.users[user] = u
	}
	u.wants++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if u.wants--; u.wants == 0 {
			delete(t.users, user)
		}
	}
	if !w.until(u.slots) {
		leave()
		return false
	}
	if !w.until(t.all) {
		<-u.slots
		leave()
		return false
	}
	w.release = func() {
		<-t.all
		<-u.slots
		leave()
	}
	return true
}

// until waits for a slot; false when the binding was stopped.
func (w *binding) until(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-w.cancel:
	case err := <-w.gone:
		w.gone = failed(err)
	case <-w.s.queue.stopped:
	}
	return false
}
