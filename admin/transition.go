package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// maxWait is the longest that a transition request may wait for its outcome.
const maxWait = 15 * time.Minute

// TransitionOptions is the body of a transition request; each key may be a query parameter instead, which wins.
type TransitionOptions struct {
	To          string `json:"to,omitempty"` // of a rollback: active or rolled_back
	Force       bool   `json:"force,omitempty"`
	Reason      string `json:"reason,omitempty"`
	AllowBypass bool   `json:"allow_bypass,omitempty"`
	EndSessions bool   `json:"end_sessions,omitempty"`
	Deadline    string `json:"deadline,omitempty"` // a duration after which it is given up
	Wait        string `json:"wait,omitempty"`     // a duration to wait for the outcome

	AcceptDifferences []string `json:"accept_differences,omitempty"` // names of indexes and CHECKs

	Source string `json:"source,omitempty"` // of an amend: the corrected file
	File   string `json:"file,omitempty"`   // and its name, for messages
}

// A transitionKind is one verb, with the options that only it has.
type transitionKind struct {
	kind migrate.Kind
	own  []string
	body []string // that are too long for a query
}

var transitions = []transitionKind{
	{kind: migrate.Activate},
	{kind: migrate.Cutover, own: []string{"accept_differences"}},
	{kind: migrate.Contract, own: []string{"allow_bypass", "end_sessions"}},
	{kind: migrate.Rollback, own: []string{"to", "end_sessions"}},
	{kind: migrate.Purge},
	{kind: migrate.Amend, body: []string{"source", "file"}},
}

func (t transitionKind) options() []string {
	return append(slices.Clone(t.own), "force", "reason", "deadline", "wait")
}

// limit is how long the body of a request may be.
func (t transitionKind) limit() int64 {
	if len(t.body) > 0 {
		return 2 * maxRuleFile // in JSON some characters take two bytes
	}
	return maxOptions
}

// transition answers 200 when the phase is reached, 202 while it is still tried, and 409 when it is refused.
func (s *Server) transition(t transitionKind) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var o TransitionOptions
		if err := readJSON(w, r, t.limit(), &o); err != nil {
			return err
		}
		if err := o.override(r.URL.Query()); err != nil {
			return err
		}
		req, wait, err := o.request(t)
		if err != nil {
			return err
		}
		req.Actor = actor(r)
		id := r.PathValue("id")
		if err := s.cfg.Control.Request(r.Context(), id, req); err != nil {
			return err
		}
		st, err := s.outcome(w, r, id, wait)
		if err != nil {
			return err
		}
		switch {
		case req.Reached(st):
			return reply(w, http.StatusOK, st)
		case st.Pending == nil || st.Pending.Kind != req.Kind:
			return overtaken(st, req)
		default:
			w.Header().Set("Location", "/v1/migrations/"+url.PathEscape(id))
			return reply(w, http.StatusAccepted, st)
		}
	}
}

// overtaken says that what was asked for is neither reached nor tried any more: somebody has asked for something else.
func overtaken(st *migrate.Status, r migrate.Request) error {
	e := &migrate.ConflictError{
		Message: fmt.Sprintf("%s of %q is not being tried any more, and it is %s", r.Kind, st.ID, strings.ReplaceAll(string(st.Phase), "_", " ")),
		Hint:    fmt.Sprintf("GET /v1/migrations/%s/transitions tells who has asked for what", st.ID),
		HintCLI: fmt.Sprintf("segue history %s tells who has asked for what", st.ID),
	}
	if st.Pending != nil {
		e.Message += fmt.Sprintf("; %s is tried in its place", st.Pending.Kind)
	}
	return e
}

// within gives a request so much time for what it asks, and as long as any other to be answered then.
func within(w http.ResponseWriter, r *http.Request, limit time.Duration) (context.Context, context.CancelFunc, error) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	return ctx, cancel, nil
}

// outcome waits for the end of the pending transition, but not longer than asked for: then it is the state as it is.
func (s *Server) outcome(w http.ResponseWriter, r *http.Request, id string, wait time.Duration) (*migrate.Status, error) {
	if wait > 0 {
		ctx, cancel, err := within(w, r, wait)
		if err != nil {
			return nil, err
		}
		defer cancel()
		st, err := s.cfg.Control.Wait(ctx, id)
		if ctx.Err() == nil || (err == nil && st != nil) {
			return st, err
		}
	}
	return s.cfg.Control.Get(context.WithoutCancel(r.Context()), id)
}

