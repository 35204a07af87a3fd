package admin

import (
	"net/http"

	"github.com/seguedb/segue/assess"
)

// Assessment is the answer of GET /v1/migrations/{id}/assessment and POST /v1/assessment.
type Assessment struct {
	Findings []assess.Finding `json:"findings"`
}

func (s *Server) getAssessment(w http.ResponseWriter, r *http.Request) error {
	found, err := s.cfg.Control.Assess(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Assessment{Findings: list(found)})
}

// assessFile takes a rule file as body, as createMigration does, and stores nothing.
func (s *Server) assessFile(w http.ResponseWriter, r *http.Request) error {
	file, body, err := ruleFile(w, r)
	if err != nil {
		return err
	}
	found, err := s.cfg.Control.AssessFile(r.Context(), file, body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Assessment{Findings: list(found)})
}
