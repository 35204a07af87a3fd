package proxy

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// What a session makes is in the catalog of the binder in force only when that has been read again. Until then texts that
// name it are found by what the statement that made it says (rewrite.Made), and are bound by what the session's own server
// knows: see private.go. No other session can see it before the transaction has committed, so it is enough that the names
// are known to all of them before the statement is sent, and for as long as no snapshot has it.

// A making is a statement that makes or alters something, sent and not yet in the catalog.
type making struct {
	by    *session
	names []string // what others must look for in every text
	also  []string // and in texts that concern a table under migration
	all   bool     // the session itself must look at every text: what was made is not named in the text
	alone bool     // it concerns only texts with one of the names, those of the session included

	changes  bool     // using it may change what later texts of the session mean
	changers []string // and these are its names
	makes    bool     // using it may make more, unseen
	makers   []string // and these are its names
}

// A made is all that has been made and is not in the catalog. It is immutable.
type made struct {
	list  []*making
	names *rewrite.NameFilter
	also  *rewrite.NameFilter

	changers *rewrite.NameFilter
	makers   *rewrite.NameFilter
}

// with is m with another making.
func (m *made) with(next *making) *made {
	if m == nil {
		return newMade([]*making{next})
	}
	return newMade(append(slices.Clone(m.list), next))
}

// without is m without those makings; nil when none is left.
func (m *made) without(gone []*making) *made {
	if m == nil {
		return nil
	}
	return newMade(slices.DeleteFunc(slices.Clone(m.list), func(x *making) bool { return slices.Contains(gone, x) }))
}

func newMade(list []*making) *made {
	if len(list) == 0 {
		return nil
	}
	m := &made{list: list}
	var names, also, changers, makers []string
	for _, x := range list {
		names, also = append(names, x.names...), append(also, x.also...)
		changers, makers = append(changers, x.changers...), append(makers, x.makers...)
	}
	m.changers, m.makers = rewrite.NewNameFilter(changers), rewrite.NewNameFilter(makers)
	m.names, m.also = rewrite.NewNameFilter(names), rewrite.NewNameFilter(also)
	return m
}

