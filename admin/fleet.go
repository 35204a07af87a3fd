package admin

import (
	"net/http"

	"github.com/seguedb/segue/migrate"
)

// Instances is the answer of GET /v1/instances: the fleet.
type Instances struct {
	Instances []migrate.InstanceInfo `json:"instances"`
}

// Sessions is the answer of GET /v1/sessions: those of this instance.
type Sessions struct {
	Sessions []migrate.SessionInfo `json:"sessions"`
}

// overview answers GET /v1/status.
func (s *Server) overview(w http.ResponseWriter, r *http.Request) error {
	o, err := s.cfg.Control.Overview(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, o)
}

func (s *Server) listInstances(w http.ResponseWriter, r *http.Request) error {
	all, err := s.cfg.Control.Instances(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Instances{Instances: list(all)})
}

func (s *Server) listSessions(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, Sessions{Sessions: list(s.cfg.Control.Sessions())})
}
