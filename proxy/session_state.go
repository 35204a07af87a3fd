package proxy

import (
	"maps"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// A sessionState is what the session's server has told about the session, as far as it decides what a text means. It belongs to
// the client's goroutine.
//
// It is read before the first text that matters and again when it may have changed. Settings that were changed in a
// transaction may come back when it ends: so what was read in the same transaction as a change serves only
// until then. As all of it is asked of the server, Postgres' own semantics of SET LOCAL, ROLLBACK TO, RESET and DISCARD
// hold without being followed here.
type sessionState struct {
	session  *rewrite.Session // replaced, never changed; nil before the first probe
	probed   *probed          // what the server has told last
	own      map[rules.Name]*catalog.Relation
	naming   bool // session.Answers may hold names that are free
	answered bool // session.Overlay holds more than own, or session.Answers anything
	sent     sentTexts

	epoch      *epoch // whose binder it was made for
	generation uint64 // counts the different sessions seen

	stale     bool   // read it again before it is used
	aged      bool   // the catalog has changed since it was read: a schema may exist now that search_path names
	changedAt uint64 // number of the ReadyForQuery that ends the last change that was sent

	// What the session knows of relations that the catalog of the epoch's binder does not have.
	private   *private            // nil before it is needed
	lacking   bool                // the server has shown one through which rows of a table under migration may be seen
	temporary []string            // temporary tables through which they may be seen
	ownNames  *rewrite.NameFilter // of temporary
	makings   uint64              // counts what the session has made
	code      unseenCode
	changes   uint64 // counts the changes

	// What settings do not tell: which relations are the session's own, and which schemas there are.
	moved     bool // that may be otherwise than it was read
	movesBack bool // likewise, once the transaction that it was read in has ended

	closing  bool   // it was read in the transaction of a change
	lastIdle uint64 // and these are the queue's counts at that time
	txEnds   uint64
}

// change takes note that a text was sent that may change what later texts mean, the version included.
func (s *session) change() {
	s.changeNames(false)
	s.doubtVersion()
}

// changeBy is change for a text of which more is known.
func (s *session) changeBy(e *epoch, sql []byte) {
	s.changeNames(onlySets(sql))
	if e.binder.MaySetVersion(sql) || e.made.changes(s, sql) {
		s.doubtVersion()
	}
}

// onlySets reports whether a text surely is one statement that changes nothing but settings.
func onlySets(sql []byte) bool {
	switch strings.ToLower(string(firstWord(sql))) {
	case "set", "reset", "show":
		return isSingle(sql)
	}
	return false
}

// changeNames takes note that a text was sent that may change which names there are, or only settings that say where they are
// looked for.
func (s *session) changeNames(onlySettings bool) {
	s.state.moved = s.state.moved || !onlySettings
	s.queue.mu.Lock()
	s.state.changedAt = s.queue.readyDue()
	s.queue.mu.Unlock()
	s.state.stale = true
	s.state.changes++
}

// fresh tells whether the state can be used for the next text.
func (s *session) fresh() (bool, error) {
	v := &s.state
	if v.session == nil || v.stale || s.staleHint.Swap(false) {
		v.stale = true
		return false, nil
	}
	if !v.closing {
		return true, nil
	}
	if err := s.answered(); err != nil {
		return false, err
	}
	s.queue.mu.Lock()
	over := s.queue.lastIdle != v.lastIdle || s.queue.txEnds != v.txEnds
	s.queue.mu.Unlock()
	v.stale = over
	v.moved = v.moved || over && v.movesBack
	return !over, nil
}

// refresh reads the state from the session's server. The errors are those of ask.
func (s *session) refresh(e *epoch) error {
	s.staleHint.Store(false)
	if s.beforeSnapshot() {
		return s.refreshBySettings(e)
	}
	return s.refreshByAsking(e)
}

// refreshByAsking is refresh with a question that takes a snapshot, where that may be asked.
func (s *session) refreshByAsking(e *epoch) error {
	return s.probe(func(answer *probed) { s.take(e, answer) })
}

// take makes the state of what was read.
func (s *session) take(e *epoch, answer *probed) {
	v := &s.state
	v.probed = answer
	s.queue.mu.Lock()
	v.lastIdle, v.txEnds = s.queue.lastIdle, s.queue.txEnds
	s.queue.mu.Unlock()
	v.closing = v.lastIdle < v.changedAt
	v.movesBack = v.closing && (v.movesBack || v.moved)
	v.moved = false
	v.stale, v.aged = false, false

	next := &rewrite.Session{
		User:            s.link.Request.User,
		Version:         s.versionFor(answer.Version, answer.Application),
		Default:         s.srv.cfg.Versions.Default,
		Unpinned:        s.srv.cfg.Versions.Unpinned,
		SearchPath:      answer.Path,
		MakesTemporary:  answer.makesTemporary(),
		StandardStrings: answer.Strings == "on",
		Encoding:        answer.Encoding,
		Work:            &binding{s: s},
	}
	own := answer.overlay()
	s.ownTables(e, own)
	_, known := s.knownVersion()
	// What was in doubt stays so in the transaction of a change: its end may take back what was set.
	s.setIdentity(next.Version, answer.Application, v.closing && !known)
	s.blind = false
	if !v.answered && v.epoch == e && v.session != nil && same(v.session, next) && sameOverlay(v.own, own) {
		return
	}
	if len(own) > 0 {
		next.Overlay = maps.Clone(own)
	}
	v.session, v.own, v.answered, v.epoch = next, own, false, e
	v.generation++
}

// clientEncoding is the encoding of the client's texts, as far as is known.
func (s *session) clientEncoding() string {
	if s.state.session != nil {
		return s.state.session.Encoding
	}
	return s.link.Parameters["client_encoding"]
}

// rebase makes the state one for another binder: what was asked of the server may be in the catalog now.
func (s *session) rebase(e *epoch) {
	v := &s.state
	if v.epoch != nil && v.epoch.binder == e.binder {
		if v.epoch.made != e.made {
			v.epoch = e
			v.forget()
		}
		return
	}
	v.private, v.lacking = nil, false
	v.aged = v.aged || !v.leadsWhere(e)
	switch {
	case v.epoch == nil && !s.blind:
		s.changeNames(true) // texts that may set the version were met
	case v.epoch == nil, !v.epoch.live:
		s.change() // nothing was looked at until now, so anything may have been changed in the open transaction
	}
	if v.epoch == nil && s.blind || v.epoch != nil && !v.epoch.live {
		s.doubtPrepared() // a function may have prepared something
		s.unseenBefore = true
		s.inherit(e)
	}
	v.epoch = e
	if v.session == nil {
		return
	}
	next := *v.session
	next.Overlay, next.Answers, v.answered = maps.Clone(v.own), nil, false
	v.session = &next
	v.generation++
}

// leadsWhere reports whether the search_path leads where it led by the catalog of another epoch. What is temporary is asked
// for again, since it may be made of what has changed.
func (v *sessionState) leadsWhere(e *epoch) bool {
	if v.epoch == nil || !v.epoch.live || !e.live || len(v.own) > 0 {
		return false
	}
	before, now := v.epoch.binder.Snapshot().Catalog.SchemaAccess, e.binder.Snapshot().Catalog.SchemaAccess
	return now != "" && now == before
}

// forget drops the server's answers about relations, because they may be others now.
func (v *sessionState) forget() {
	if !v.answered {
		return
	}
	next := *v.session
	next.Overlay, next.Answers, v.answered = maps.Clone(v.own), nil, false
	v.session = &next
	v.generation++
}

// learn adds answers to the session: what relations names mean, and what questions were answered with.
func (v *sessionState) learn(answers map[rules.Name]*catalog.Relation, texts map[string]string) {
	next := *v.session
	next.Answers = make(map[string]string, len(v.session.Answers)+len(texts))
	maps.Copy(next.Answers, v.session.Answers)
	maps.Copy(next.Answers, texts)
	next.Overlay = make(map[rules.Name]*catalog.Relation, len(v.session.Overlay)+len(answers))
	maps.Copy(next.Overlay, v.session.Overlay)
	maps.Copy(next.Overlay, answers)
	v.session, v.answered = &next, true
	for question := range texts {
		v.naming = v.naming || rewrite.AsksForFreeName(question)
	}
	v.generation++
}

// forgetNames has it asked anew which names are free.
func (v *sessionState) forgetNames() {
	if !v.naming || v.session == nil {
		return
	}
	next := *v.session
	next.Answers = maps.Clone(next.Answers)
	maps.DeleteFunc(next.Answers, func(question, _ string) bool { return rewrite.AsksForFreeName(question) })
	v.session, v.naming = &next, false
	v.generation++
}

// forgetAnswers has the questions asked again: definitions are others after DDL.
func (v *sessionState) forgetAnswers() {
	if v.session == nil || len(v.session.Answers) == 0 {
		return
	}
	next := *v.session
	next.Answers = nil
	v.session = &next
	v.generation++
}

func same(a, b *rewrite.Session) bool {
	return a.Version == b.Version && a.StandardStrings == b.StandardStrings && a.Encoding == b.Encoding &&
		a.MakesTemporary == b.MakesTemporary && slices.Equal(a.SearchPath, b.SearchPath)
}

func sameOverlay(a, b map[rules.Name]*catalog.Relation) bool {
	return maps.EqualFunc(a, b, func(x, y *catalog.Relation) bool {
		return x.OID == y.OID && x.Name == y.Name && slices.Equal(x.Columns, y.Columns) && slices.Equal(x.Parents, y.Parents)
	})
}
