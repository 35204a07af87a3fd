package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seguedb/segue/rewrite"
)

// Limits of the HTTP server. Requests that wait and event streams move their own write deadline.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Config of a Server.
type Config struct {
	Control        Control
	WaitVersions   []string               // the instance is not ready before all of these versions are served
	Token          string                 // demanded as a Bearer token; "" allows loopback listeners only
	DefaultVersion string                 // in which POST /v1/rewrite binds without a version; "" is base
	Collectors     []prometheus.Collector // shown at /metrics beside the server's own
	Rewrite        rewrite.Options        // that sessions are served with, for POST /v1/rewrite; the cache is its own
	Pprof          bool                   // serve /debug/pprof/
	Program        string                 // version of the program, for the dashboard and /metrics
	Log            hclog.Logger
}

// A Server serves the API. All methods are safe for concurrent use.
type Server struct {
	cfg     Config
	log     hclog.Logger
	handler http.Handler
	http    *http.Server
	metrics *http.Server       // for ServeMetrics
	stop    context.CancelFunc // ends waiting requests and event streams
	streams chan struct{}      // a value for each event stream that is open
	conns   connections        // of http
	open    connections        // of metrics
	health  health
	preview preview
}

// New makes a server that does not listen yet. The control need not have been started: until its Ready is nil the
// probes say so.
func New(cfg Config) (*Server, error) {
	if cfg.Control == nil {
		return nil, errors.New("admin: no control is given")
	}
	s := &Server{cfg: cfg, log: cfg.Log, streams: make(chan struct{}, maxStreams),
		preview: preview{long: make(chan struct{}, 1)}}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	s.health.ready = s.ready
	metrics, err := s.metricsHandler()
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	mux := s.mux(s.routes(metrics))
	if cfg.Pprof {
		s.addPprof(mux)
	}
	s.handler = s.guard(mux)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = s.server(ctx, &s.conns, s.handler)
	s.metrics = s.server(ctx, &s.open, s.mux(s.openRoutes(metrics)))
	return s, nil
}

// server makes an HTTP server of a handler, whose requests end with ctx.
func (s *Server) server(ctx context.Context, c *connections, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.admit(c, h),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConn,
		ConnState:         c.watch,
		ErrorLog:          s.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// Handler is the whole API with its guards, for serving it by other means than Serve.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve accepts on l until Shutdown, and then returns nil. A listener that is not loopback is refused when no token
// is configured. Serve owns l.
func (s *Server) Serve(l net.Listener) error {
	if s.cfg.Token == "" && !isLoopback(l.Addr()) {
		err := fmt.Errorf("admin: %s can be reached from other machines, so a token is demanded "+
			"(give --admin-token-file, or listen on 127.0.0.1)", l.Addr())
		return errors.Join(err, l.Close())
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// ServeMetrics serves the metrics and probes on l, without a token, until Shutdown, and then returns nil. It owns l.
func (s *Server) ServeMetrics(l net.Listener) error {
	if err := s.metrics.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: metrics: %w", err)
	}
	return nil
}

// Shutdown ends waiting requests and event streams, lets the others finish until ctx ends, and closes the rest. That is
// no error: a browser may hold a connection that it has opened in advance and says nothing on.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	var errs []error
	for _, server := range []*http.Server{s.http, s.metrics} {
		if err := server.Shutdown(ctx); err != nil {
			s.log.Warn("connections that were not idle were cut off", "error", err)
			errs = append(errs, server.Close())
		}
	}
	return errors.Join(errs...)
}

func isLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
