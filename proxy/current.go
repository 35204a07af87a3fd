package proxy

import (
	"errors"
	"slices"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// An analysis is what was found out about the text of a prepared statement, for one binder and one state of the session.
type analysis struct {
	binder     *rewrite.Binder
	made       *made
	hit        prefilter.Hit
	control    control
	text       *rewrite.Text   // nil until it was bound
	generation uint64          // of the state that it was bound in
	makes      *[]rewrite.Made // of a text with StateWords, once it is known; nil inside: nothing
}

// current sees to it that the server has the statement in the text that is right now, and says what running it means.
// The errors are those of choose.
func (s *session) current(now *epoch, key []byte) (portal, error) {
	if now.live {
		s.rebase(now)
	}
	s.takesSnapshot = s.likelySnapshot(key)
	st, err := s.find(key)
	if st == nil || err != nil {
		return portal{}, err
	}
	s.takesSnapshot = st.Lost || takesSnapshotFirst(st.Text)
	if !now.live {
		return s.currentUnseen(st)
	}
	if c := &s.state.code; !c.open || c.by != st { // its own Parse makes nothing that its text was to know
		if err := s.settleCode(now, st.Text); err != nil {
			return portal{}, err
		}
	}
	if st.SQL { // it is what EXECUTE would do
		_, err := s.choose([]byte("EXECUTE "+quoteName(s.sentName(st.Name()))), nil, nil)
		return portal{runs: s.at.makes}, err
	}
	if err := s.look(now, st); err != nil {
		return portal{}, err
	}
	p := &st.Memo.analysis
	if p.control != noControl {
		if err := s.controls(now, p.control); err != nil {
			return portal{}, err
		}
	}
	if p.hit != prefilter.Names {
		return s.currentMiss(now, st)
	}
	text, err := s.chooseAgain(st)
	if err != nil {
		return portal{}, err
	}
	return portal{text: text, sql: s.changesOf(text), back: backIn(st), runs: s.at.makes || s.makesUnseen(now, st)}, nil
}

// mustFail tells whether a statement of the text fails whenever it is executed.
func mustFail(t *rewrite.Text) bool {
	return slices.ContainsFunc(t.Statements, func(st rewrite.Statement) bool { return st.Failure != nil })
}

// isMade tells whether the server has made a statement, or makes it in the open group. It asks for the answers to an earlier
// group, in which the Parse may have failed: then the server is to say that there is no such statement, whatever is wrong with it.
func (s *session) isMade(st *statement) (bool, error) {
	stands := func() bool {
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		return s.queue.stmts.Stands(st)
	}
	if stands() {
		return true, nil
	}
	if err := s.answered(); err != nil {
		return false, err
	}
	return stands(), nil
}

// likelySnapshot tells whether what is prepared under a name takes a snapshot when it is executed, where the server has yet to be
// asked what that is. What was prepared before anything was live is as the client has said, unless it hides its names; where
// something else may have been prepared unseen it is not known, and to ask too early would be wrong.
func (s *session) likelySnapshot(key []byte) bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	st, _ := s.queue.stmts.Find(key)
	return st != nil && !st.Lost && takesSnapshotFirst(st.Text) && (s.unseenBefore || !s.queue.stmts.Unsure(key))
}

// chooseAgain is choose for a statement that was prepared by a Parse.
func (s *session) chooseAgain(st *statement) (*rewrite.Text, error) {
	if !st.Lost {
		return s.choose(st.Text, st.Types, st)
	}
	if t := st.Memo.analysis.text; t != nil {
		return s.choose([]byte(t.Client), st.Types, st)
	}
	sql, err := s.clientText(st)
	if err != nil {
		return nil, err
	}
	return s.choose([]byte(sql), st.Types, st)
}

// currentUnseen is current while nothing is live: the server is to have the client's own text, of all that may be executed.
func (s *session) currentUnseen(st *statement) (portal, error) {
	if err := s.giveBackMentioned(st.Text); err != nil && !errors.Is(err, errAborted) {
		return portal{}, err
	}
	if s.looping && mayPrepare(st.Text) {
		return portal{}, rewrite.ErrPostponed
	}
	return portal{sql: s.changesIn(st.Text, !st.Lost)}, s.giveBack(st)
}

// currentMiss is current for a statement that concerns no table under migration.
func (s *session) currentMiss(now *epoch, st *statement) (portal, error) {
	p := &st.Memo.analysis
	stateful := p.hit == prefilter.StateWords
	if stateful && st.Lost {
		p.makes = &[]rewrite.Made{{Runs: true, Changes: true}}
	}
	if s.looping && (stateful && p.makes == nil || mayPrepare(st.Text)) {
		return portal{}, rewrite.ErrPostponed
	}
	if stateful && p.makes == nil {
		made := now.binder.Makes(st.Read.Encoding, string(st.Text))
		p.makes = &made
	}
	out := portal{
		stateful: stateful, makes: p.makes, sets: stateful && (st.Lost || now.binder.MaySetVersion(st.Text) || now.made.changes(s, st.Text)),
		settles: !st.Lost && onlySets(st.Text), runs: s.makesUnseen(now, st), sql: s.changesIn(st.Text, !st.Lost), back: backIn(st),
	}
	return out, s.giveBack(st)
}

// controls prepares for a statement that begins or may end a transaction, of the extended protocol or alone in a Query.
//
// Before one that begins, the state is read if it is not fresh, and what is prepared if that is not known. Else it would be read
// by a query inside the transaction, which takes the snapshot that a client at REPEATABLE READ means to take after a LOCK.
func (s *session) controls(now *epoch, c control) error {
	if c == ends {
		s.queue.groupMayEnd()
		return nil
	}
	s.rebase(now)
	fresh, err := s.fresh()
	if err != nil {
		return err
	}
	s.queue.mu.Lock()
	outside := s.queue.quiet() && s.queue.status == wire.Idle
	unsure := s.queue.stmts.Doubtful()
	s.queue.mu.Unlock()
	if !outside {
		return nil
	}
	if unsure && !s.at.recounted {
		return s.recount()
	}
	if fresh && !s.state.aged || s.at.unread {
		return nil
	}
	return rescue(s.refresh(now), func(err error) error {
		var refused *wire.Error
		if errors.As(err, &refused) {
			s.state.stale, s.at.unread = true, true
			return nil // the first statement that needs the state will say so
		}
		return err
	})
}
