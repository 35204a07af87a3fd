package proxy

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/seguedb/segue/proxy/startup"
)

// cancelHeld finds the session of a cancel request, and cancels its statement if that is held at a gate or being bound.
func (s *Server) cancelHeld(pid uint32, key []byte) startup.Cancelled {
	sess := s.withKey(pid, key)
	switch {
	case sess == nil:
		return startup.Foreign
	case sess.held.interrupt() || sess.binds.interrupt():
		return startup.Held
	}
	sess.asks.interrupt()
	return startup.Running
}

// withKey is the session whose client got that key; nil when there is none.
func (s *Server) withKey(pid uint32, key []byte) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sess := range s.sessions {
		if sess.link.PID == pid && subtle.ConstantTimeCompare(sess.link.Key, key) == 1 {
			return sess
		}
	}
	return nil
}

const (
	// settling bounds how long a cancel request waits for what its session's client has sent before: a question of ours may
	// be before that, and then it is that question which is cancelled.
	settling = 100 * time.Millisecond
	settled  = time.Millisecond // without anything on its way
)

// settle waits until what the client of a session has sent is at its server, or held here. A cancel request comes on another
// connection and could get there first, and a server that is idle ignores it.
func (s *Server) settle(ctx context.Context, pid uint32, key []byte) {
	sess := s.withKey(pid, key)
	if sess == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	look := time.NewTicker(settled)
	defer look.Stop()
	for quiet := 0; quiet < 2; quiet++ { // what was read just now may not be known to be handled the first time
		if sess.held.is() || sess.binds.is() || sess.asks.is() {
			return
		}
		if sess.client.Unread() || sess.handling.Load() {
			quiet = -1
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}
