package admin

import (
	"net/http"
	"time"

	"github.com/seguedb/segue/assess"
)

// Assessment is the answer of GET /v1/migrations/{id}/assessment and POST /v1/assessment.
type Assessment struct {
	Findings []assess.Finding `json:"findings"`
}

// assessTime is how long an assessment may take: of a draft with many changes the server is asked about each of their expressions.
const assessTime = 5 * time.Minute

func (s *Server) getAssessment(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel, err := within(w, r, assessTime)
	if err != nil {
		return err
	}
	defer cancel()
	found, err := s.cfg.Control.Assess(ctx, r.PathValue("id"))
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
	ctx, cancel, err := within(w, r, assessTime)
	if err != nil {
		return err
	}
	defer cancel()
	found, err := s.cfg.Control.AssessFile(ctx, file, body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Assessment{Findings: list(found)})
}
