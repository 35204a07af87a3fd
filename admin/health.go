package admin

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/seguedb/segue/migrate"
)

// health answers the probes.
type health struct {
	ready  func() error
	served atomic.Bool // was ready once
	leaves atomic.Bool // drains
}

// Health is the answer of the probes.
type Health struct {
	Status string `json:"status"`
}

func alive() error { return nil }

// Drain makes the instance not ready from now on, because it is about to end. Everything else is served as before.
func (s *Server) Drain() { s.health.leaves.Store(true) }

// ready is nil when the instance may get traffic: it does not drain, is in touch with its control tables and serves the versions that
// it was told to wait for.
func (s *Server) ready() error {
	if s.health.leaves.Load() {
		return errors.New("the instance drains, and will end")
	}
	if err := s.cfg.Control.Ready(); err != nil {
		return err
	}
	for _, v := range s.cfg.WaitVersions {
		if !isServed(s.cfg.Control.Snapshot(), v) {
			return fmt.Errorf("version %q is not served yet", v)
		}
	}
	return nil
}

func (h *health) readiness() error {
	err := h.ready()
	if err == nil {
		h.served.Store(true)
	}
	return err
}

// started is nil from the first time on that the instance was ready.
func (h *health) started() error {
	if h.served.Load() {
		return nil
	}
	return h.readiness()
}

// probe answers 200 or 503. Why is told only to those who hold the token, because the probes need none.
func (s *Server) probe(check func() error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := check()
		if err == nil {
			return reply(w, http.StatusOK, Health{Status: "ok"})
		}
		p := &Problem{Status: http.StatusServiceUnavailable, Title: "Not ready", Detail: "the instance is not ready"}
		if s.authorized(r) {
			p.Detail = err.Error()
			if outage, ok := errors.AsType[*migrate.Outage](err); ok {
				p.Mend = outage.Mend
			}
		}
		return p
	}
}

// farFuture is no deadline at all.
func farFuture() time.Time { return time.Time{} }
