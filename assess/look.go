package assess

import (
	"context"
	"slices"
	"strings"

	"github.com/seguedb/segue/rules"
)

// Look makes all checks. What the rule file waives is found as a note.
func Look(ctx context.Context, s *Subject) ([]Finding, error) {
	if s.Migration.Phase == rules.Contracted {
		return nil, nil
	}
	r := &report{ids: make(map[string]bool)}
	for _, h := range Hazards() {
		r.ids[h.ID] = true
	}
	for _, c := range checks() {
		if err := c.look(ctx, s, r); err != nil {
			return nil, err
		}
	}
	for n := range r.found {
		waive(&r.found[n], s.Migration.Waive)
	}
	return r.found, nil
}

// Refusing makes the checks that can refuse a transition, of some groups or of all, and returns what refuses that to s.To.
func Refusing(ctx context.Context, s *Subject, groups ...Group) ([]Finding, error) {
	r := new(report)
	for _, c := range checks() {
		if !c.refuses() || len(groups) > 0 && !slices.Contains(groups, c.hazards[0].Group) {
			continue
		}
		if err := c.look(ctx, s, r); err != nil {
			return nil, err
		}
	}
	return Blocking(r.found, s.To), nil
}

// Blocking lists those of the findings that keep the migration from getting to a phase.
func Blocking(found []Finding, to rules.Phase) []Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return !slices.Contains(f.Blocks, to) })
}

// Find makes the checks for one hazard only.
func Find(ctx context.Context, s *Subject, h *Hazard) ([]Finding, error) {
	r := new(report)
	for _, c := range checks() {
		if !slices.Contains(c.hazards, h) {
			continue
		}
		if err := c.look(ctx, s, r); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(r.found, func(f Finding) bool { return f.ID != h.ID }), nil
}

// A report gathers findings.
type report struct {
	found []Finding
	ids   map[string]bool // of all hazards, where all checks are made
}

// add takes a finding of a hazard, of which nothing need be said that the hazard says.
func (r *report) add(h *Hazard, about Object, f Finding) {
	f.ID, f.Group, f.About, f.Object = h.ID, h.Group, about, about.String()
	if f.Severity == "" {
		f.Severity = h.Severity
	}
	r.found = append(r.found, f)
}

// maxEach is how many sessions are told one by one for the same reason.
const maxEach = 10

// each takes a finding for each of the sessions, and one for all that are too many.
func (r *report) each(h *Hazard, sessions []Blocker, f func(Blocker) Finding) {
	for n, s := range sessions {
		if n == maxEach {
			rest := f(s)
			rest.Message, rest.Sessions = plural(len(sessions)-n, "more session", "more sessions")+" for the same reason", sessions[n:]
			r.add(h, Object{Kind: Backend, Name: "…"}, rest)
			return
		}
		one := f(s)
		one.Sessions = []Blocker{s}
		r.add(h, s.object(), one)
	}
}

// object is the session, or the prepared transaction.
func (b *Blocker) object() Object {
	if b.PID == 0 {
		return Object{Prepared, strings.TrimPrefix(b.Query, "PREPARE TRANSACTION ")}
	}
	return Object{Backend, number(b.PID)}
}

// waive makes a warning that the rule file accepts a note.
func waive(f *Finding, waivers []rules.Waiver) {
	i := slices.IndexFunc(waivers, func(w rules.Waiver) bool { return w.ID == f.ID && (w.Object == "" || w.Object == f.Object) })
	if i >= 0 && f.Severity == Warn {
		f.Severity, f.Waived = Note, waivers[i].Reason
	}
}
