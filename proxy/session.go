package proxy

import (
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A session is one client connection and its server connection, after start-up. It has two sides: one relays what the
// client sends and decides about texts, one relays what the server sends. They meet in the queue only. Each side is served
// by a loop as long as nothing has to be waited for, and else by a goroutine of its own: see looped.go. Where it says that
// something is of a goroutine, it is of whoever serves that side.
type session struct {
	link           *startup.Link
	client, server *wire.Conn // the link's
	srv            *Server
	queue          queue
	address        string
	held           held
	binds          held // a long text that is being bound
	asks           held // many questions that its server is asked

	ends atomic.Int32 // sides that have not ended
	over func()       // called when both have

	// Of the client's goroutine.
	looping bool       // it is the loop's at the moment, and must not wait
	crowded bool       // too many answers are due to go on
	frame   wire.Frame // the client's message that is being handled
	holds   int        // bytes of the server's texts that it has
	state   sessionState
	at      deciding
	types   []uint32 // of the Parse that is being handled
	unnamed portal
	portals map[string]portal
	rewrote bool            // something was prepared in another text than the client's
	follows bool            // a Parse was of a text that prepares something by SQL
	typed   bool            // a Parse gave a parameter a type of which values are names
	inside  []*rewrite.Text // the last that may prepare something in a string, as DO does
	// What the account does not know was prepared before anything was live.
	unseenBefore  bool
	takesSnapshot bool            // the text at hand gives its transaction a snapshot, if it has none
	blind         bool            // something was sent without a look since the state was read
	keeping       bool            // queue.retry may hold something
	counted       []*rewrite.Text // since the group in queue.retry began
	series        *series         // the Query that is being sent in pieces; nil when there is none
	piece         *piece          // of it, the one that is being handled

	// Of the server's goroutine.
	passRows bool // the rows that follow belong to an answer that the client gets
	fields   []wire.Field
	columns  []rewrite.Column
	encoding string // client_encoding, as the server reports it
	plan     heldPlan
	late     *lateError // nil when no error is held back
	tag      heldTag
	altered  bool // relations may be different once the transaction has ended

	messages  atomic.Uint64 // that the client has sent
	handling  atomic.Bool   // some of what was read of the client's may not be sent yet
	staleHint atomic.Bool   // the server reported a change of a setting that matters
	rereads   atomic.Int64  // changes of settings that decide how texts are read

	remembered int // bytes that count for the server's remembered; guarded by queue.mu

	mu       sync.Mutex
	identity identity
	uses     map[*rewrite.Text]int64
	needs    []string // see migrate.SessionInfo
	refused  migrate.RefusedStatements
}

// identity is what a session is known by; it can change.
type identity struct {
	application string
	pinned      string // version; "" when unpinned
	unsure      bool   // it may have changed since
}

// run serves the session, and calls over when it has ended and both connections are closed. It may return earlier.
func (s *session) run(over func()) {
	s.over = over
	s.ends.Store(2)
	go s.driveServer(nil)
	s.driveClient(nil)
}

// driveClient serves the client's side, from first on, which may be nil, until it ends or the loop can go on.
func (s *session) driveClient(first func() error) {
	var err error
	if first != nil {
		err = first()
	}
	if err == nil {
		err = s.serveClient()
	}
	if err == errInLoop {
		return
	}
	s.queue.halt(errEnded)
	s.goodbye(err)
	s.ended()
}

// driveServer is driveClient of the server's side.
func (s *session) driveServer(first func() error) {
	var err error
	if first != nil {
		err = first()
	}
	if err == nil {
		err = s.serveServer()
	}
	if err == errInLoop {
		return
	}
	s.leave(err)
	s.ended()
}

// ended is called by each side when it has.
func (s *session) ended() {
	if s.ends.Add(-1) > 0 {
		return
	}
	s.srv.forget(s)
	s.over()
}

// Why a session must not send anything any more.
var (
	errEnded = errors.New("the session has ended")
	errDrain = errors.New("the proxy is shutting down")
)

// goodbyeTimeout bounds how long a side that is about to be closed may take to accept the last bytes.
const goodbyeTimeout = 5 * time.Second

// goodbye ends the server's side after the client's has ended: what the client sent is executed, as the server does for
// a client of its own that goes away, or that has sent a frame which cannot be right: both get no word (SocketBackend).
// Then the server closes, and leave follows.
//
// Behind part of a message nothing can be said, for the server would take it for the rest of that: it gets the end of the
// stream there, as it does from a client of its own.
func (s *session) goodbye(err error) {
	_ = s.server.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	cut := s.client.In.Partial()
	if !cut && !errors.Is(err, errTerminated) {
		_, _ = s.server.Out.Write(wire.AppendTerminate(nil))
	}
	if s.server.Out.Flush() != nil || cut && s.server.EndStream() != nil {
		s.server.Close()
	}
}

// leave ends the client's side after the server's has ended: the client gets what came, and then what there is to say.
func (s *session) leave(err error) {
	q := &s.queue
	q.mu.Lock()
	last := q.ending
	q.haltLocked(errEnded)
	q.mu.Unlock()
	var broken *wire.ProtocolError
	if last == nil && errors.As(err, &broken) {
		last = wire.Fatal("08P01", "the database server broke the protocol: %s", broken.Message)
	}
	var client clientError
	if !errors.As(err, &client) {
		patience := goodbyeTimeout
		if s.srv.ctx.Err() != nil {
			patience = forcedTimeout
		}
		_ = s.client.SetWriteDeadline(time.Now().Add(patience))
		_ = s.deliverLate()
		if last != nil && !errors.Is(err, errCut) {
			_, _ = s.client.Out.Write(last.AppendTo(nil))
		}
		_ = s.client.Out.Flush()
	}
	s.link.Close()
}

// passThrough copies bytes both ways, for sessions that are none of ours.
func (s *session) passThrough(over func()) {
	defer over()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(s.server.Conn, s.client.In)
		s.link.Close()
	}()
	_, _ = io.Copy(s.client.Conn, s.server.In)
	s.link.Close()
	<-done
	s.srv.forget(s)
}

