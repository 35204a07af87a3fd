package proxy

import (
	"context"
	"strings"
	"time"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// errDismissed says that the session's version ends.
var errDismissed = errDrain

// dismissTimeout bounds how long a server may take to answer a CancelRequest.
const dismissTimeout = 5 * time.Second

// End implements migrate.Traffic.
func (s *Server) End(e *migrate.Ending) {
	s.ending.Store(e)
	if e == nil {
		return
	}
	for _, sess := range s.list() {
		sess.dismiss(e)
	}
}

// dismiss ends the session if its version ends, wherever it is: the client is told as by pg_terminate_backend, and the server
// is asked to cancel what it is at, because it would notice only afterwards that its client has gone. That takes no right
// but the key that the session was given.
func (s *session) dismiss(e *migrate.Ending) {
	if s.link.PassThrough || !s.endsBy(e) {
		return
	}
	last := shutdownError()
	last.Detail = "Its schema version ends by " + e.Why + "."
	if version := s.version(); version != "" {
		last.Detail = "Schema version \"" + version + "\" ends by " + e.Why + "."
	}
	last.Hint = "Connect again as a version that stays."
	s.endWith(last, e.Why)
}

// endWith ends the session with an error for its client.
func (s *session) endWith(last *wire.Error, why string) {
	q := &s.queue
	q.mu.Lock()
	over := q.stop != nil
	if !over {
		q.ending = last
		q.haltLocked(errDismissed)
	}
	q.mu.Unlock()
	if over {
		return
	}
	s.srv.log.Info("a session is ended", "pid", s.link.PID, "user", s.link.Request.User, "version", s.version(), "because", why)
	s.cut()
	if len(s.link.Key) > 0 {
		go s.cancelStatement()
	}
}

// dismissStray ends a session that was started as a version which a snapshot does not serve, if nothing is live in it: no statement
// is looked at then, or it is not known for old, and a name may mean another column than that version knows it for. Such sessions are those that were let in
// while their version was ending.
func (s *session) dismissStray(snap *rules.Snapshot) {
	if s.link.PassThrough || !endsStrays(snap) {
		return
	}
	s.mu.Lock()
	version := s.identity.pinned
	s.mu.Unlock()
	if why := s.srv.admitVersionIn(snap, version); why != nil {
		last := shutdownError()
		last.Detail, last.Hint = upper(why.Message)+".", why.Hint
		s.endWith(last, why.Message)
	}
}

// endsStrays tells whether a version can have ended in the snapshot without an error for who goes on in it.
func endsStrays(snap *rules.Snapshot) bool {
	why, _ := snap.BaseEnded(rules.Base)
	return !snap.Live() || why != ""
}

// dismissStrays is dismissStray for all sessions.
func (s *Server) dismissStrays(snap *rules.Snapshot) {
	if !endsStrays(snap) {
		return
	}
	for _, sess := range s.list() {
		sess.dismissStray(snap)
	}
}

// upper is a sentence that begins with a capital.
func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// endsBy tells whether the session's version ends, or one that it uses names of without having chosen it.
func (s *session) endsBy(e *migrate.Ending) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.Of(s.identity.pinned) || s.identity.pinned == "" && e.OfNeeds(s.needs)
}

// cancelStatement has the server cancel what the session is at. When it is at nothing, nothing happens.
func (s *session) cancelStatement() {
	ctx, cancel := context.WithTimeout(s.srv.ctx, dismissTimeout)
	defer cancel()
	err := s.srv.entrance.Cancel(ctx, s.link.PID, s.link.Key)
	if err != nil {
		s.srv.log.Warn("the statement of a session that is ended could not be cancelled", "pid", s.link.PID, "error", err)
	}
}

// admitEnding says why a session cannot be served whose version ends; nil when it can.
func (s *Server) admitEnding(version string) *wire.Error {
	e := s.ending.Load()
	if !e.Of(version) {
		return nil
	}
	return wire.Fatal("57P03", "schema version %q is not served: it ends by %s", version, e.Why).
		WithHint("Connect as a version that stays, or again later.")
}
