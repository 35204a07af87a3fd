package admin

import (
	"fmt"
	"net/http"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// Plan is the answer of GET /v1/migrations/{id}/plan: the DDL of each transition to come.
type Plan struct {
	Steps []migrate.Step `json:"steps"`
}

// Usage is the answer of GET /v1/migrations/{id}/usage.
type Usage struct {
	Usage []migrate.Usage `json:"usage"`
}

// Transitions is the answer of GET /v1/migrations/{id}/transitions, the newest last.
type Transitions struct {
	Events []migrate.Event `json:"events"`
}

// ExitSQL is the answer of GET /v1/migrations/{id}/exit-sql: a script for psql.
type ExitSQL struct {
	To  rules.Phase `json:"to"`
	SQL string      `json:"sql"`
}

func (s *Server) getPlan(w http.ResponseWriter, r *http.Request) error {
	steps, err := s.cfg.Control.Plan(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Plan{Steps: list(steps)})
}

func (s *Server) getUsage(w http.ResponseWriter, r *http.Request) error {
	usage, err := s.cfg.Control.Usage(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Usage{Usage: list(usage)})
}

func (s *Server) getTransitions(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := s.cfg.Control.Get(r.Context(), id); err != nil {
		return err
	}
	events, err := s.cfg.Control.Events(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Transitions{Events: list(events)})
}

func (s *Server) getExitSQL(w http.ResponseWriter, r *http.Request) error {
	to := rules.Phase(r.URL.Query().Get("to"))
	switch to {
	case rules.Contracted, rules.RolledBack, migrate.Purged:
	case "":
		to = rules.Contracted
	default:
		return badOption("to", string(to), fmt.Sprintf("the way out is to %s, to %s or to %s", rules.Contracted, rules.RolledBack, migrate.Purged))
	}
	sql, err := s.cfg.Control.ExitSQL(r.Context(), r.PathValue("id"), to)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, ExitSQL{To: to, SQL: sql})
}
