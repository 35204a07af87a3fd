package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// TypeUnreachable is the type of the problem that the instance, or its database, cannot be reached.
const TypeUnreachable = "urn:segue:problem:unreachable"

// A Problem is an error as clients see it: an RFC 9457 problem document with our own members after status and detail.
type Problem struct {
	Type     string            `json:"type"` // about:blank where the status says it all, else urn:segue:problem:…
	Title    string            `json:"title"`
	Status   int               `json:"status"`
	Detail   string            `json:"detail,omitempty"` // one sentence about this case
	Hint     string            `json:"hint,omitempty"`   // what to do
	HintCLI  string            `json:"hint_cli,omitempty"`
	Allowed  []migrate.Kind    `json:"allowed,omitempty"`
	Missing  []string          `json:"missing,omitempty"` // proofs that a contract lacks
	Blockers []migrate.Blocker `json:"blockers,omitempty"`
	Mend     []string          `json:"mend,omitempty"`   // statements that take away the cause, in order
	Errors   rules.FileErrors  `json:"errors,omitempty"` // mistakes in a rule file
}

// Error implements error.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// problemOf finds the problem that an error of the control is.
func problemOf(err error) *Problem {
	var p *Problem
	var conflict *migrate.ConflictError
	var mistake *rules.FileError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &conflict):
		return &Problem{
			Type: "urn:segue:problem:conflict", Title: "Refused", Status: http.StatusConflict,
			Detail: conflict.Message, Hint: conflict.Hint, HintCLI: conflict.HintCLI,
			Allowed: conflict.Allowed, Missing: conflict.Missing, Blockers: conflict.Blockers, Mend: conflict.Mend,
		}
	case errors.As(err, &mistake):
		all := rules.FileErrors{mistake}
		_ = errors.As(err, &all)
		return &Problem{
			Type: "urn:segue:problem:rule-file", Title: "Mistake in the rule file", Status: http.StatusUnprocessableEntity,
			Detail: mistake.Error(), Hint: "nothing was stored", Errors: all,
		}
	case errors.Is(err, migrate.ErrNotFound):
		return &Problem{
			Type: "urn:segue:problem:migration-not-found", Title: "Migration not found", Status: http.StatusNotFound,
			Detail: err.Error(), Hint: "GET /v1/migrations tells what is stored", HintCLI: "segue list tells what is stored",
		}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Problem{
			Status: http.StatusServiceUnavailable,
			Detail: "the request ended before the answer was there",
			Hint:   "ask again; a transition that was asked for goes on by itself",
		}
	}
	return &Problem{Status: http.StatusInternalServerError, Detail: err.Error()}
}

// unreached says in one sentence that the database could not be reached, if that is what is wrong.
func (s *Server) unreached(p *Problem, err error) {
	if p.Status != http.StatusInternalServerError {
		return
	}
	if e := s.cfg.Control.Unreached(err); e != nil {
		p.Type, p.Title, p.Status, p.Detail, p.Hint = TypeUnreachable, "Unreachable", http.StatusServiceUnavailable, e.Error(), e.Hint()
	}
}

// outOfTouch makes an error that nobody has foreseen a passing one while the instance is not ready, and says why it is not
// unless the error does.
func (s *Server) outOfTouch(p *Problem) {
	if p.Status != http.StatusInternalServerError {
		return
	}
	reason := s.cfg.Control.Ready()
	if reason == nil {
		return
	}
	p.Status = http.StatusServiceUnavailable
	outage := s.cfg.Control.Outage()
	if outage != nil {
		p.Mend = outage.Mend
	}
	if outage == nil || outage.Kind != migrate.WrongNames {
		p.Type, p.Title = TypeUnreachable, "Unreachable"
	}
	if p.Hint == "" && !strings.Contains(p.Detail, reason.Error()) && !strings.Contains(reason.Error(), p.Detail) {
		p.Hint = "the instance is not ready: " + reason.Error()
	}
}

// suggest names the migration that was probably meant by an id that is not stored.
func (s *Server) suggest(p *Problem, r *http.Request) {
	id := r.PathValue("id")
	if p.Status != http.StatusNotFound || id == "" {
		return
	}
	all, err := s.cfg.Control.List(r.Context())
	if err != nil {
		return // the problem itself is answered all the same
	}
	var ids []string
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	if meant := rules.Closest(id, ids); meant != "" {
		p.Hint = fmt.Sprintf("did you mean %s? %s", meant, p.Hint)
		p.HintCLI = fmt.Sprintf("did you mean %s? segue list shows all", meant)
	}
}

// fail answers with the problem that err is, and logs those that are ours.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := *problemOf(err)
	s.unreached(&p, err)
	s.outOfTouch(&p)
	s.suggest(&p, r)
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	if p.Status >= http.StatusInternalServerError && p.Status != http.StatusServiceUnavailable {
		s.log.Error("an admin request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="segue"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, p.Status, p)
}

// reply answers with v as JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, status, v)
	return nil
}

// writeJSON ignores the error of writing: the status is sent, and a client that has gone needs no answer.
func writeJSON(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}
