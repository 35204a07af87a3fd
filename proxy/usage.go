package proxy

import (
	"cmp"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// maxTexts bounds the different texts that a session counts before they are added up.
const maxTexts = 1024

// usage adds up what was used, by all that the report tells apart. The zero value is empty.
type usage struct {
	counts map[useKey]*migrate.UseCount
}

type useKey struct {
	version      string
	table        catalog.OID
	name, column string
	user, app    string
	ambiguous    bool
}

// count takes note that a text is executed.
func (s *session) count(t *rewrite.Text) {
	s.noteRefused(t)
	if len(t.Tables) == 0 {
		return
	}
	if s.keeping {
		s.counted = append(s.counted, t)
	}
	defaults := rules.Base
	if s.state.session != nil {
		defaults = cmp.Or(s.state.session.Default, defaults)
	}
	s.mu.Lock()
	if s.identity.pinned == "" && t.Version != defaults && !slices.Contains(s.needs, t.Version) {
		s.needs = append(s.needs, t.Version)
	}
	if s.uses == nil {
		s.uses = make(map[*rewrite.Text]int64)
	}
	s.uses[t.UsedAs()]++
	full := len(s.uses) > maxTexts
	s.mu.Unlock()
	if full {
		s.srv.mu.Lock()
		s.srv.orphans.add(s)
		s.srv.mu.Unlock()
	}
}

// add moves what a session has counted into u.
func (u *usage) add(s *session) {
	s.mu.Lock()
	texts, app := s.uses, s.identity.application
	s.uses = nil
	s.mu.Unlock()
	for t, n := range texts {
		for i := range t.Statements {
			st := &t.Statements[i]
			if st.Failure != nil {
				break
			}
			for _, use := range st.Uses {
				u.addUse(useKey{t.Version, use.Table, use.Name, use.Column, s.link.Request.User, app, t.Ambiguous}, n, t)
			}
		}
	}
}

func (u *usage) addUse(k useKey, n int64, t *rewrite.Text) {
	if u.counts == nil {
		u.counts = make(map[useKey]*migrate.UseCount)
	}
	c := u.counts[k]
	if c == nil {
		c = &migrate.UseCount{
			Version: k.version, Table: k.table, Name: k.name, Column: k.column, User: k.user, Application: k.app,
			Ambiguous: k.ambiguous, Sample: t.Sample(),
		}
		u.counts[k] = c
	}
	c.Count += n
}

// Uses implements migrate.Traffic.
func (s *Server) Uses() []migrate.UseCount {
	sessions := s.list()
	s.mu.Lock()
	u := s.orphans
	s.orphans = usage{}
	s.mu.Unlock()
	for _, sess := range sessions {
		u.add(sess)
	}
	out := make([]migrate.UseCount, 0, len(u.counts))
	for _, c := range u.counts {
		out = append(out, *c)
	}
	return out
}
