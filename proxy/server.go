package proxy

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/loop"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// A Server accepts clients and opens one server connection for each. It implements migrate.Traffic: until the first
// Open or Suspend it serves as if nothing were live. All methods are safe for concurrent use.
type Server struct {
	cfg      Config
	log      hclog.Logger
	entrance *startup.Entrance
	metrics  *metrics
	turns    *turns  // of long texts to be bound
	memory   *memory // for them
	texts    *textBudget
	maxText  int // bytes of a text that is held

	remembered     atomic.Int64 // bytes of what sessions have prepared
	mostRemembered int64

	opening     sync.Mutex                                             // held by Open; only that makes another binder
	binderAfter func(*rewrite.Binder, *rules.Snapshot) *rewrite.Binder // makeBinder, but for tests

	epochMu   sync.Mutex // held while epoch is replaced, which loops do: nobody does so for long
	epoch     atomic.Pointer[epoch]
	strangers strangers
	landed    chan struct{} // gets a value when something of interest to Hold may have ended

	loops *loop.Group // nil: every session is served by goroutines; set before the first is

	ctx      context.Context // ends when Shutdown has lost its patience
	cancel   context.CancelFunc
	draining atomic.Bool
	ending   atomic.Pointer[migrate.Ending] // nil: no version ends
	warnings warnings

	mu        sync.Mutex
	listeners map[net.Listener]bool
	sessions  map[*session]bool
	serving   int           // connections, those in start-up included
	idle      chan struct{} // closed when draining and serving is 0
	orphans   usage         // uses of sessions that have ended
}

// Defaults of Config.
const (
	defaultDrainTimeout   = 30 * time.Second
	defaultHoldTimeout    = 30 * time.Second
	defaultCatchUpTimeout = 5 * time.Second // a lease: who has read nothing for longer holds statements back
)

// New checks the configuration and makes a server that does not listen yet.
func New(cfg Config) (*Server, error) {
	if cfg.DrainTimeout <= 0 {
		cfg.DrainTimeout = defaultDrainTimeout
	}
	if cfg.HoldTimeout <= 0 {
		cfg.HoldTimeout = defaultHoldTimeout
	}
	if cfg.CatchUpTimeout <= 0 {
		cfg.CatchUpTimeout = defaultCatchUpTimeout
	}
	if cfg.Versions.Default == "" {
		cfg.Versions.Default = rules.Base
	}
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	if cfg.Rewrite.Stats == nil {
		cfg.Rewrite.Stats = new(rewrite.Stats)
	}
	var err error
	s := &Server{
		cfg:       cfg,
		log:       cfg.Log,
		landed:    make(chan struct{}, 1),
		turns:     newTurns(),
		memory:    newMemory(),
		listeners: make(map[net.Listener]bool),
		sessions:  make(map[*session]bool),
		idle:      make(chan struct{}),
	}
	s.maxText = cmp.Or(cfg.Rewrite.MaxBytes, rewrite.DefaultMaxBytes)
	s.texts = newTextBudget(s.maxText)
	s.mostRemembered = rememberedTexts
	s.binderAfter = s.makeBinder
	s.metrics = newMetrics(s)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.epoch.Store(&epoch{changed: make(chan struct{})})
	s.entrance, err = startup.New(cfg.Config, startup.Hooks{Admit: s.admit, CancelHeld: s.cancelHeld, Settle: s.settle})
	if err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// Serve accepts on l until Shutdown, and then returns nil. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.draining.Load() {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners[l] = true
	s.mu.Unlock()
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(c)
		case s.draining.Load(), errors.Is(err, net.ErrClosed):
			return nil
		default: // out of file descriptors, or the client has gone already
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("cannot accept a connection", "error", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
			}
		}
	}
}

// startLoops starts them, unless they are there or there are to be none. s.mu is held, so that endLoops comes later.
func (s *Server) startLoops() {
	if s.loops != nil || s.cfg.Loops <= 0 || s.draining.Load() {
		return
	}
	var err error
	s.loops, err = loop.New(s.cfg.Loops)
	if err != nil && !errors.Is(err, loop.ErrNone) {
		s.log.Warn("each session is served by goroutines of its own", "error", err)
	}
}

// endLoops ends them when no session is left.
func (s *Server) endLoops() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loops != nil {
		s.loops.Close()
	}
}

