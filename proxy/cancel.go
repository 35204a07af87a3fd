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

// lookEvery is how often is looked at what a cancel request waits for.
const lookEvery = time.Millisecond

// settle waits until what the client of a session has sent is at its server, or held here. A cancel request comes on another
// connection and could get there first. See startup.Hooks.
func (s *Server) settle(ctx context.Context, pid uint32, key []byte) (heeded func(context.Context) bool) {
	sess := s.withKey(pid, key)
	if sess == nil {
		return func(context.Context) bool { return true }
	}
	if !sess.awaitSent(ctx) {
		return nil
	}
	before := sess.progress()
	return func(ctx context.Context) bool { return sess.heeded(ctx, before) }
}

// awaitSent waits until what the client has sent is at the server, or held here. false: it is not.
func (s *session) awaitSent(ctx context.Context) bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for quiet := 0; quiet < 2; quiet++ { // of a TLS connection, what was read just now may not be known the first time
		if s.held.is() || s.binds.is() || s.asks.is() {
			return true
		}
		if s.client.Unread() || s.client.In.Fresh() || s.handling.Load() { // in the order in which a message comes by
			quiet = -1
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// A progress is how far a session has come.
type progress struct {
	messages  uint64 // of the client's, handled or not
	responses uint64 // of the server's
	idle      bool   // the server has answered everything
}

func (s *session) progress() progress {
	p := progress{messages: s.messages.Load()}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	p.responses, p.idle = s.queue.responses, s.queue.answered()
	return p
}

// heeded waits until the server says something since before, or has nothing left to do. false: it may have ignored a cancel
// request that was sent after before, or the client's message was not there yet.
func (s *session) heeded(ctx context.Context, before progress) bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		switch now := s.progress(); {
		case now.responses != before.responses:
			return true
		case now.idle:
			return now.messages == before.messages
		}
		select {
		case <-look.C:
		case <-s.queue.stopped:
			return true
		case <-ctx.Done():
			return false
		}
	}
}
