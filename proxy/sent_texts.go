package proxy

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite"
)

// What pg_cursors and pg_prepared_statements show is bounded: beyond it, the oldest are forgotten, and shown as they were
// sent.
const (
	maxSentTexts = 100
	maxSentText  = 8 << 10 // bytes of both texts
)

// sentTexts are the texts that were sent in place of the client's and that the server may show, the oldest first. They
// belong to the client's goroutine.
type sentTexts struct {
	version string
	pairs   [][2]string // what was sent, and the client's own
}

// remember notes a text that the server keeps.
func (t *sentTexts) remember(version, sent, client string) {
	if t.version != version { // the same text may have been another one's there
		t.version, t.pairs = version, nil
	}
	pair := [2]string{sent, client}
	if len(sent)+len(client) > maxSentText || slices.Contains(t.pairs, pair) {
		return
	}
	t.pairs = slices.DeleteFunc(t.pairs, func(p [2]string) bool { return p[0] == sent })
	if len(t.pairs) == maxSentTexts {
		t.pairs = slices.Delete(t.pairs, 0, 1)
	}
	t.pairs = append(t.pairs, pair)
}

// answer is that to rewrite.SentTexts.
func (t *sentTexts) answer(version string) string {
	if t.version != version {
		return ""
	}
	return rewrite.EncodeSentTexts(t.pairs)
}

// rememberSent notes a text that has been sent if pg_cursors or pg_prepared_statements is going to show it.
func (s *session) rememberSent(t *rewrite.Text) {
	if t.Changed && s.state.session != nil && slices.ContainsFunc(t.Statements, func(st rewrite.Statement) bool {
		return st.Effect.Prepare != nil || st.Effect.Cursor
	}) {
		s.rememberShown(t.SQL, t.Client)
	}
}

// rememberShown notes that the server shows a text in place of the client's. Texts of which the encoding is another than UTF-8
// are left as they are.
func (s *session) rememberShown(sent, client string) {
	foreign := func(c rune) bool { return c > 127 }
	if s.clientEncoding() != "UTF8" && strings.ContainsFunc(sent+client, foreign) {
		return
	}
	s.state.sent.remember(s.state.session.Version, sent, client)
	s.state.forgetAnswers()
}

// Texts that are kept because they may have prepared something in a string are bounded: so many, each of so many bytes in both words.
const (
	maxInside     = 16
	maxInsideText = 1 << 20
)

// sent takes note of what a text that was just sent does to the session.
func (s *session) sent(t *rewrite.Text) {
	s.rememberSent(t)
	for i := range t.Statements {
		st := &t.Statements[i]
		if st.Failure != nil {
			return // nothing behind it is executed
		}
		if st.Effect.State {
			s.changeNames(st.Tag == "VariableSetStmt")
		}
		if st.Effect.Version {
			s.doubtVersion()
		}
		if st.Effect.Schema {
			s.state.forgetAnswers()
		}
	}
	if preparesInside(t) {
		s.doubtPrepared()
		s.keepInside(t)
	}
}

// preparesInside tells whether a text may prepare or deallocate something where it is not seen.
func preparesInside(t *rewrite.Text) bool {
	return slices.ContainsFunc(t.Statements, func(st rewrite.Statement) bool {
		return st.Tag == "DoStmt" || st.Tag == "CallStmt"
	}) && namesPrepare(t.SQL)
}

// namesPrepare tells whether a text has a word in it that changes what is prepared.
func namesPrepare(sql string) bool {
	lower := strings.ToLower(sql)
	return slices.ContainsFunc(prepareWords, func(w []byte) bool { return strings.Contains(lower, string(w)) })
}

// doubtPrepared takes note that something may be prepared or deallocated where it is not seen.
func (s *session) doubtPrepared() {
	s.queue.mu.Lock()
	s.queue.stmts.Doubt()
	s.queue.mu.Unlock()
	s.at.recounted = false
}

// keepInside keeps a text to find in it what it has prepared.
func (s *session) keepInside(t *rewrite.Text) {
	if t.Changed && len(t.SQL)+len(t.Client) <= maxInsideText {
		if len(s.inside) == maxInside {
			s.inside = slices.Delete(s.inside, 0, 1)
		}
		s.inside = append(s.inside, t)
	}
}