// known lists the names of all that has been made. It may show what is altered now, and is in no catalog to tell so.
func (m *made) known() (names []string) {
	if m == nil {
		return nil
	}
	for _, x := range m.list {
		names = append(append(names, x.names...), x.also...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// by tells whether the session has made any of it that can concern all its texts, and whether that can have names which are
// not known.
func (m *made) by(s *session) (own, all bool) {
	if m == nil {
		return false, false
	}
	for _, x := range m.list {
		if x.by == s && !x.alone {
			own, all = true, all || x.all
		}
	}
	return own, all
}

// named tells whether a text may name something that was made a moment ago.
func (m *made) named(s *session, sql []byte) bool {
	if m == nil {
		return false
	}
	_, all := m.by(s)
	return all || m.names.In(sql)
}

// changes tells whether a text may change what later texts of the session mean by what was made a moment ago. In what the
// session has made itself it is not looked for which names lead to it.
func (m *made) changes(s *session, sql []byte) bool {
	if m == nil {
		return false
	}
	return m.changers.In(sql) || slices.ContainsFunc(m.list, func(x *making) bool { return x.changes && x.by == s })
}

// changesByOthers is changes for what other sessions have made.
func (m *made) changesByOthers(s *session, sql []byte) bool {
	return m != nil && slices.ContainsFunc(m.list, func(x *making) bool {
		return x.by != s && rewrite.NewNameFilter(x.changers).In(sql)
	})
}

// makes is likewise for what may make more, unseen.
func (m *made) makes(s *session, sql []byte) bool {
	if m == nil {
		return false
	}
	return m.makers.In(sql) || slices.ContainsFunc(m.list, func(x *making) bool { return x.makes && x.by == s })
}

// namesMoreThan tells whether there are names to look for in every text that the other has not.
func (m *made) namesMoreThan(other *made) bool {
	if m == nil {
		return false
	}
	return slices.ContainsFunc(m.list, func(x *making) bool {
		return (len(x.names) > 0 || x.all) && (other == nil || !slices.Contains(other.list, x))
	})
}

// concerns tells whether a text, which is to be bound, must be bound by the catalog as the session sees it.
func (m *made) concerns(s *session, sql []byte) bool {
	if m == nil {
		return false
	}
	own, _ := m.by(s)
	return own || m.names.In(sql) || m.also.In(sql)
}

// An openMaking is one of which the transaction has not ended.
type openMaking struct {
	*making
	ready uint64 // number of the ReadyForQuery that ends the message that it was sent in
}

// announce makes known what a text that is about to be sent makes. Nobody can name it unseen from here on. private says that
// it makes something, and nothing that others can see.
func (s *session) announce(t *rewrite.Text) (private bool) {
	e := s.state.epoch
	var all []rewrite.Made
	for i := range t.Statements {
		if t.Statements[i].Failure != nil {
			break // nothing behind it is executed
		}
		all = append(all, t.Statements[i].Effect.Made...)
	}
	return s.announceAll(e, all, e.made.changes(s, []byte(t.Client))) && len(t.Statements) == 1
}

// announceAll is announce for what a text of one statement makes. The text may use what changes the session.
func (s *session) announceAll(e *epoch, all []rewrite.Made, changes bool) (private bool) {
	b := e.binder
	m := &making{by: s, alone: true}
	seen, alters := false, false
	private = len(all) > 0
	more := e.made != nil && slices.ContainsFunc(e.made.list, func(x *making) bool { return x.makes })
	for _, x := range all {
		if x.Unseen {
			s.runCode()
			private = false
			continue
		}
		s.state.code.known = false
		if x.Makes || x.Runs && more {
			m.makes, seen = true, true
			if x.Name != "" {
				m.makers = append(m.makers, x.Name)
			}
		}
		if x.Changes || x.Runs && changes {
			m.changes, seen = true, true
			if x.Name != "" {
				m.changers = append(m.changers, x.Name)
			}
		}
		if x.OnlyRuns() {
			private = false
			continue
		}
		if x.Schema {
			m.also = append(m.also, b.TableNames()...)
		}
		family := b.FamilyNames(x.Name)
		names, alone := b.NamesOf(x)
		switch {
		case x.Temp && !x.Rows, x.Bare && s.hasTemporary(x.Name):
			continue // it is asked for with all that only the session can see
		case x.Temp:
			s.state.temporary = append(s.state.temporary, x.Name)
			s.state.ownNames = rewrite.NewNameFilter(s.state.temporary)
			continue
		case x.Name == "":
			m.all = m.all || x.Rows
		case family != nil && !x.Columns: // all sessions ask for one again that lacks a name
		case family != nil:
			m.also = append(append(m.also, family...), b.FamilyUsers(x.Name)...)
		default:
			for _, name := range names {
				if x.Rows && b.Match([]byte(name), false) != prefilter.Names {
					m.names = append(m.names, name)
				} else {
					m.also = append(m.also, name)
				}
			}
		}
		// What is temporary may use what is altered, and no catalog but the session's own has that.
		alters = alters || x.Altered || family != nil && x.Columns
		seen, private, m.alone = true, false, m.alone && alone && !(x.Altered && (len(s.state.own) > 0 || s.state.stale))
	}
	if !seen {
		return private
	}
	s.state.makings++
	q := &s.queue
	q.mu.Lock()
	q.makings = append(q.makings, openMaking{m, q.readyDue()})
	q.mu.Unlock()
	s.srv.replace(func(e *epoch) {
		if alters {
			m.also = append(m.also, e.made.known()...)
		}
		e.made = e.made.with(m)
	})
	return false
}

// hasTemporary tells whether the session surely has a temporary table that the name means.
func (s *session) hasTemporary(name string) bool {
	v := &s.state
	r := v.own[rules.Name{Name: name}]
	if r == nil || !r.Temp || v.stale || v.closing || s.staleHint.Load() {
		return false
	}
	path := v.session.SearchPath
	return len(path) > 0 && strings.HasPrefix(path[0], "pg_temp")
}

// madeEnded is to be called when transactions have ended in which something was made: what they have made is in the
// catalog from now on, if it was not rolled back.
func (s *Server) madeEnded(open []openMaking) {
	ended := make([]*making, len(open))
	for i := range open {
		ended[i] = open[i].making
	}
	// What others were told about the names until now is outdated.
	s.replace(func(e *epoch) { e.made = e.made.without(nil) })
	s.schemaChanged(func() {
		s.replace(func(e *epoch) { e.made = e.made.without(ended) })
	})
}

// endMakings takes out what was made in transactions that have ended.
func (p *pipeline) endMakings() (ended []openMaking) {
	if len(p.makings) == 0 || p.status != wire.Idle {
		return nil
	}
	p.makings = slices.DeleteFunc(p.makings, func(m openMaking) bool {
		over := m.ready <= p.readies
		if over {
			ended = append(ended, m)
		}
		return over
	})
	return ended
}
