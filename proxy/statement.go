package proxy

import (
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/charset"
)

// What the session has prepared is in the account queue.stmts, which is guarded by queue.mu.
type (
	statement = prepared.Statement[memo]
	changes   = prepared.Changes[memo]
)

// A memo is what the session notes of a prepared statement.
type memo struct {
	analysis   analysis // of the client's goroutine
	keepsTypes bool     // likewise: see rewrite.Session
	result     result   // of which the client may know; guarded by queue.mu
}

// open makes the statement of a Parse. lost says that there is no room for its text.
func (s *session) open(name, sql []byte, types []uint32, lost bool) *statement {
	name = s.keyOf(name)
	s.typed = s.typed || rewrite.TakesNames(types)
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.makeRoomFor(len(sql))
	st := s.queue.stmts.Open(name, sql, types)
	st.Lost = st.Lost || lost
	return st
}

// keyOf is the name as the account knows it: in UTF-8, as names in SQL are known.
func (s *session) keyOf(name []byte) []byte {
	if !prepared.Matters(name) {
		return name
	}
	if utf8, ok := charset.Decode(s.reading().Encoding, string(name)); ok {
		return []byte(utf8)
	}
	return name
}

// sentName is a name of the account in the client's encoding.
func (s *session) sentName(key string) string {
	if !prepared.Matters(key) {
		return key
	}
	if name, ok := charset.Encode(s.reading().Encoding, key); ok {
		return name
	}
	return key
}

// reading is how the server reads texts, as it has reported last.
func (s *session) reading() prepared.Reading {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.stmts.Reading()
}

// mayExecute tells whether an EXECUTE may run a statement of which the text does not speak.
func (s *session) mayExecute() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.stmts.Any()
}

// find says what is prepared under a name of the account for a message that is sent now. Where that depends on answers, they are
// asked for. The errors are those of choose.
func (s *session) find(name []byte) (*statement, error) {
	q := &s.queue
	q.mu.Lock()
	st, sure := q.stmts.Find(name)
	unsure := q.stmts.Unsure(name)
	q.mu.Unlock()
	if sure && !unsure {
		return st, nil
	}
	if err := s.answered(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	skipping := q.skipping
	st, _ = q.stmts.Find(name)
	unsure = q.stmts.Unsure(name)
	q.mu.Unlock()
	if skipping {
		return nil, errSkipped
	}
	if unsure && !s.at.recounted {
		return nil, s.recount()
	}
	return st, nil
}

// servedBy is what the server has when it was given a text for a statement; nil stands for the client's own.
func servedBy(t *rewrite.Text) prepared.Served {
	if t == nil || !t.Changed {
		return prepared.Served{}
	}
	return prepared.Served{Text: t.SQL}
}

// has tells whether the server has the statement in that text, when all is answered that was sent.
func (s *session) has(st *statement, t *rewrite.Text) bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return st.Have == servedBy(t)
}
