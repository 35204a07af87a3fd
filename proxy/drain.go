package proxy

import (
	"context"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// forcedTimeout bounds how long a client may take to accept that a shutdown has lost its patience.
const forcedTimeout = 2 * time.Second

// errLeft says that the session was ended because of the shutdown.
var errLeft = errDrain

// shutdownError is what the server itself says to its clients when it is shut down.
func shutdownError() *wire.Error {
	return wire.Fatal("57P01", "terminating connection due to administrator command")
}

// Shutdown stops accepting, lets open transactions finish within DrainTimeout or ctx, whichever ends first, closes
// idle sessions and then the rest with 57P01, and returns when the last one is gone. While it waits, new clients are
// told 57P03, and cancel requests are served.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	s.mu.Lock()
	if s.serving == 0 {
		s.signalIdle()
	}
	s.mu.Unlock()
	for _, sess := range s.list() {
		sess.drain(false)
	}
	patience, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
	defer cancel()
	select {
	case <-s.idle:
	case <-patience.Done():
	}
	s.closeListeners()
	s.cancel()
	for _, sess := range s.list() {
		sess.drain(true)
	}
	<-s.idle
	s.endLoops()
	return ctx.Err()
}

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.listeners {
		l.Close()
	}
	clear(s.listeners)
}

// drain ends the session if it is idle outside a transaction, or, by force, wherever it is.
func (s *session) drain(force bool) {
	if s.link.PassThrough {
		if force {
			s.link.Close()
		}
		return
	}
	if !s.part(force) {
		return
	}
	if force {
		s.cut()
		return
	}
	_ = s.server.SetReadDeadline(time.Unix(1, 0))
}

// cut stops the server's goroutine, which waits for the server, or writes to a client that may not read.
func (s *session) cut() {
	_ = s.server.SetReadDeadline(time.Unix(1, 0))
	_ = s.client.SetWriteDeadline(time.Now().Add(forcedTimeout))
}

// part stops the client's goroutine if the session may be ended, and tells whether it may.
func (s *session) part(force bool) bool {
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if !force && !(q.quiet() && q.status == wire.Idle && !q.retry.busy() && !q.series) || q.stop == errEnded {
		return false
	}
	q.ending = shutdownError()
	q.haltLocked(errDrain)
	return true
}

// leaveIfDraining ends the session when a shutdown waits for its transaction, and that is over.
func (s *session) leaveIfDraining() error {
	if s.srv.draining.Load() && s.part(false) {
		return errLeft
	}
	return nil
}