// start serves a connection in a goroutine of its own.
func (s *Server) start(c net.Conn) {
	s.mu.Lock()
	s.startLoops()
	s.serving++
	s.mu.Unlock()
	go s.serve(c)
}

// serve serves a connection. It may return before that has ended.
func (s *Server) serve(c net.Conn) {
	l, err := s.entrance.Establish(s.ctx, c)
	if err != nil {
		var told *wire.Error
		if errors.As(err, &told) {
			s.log.Debug("a connection was refused", "client", c.RemoteAddr(), "error", err)
		} else {
			s.log.Trace("a connection has ended before it was authenticated", "client", c.RemoteAddr(), "reason", err)
		}
		s.finished()
		return
	}
	s.toLoop(l)
	sess := s.newSession(l)
	s.mu.Lock()
	s.sessions[sess] = true
	s.mu.Unlock()
	if s.draining.Load() {
		sess.drain(false)
	}
	if e := s.ending.Load(); e != nil {
		sess.dismiss(e)
	}
	if b := s.epoch.Load().binder; b != nil { // it may have moved since the session was let in
		sess.dismissStray(b.Snapshot())
	}
	_ = l.Open() // a client that has gone is noticed by whoever reads from it
	over := func() {
		l.Leave()
		s.finished()
	}
	if l.PassThrough {
		sess.passThrough(over)
		return
	}
	sess.run(over)
}

// finished counts a connection that has ended.
func (s *Server) finished() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving--
	if s.serving == 0 && s.draining.Load() {
		s.signalIdle()
	}
}

// signalIdle closes idle once. s.mu is held.
func (s *Server) signalIdle() {
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

// forget removes a session that has ended.
func (s *Server) forget(sess *session) {
	s.mu.Lock()
	delete(s.sessions, sess)
	s.orphans.add(sess)
	s.mu.Unlock()
	sess.queue.mu.Lock()
	open := sess.queue.makings
	sess.queue.makings = nil
	sess.forgetTexts()
	sess.queue.mu.Unlock()
	if len(open) > 0 {
		s.madeEnded(open)
	}
	s.metrics.ended.Add(sess.messages.Load())
	s.noteLanding()
}

// list returns the live sessions.
func (s *Server) list() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*session, 0, len(s.sessions))
	for sess := range s.sessions {
		out = append(out, sess)
	}
	return out
}

// Sessions implements migrate.Traffic.
func (s *Server) Sessions() []migrate.SessionInfo {
	sessions := s.list()
	out := make([]migrate.SessionInfo, 0, len(sessions))
	for _, sess := range sessions {
		if !sess.link.PassThrough {
			out = append(out, sess.info())
		}
	}
	slices.SortFunc(out, func(a, b migrate.SessionInfo) int { return int(a.PID) - int(b.PID) })
	return out
}

// noteLanding wakes Hold.
func (s *Server) noteLanding() {
	if s.epoch.Load().gated == nil {
		return
	}
	select {
	case s.landed <- struct{}{}:
	default:
	}
}

// schemaChanged says that relations may be different now. known, which may be nil, is called once the snapshot in force
// is one of a catalog that was read later.
func (s *Server) schemaChanged(known func()) {
	switch {
	case s.cfg.SchemaChanged != nil:
		s.cfg.SchemaChanged(known)
	case known != nil:
		known()
	}
}

// RenewTLS has connections to the server go by the roots and certificates of cfg from now on. Where the server is does not
// change. After an error all is as it was.
func (s *Server) RenewTLS(cfg startup.Upstream) error { return s.entrance.RenewTLS(cfg) }

// admit says why a session cannot be served; nil when it can.
func (s *Server) admit(r startup.Request) *wire.Error {
	if s.draining.Load() {
		return wire.Fatal("57P03", "the proxy is shutting down")
	}
	if r.Replication || r.Database != s.cfg.Upstream.Database {
		return nil
	}
	if s.cfg.Unserved != nil {
		if err := s.cfg.Unserved(); err != nil {
			return wire.Fatal("08006", "no session can be served yet: %v", err).WithHint("It is tried again all the time; connect again later.")
		}
	}
	version := r.Version
	if version == "" {
		version = s.cfg.Versions.versionFor(r.User, r.Application)
	}
	if err := s.admitEnding(version); err != nil {
		return err
	}
	return s.admitVersion(version)
}

var _ migrate.Traffic = (*Server)(nil)