// versionFor is the version that the session is pinned to: what it has set, else what the configuration says.
func (s *session) versionFor(set *string, application string) string {
	if set != nil && *set != "" {
		return *set
	}
	return s.srv.cfg.Versions.versionFor(s.link.Request.User, application)
}

// version is the one that the session is pinned to, as far as is known.
func (s *session) version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity.pinned
}

func (s *session) setIdentity(version, application string, unsure bool) {
	s.mu.Lock()
	s.identity = identity{application, version, unsure}
	s.mu.Unlock()
}

// setApplication follows application_name. It may decide the version, when that has not been chosen otherwise.
func (s *session) setApplication(name string) {
	s.mu.Lock()
	s.identity.application = name
	s.identity.unsure = s.identity.unsure || len(s.srv.cfg.Versions.Match) > 0
	s.mu.Unlock()
	if len(s.srv.cfg.Versions.Match) > 0 {
		s.staleHint.Store(true)
	}
}

// info is the session as it is shown.
func (s *session) info() migrate.SessionInfo {
	busy := s.queue.busyFor()
	s.mu.Lock()
	defer s.mu.Unlock()
	var refused *migrate.RefusedStatements
	if s.refused.Count > 0 {
		all := s.refused
		refused = &all
	}
	return migrate.SessionInfo{
		PID: s.link.PID, User: s.link.Request.User, Database: s.link.Request.Database, Application: s.identity.application,
		Client: s.address, Version: s.identity.pinned, Needs: slices.Clone(s.needs), Held: s.held.is(),
		TransactionSeconds: busy.Seconds(), Refused: refused,
	}
}

// newSession makes the session of an established link.
func (s *Server) newSession(l *startup.Link) *session {
	sess := &session{link: l, client: l.Client, server: l.Server, srv: s, address: l.Client.RemoteAddr().String()}
	sess.queue.init(l.Status, prepared.Reading{
		Encoding: l.Parameters["client_encoding"], Standard: l.Parameters["standard_conforming_strings"] != "off",
	})
	sess.encoding = l.Parameters["client_encoding"]
	pinned := l.Request.Version
	application, reported := l.Parameters["application_name"]
	if !reported {
		application = l.Request.Application
	}
	sess.identity.application = application
	sess.identity.pinned = sess.versionFor(&pinned, application)
	return sess
}