// override takes the query parameters into the options. Unknown ones were refused before.
func (o *TransitionOptions) override(q url.Values) error {
	texts := map[string]*string{"to": &o.To, "reason": &o.Reason, "deadline": &o.Deadline, "wait": &o.Wait}
	flags := map[string]*bool{"force": &o.Force, "allow_bypass": &o.AllowBypass, "end_sessions": &o.EndSessions}
	for key := range q {
		if p := texts[key]; p != nil {
			*p = q.Get(key)
		}
		if key == "accept_differences" {
			o.AcceptDifferences = q[key]
		}
		if p := flags[key]; p != nil {
			v, err := strconv.ParseBool(q.Get(key))
			if err != nil {
				return badOption(key, q.Get(key), "give true or false")
			}
			*p = v
		}
	}
	return nil
}

// request checks the options against the verb.
func (o *TransitionOptions) request(t transitionKind) (migrate.Request, time.Duration, error) {
	req := migrate.Request{
		Kind: t.kind, Force: o.Force, Reason: o.Reason, AllowBypass: o.AllowBypass, EndSessions: o.EndSessions,
		AcceptDifferences: o.AcceptDifferences, Source: o.Source, File: o.File,
	}
	given := map[string]bool{
		"to": o.To != "", "allow_bypass": o.AllowBypass, "end_sessions": o.EndSessions, "accept_differences": len(o.AcceptDifferences) > 0,
		"source": o.Source != "", "file": o.File != "",
	}
	for _, key := range []string{"to", "allow_bypass", "end_sessions", "accept_differences", "source", "file"} {
		if given[key] && !slices.Contains(t.own, key) && !slices.Contains(t.body, key) {
			return req, 0, &Problem{
				Status: http.StatusBadRequest, Detail: fmt.Sprintf("%s has no option %q", t.kind, key),
			}
		}
	}
	switch to := rules.Phase(o.To); to {
	case "", rules.RolledBack:
	case rules.Active:
		req.To = to
	default:
		return req, 0, badOption("to", o.To, "a rollback goes to active or to rolled_back")
	}
	if t.kind == migrate.Amend && o.Source == "" {
		return req, 0, &Problem{
			Status: http.StatusBadRequest, Detail: "source is missing",
			Hint: "give the whole rule file, with the corrected expressions",
		}
	}
	if o.Force && o.Reason == "" {
		return req, 0, &Problem{
			Status: http.StatusBadRequest, Detail: "force is given without a reason",
			Hint: "say in reason why the refusal is wrong here: it is kept in the audit",
		}
	}
	var err error
	if req.Deadline, err = duration("deadline", o.Deadline); err != nil {
		return req, 0, err
	}
	wait, err := duration("wait", o.Wait)
	if err != nil {
		return req, 0, err
	}
	if wait > maxWait {
		return req, 0, badOption("wait", o.Wait, fmt.Sprintf("wait at most %s, and ask again", maxWait))
	}
	return req, wait, nil
}

func duration(key, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, badOption(key, text, "give a duration such as 30s or 5m")
	}
	return d, nil
}

func badOption(key, value, hint string) *Problem {
	return &Problem{
		Status: http.StatusBadRequest, Detail: fmt.Sprintf("%s cannot be %q", key, value), Hint: hint,
	}
}

// brake answers the limits of a backfill.
func (s *Server) brake(w http.ResponseWriter, r *http.Request) error {
	var b migrate.Brakes
	if err := readJSON(w, r, maxOptions, &b); err != nil {
		return err
	}
	if key, hint := b.Check(); key != "" {
		return &Problem{Status: http.StatusBadRequest, Detail: key + " cannot be meant so", Hint: hint}
	}
	return s.backfill(func(ctx context.Context, id, actor string) error { return s.cfg.Control.Brake(ctx, id, b, actor) })(w, r)
}

// backfill answers pause and resume.
func (s *Server) backfill(do func(ctx context.Context, id, actor string) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		if err := do(r.Context(), id, actor(r)); err != nil {
			return err
		}
		st, err := s.cfg.Control.Get(r.Context(), id)
		if err != nil {
			return err
		}
		return reply(w, http.StatusOK, st)
	}
}
