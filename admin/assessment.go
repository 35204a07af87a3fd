package admin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// Assessment is the answer of GET /v1/migrations/{id}/assessment.
type Assessment struct {
	Findings []Finding `json:"findings"`
}

// A Finding is something to know before the next transition.
type Finding struct {
	ID       string `json:"id"`       // stable name of the kind of finding
	Severity string `json:"severity"` // error: the next transition is refused; warning; info
	Object   string `json:"object"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func (s *Server) getAssessment(w http.ResponseWriter, r *http.Request) error {
	st, err := s.cfg.Control.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	findings, err := s.assess(r.Context(), st)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, Assessment{Findings: list(findings)})
}

// assess gathers what is in the way of the migration, and what its plan says of locks.
func (s *Server) assess(ctx context.Context, st *migrate.Status) ([]Finding, error) {
	var out []Finding
	for _, b := range st.Blockers {
		out = append(out, Finding{
			ID: "blocked", Severity: "error", Object: fmt.Sprintf("pid %d", b.PID), Message: b.Why,
			Hint: "let it end, or end it with pg_terminate_backend",
		})
	}
	if p := st.Pending; p != nil && p.LastError != "" {
		out = append(out, Finding{
			ID: "last-attempt", Severity: "warning", Object: string(p.Kind), Message: p.LastError,
			Hint: "it is tried again by itself",
		})
	}
	if st.Phase == rules.Contracted {
		return out, nil
	}
	steps, err := s.cfg.Control.Plan(ctx, st.ID)
	if err != nil {
		return nil, err
	}
	for _, step := range steps {
		if step.SQL == "" || step.Lock == "" {
			continue
		}
		out = append(out, Finding{
			ID: "lock", Severity: "info", Object: step.SQL,
			Message: fmt.Sprintf("the transition to %s takes %s for an instant, behind the gate", step.Phase, step.Lock),
			Hint:    step.Note,
		})
	}
	return out, nil
}
