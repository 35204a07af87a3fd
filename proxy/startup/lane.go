package startup

import (
	"context"
	"errors"
	"sync"
)

// errNoRoom is why a cancel request was dropped.
var errNoRoom = errors.New("too many cancel requests wait")

// Bounds of cancel requests. PostgreSQL starts a process for each, and nobody proves anything before it does. So those that
// bear the key of a session of this instance, which only its client can know, do not wait behind others.
const (
	ownCancels  = 8  // under way at one time, for sessions of this instance
	ownWaiting  = 96 // and that wait; the newest beyond it is dropped
	ownRepeated = 4  // of those for one session

	// With other keys: of another instance's sessions, of sessions that have ended, or guessed.
	foreignCancels = 4
	foreignWaiting = 16

	repeatedCancels = 32 // that were sent, and may have to be sent again
	cancelRepeats   = 6  // of one
)

// CancelDescriptors is how many files cancel requests keep open at most.
const CancelDescriptors = 2*(ownCancels+foreignCancels) + ownWaiting + foreignWaiting + repeatedCancels

// A lane lets so many requests go on at one time, while others wait. It is safe for concurrent use.
type lane struct {
	slots chan struct{}
	room  int // for those that wait

	mu      sync.Mutex
	waiting int
	due     map[uint32]*dueCancel // by PID, where requests of one session are one; nil: each is by itself
}

// A dueCancel is a request that has not been sent yet. Another one for the same session would do the same, and shares it.
type dueCancel struct {
	done     chan struct{} // closed when it has been served
	err      error
	repeated int // how many others wait for it
}

func newLane(slots, room int, shared bool) *lane {
	l := &lane{slots: make(chan struct{}, slots), room: room}
	if shared {
		l.due = make(map[uint32]*dueCancel)
	}
	return l
}

// do serves a request of the session with that PID when its turn has come, or waits for one like it that is not sent yet.
func (l *lane) do(ctx context.Context, pid uint32, serve func() error) error {
	l.mu.Lock()
	d := l.due[pid]
	if l.waiting >= l.room || d != nil && d.repeated >= ownRepeated {
		l.mu.Unlock()
		return errNoRoom
	}
	l.waiting++
	if d != nil {
		d.repeated++
		l.mu.Unlock()
		return l.share(ctx, d)
	}
	d = &dueCancel{done: make(chan struct{})}
	if l.due != nil {
		l.due[pid] = d
	}
	l.mu.Unlock()
	defer close(d.done)
	d.err = l.turn(ctx, pid)
	if d.err != nil {
		return d.err
	}
	defer func() { <-l.slots }()
	d.err = serve()
	return d.err
}

// share waits for a request that is the same one.
func (l *lane) share(ctx context.Context, d *dueCancel) error {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.waiting--
	}()
	select {
	case <-d.done:
		return d.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turn waits for a slot. From then on the request is no longer due.
func (l *lane) turn(ctx context.Context, pid uint32) error {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.waiting--
		delete(l.due, pid)
	}()
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
