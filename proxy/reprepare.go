package proxy

import (
	"bytes"
	"hash/maphash"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// reprepare prepares the statement anew under its name. The client sees nothing of it but an error; text nil stands for
// its own text. If the client may know what the result looks like, that is waited for: the error is that of PostgreSQL
// when it is another one now, and errSkipped when the statement could not be prepared.
func (s *session) reprepare(st *statement, text *rewrite.Text) error {
	q := &s.queue
	q.mu.Lock()
	if q.stop != nil {
		defer q.mu.Unlock()
		return q.stop
	}
	q.pushLocked(expect{kind: wire.Close, flags: hidden | reprepare, stmt: st})
	q.pushLocked(expect{kind: wire.Parse, flags: hidden | reprepare, stmt: st, text: text})
	q.pushLocked(expect{kind: wire.Describe, flags: hidden | reprepare, stmt: st, text: text})
	types, known := st.parameters(), st.result.known
	sql := ""
	if text != nil {
		sql = text.SQL
	} else {
		sql = string(st.text)
	}
	b := wire.AppendClose(nil, wire.StatementOf, st.slot.name)
	b = wire.AppendParse(b, st.slot.name, sql, types)
	b = wire.AppendDescribe(b, wire.StatementOf, st.slot.name)
	q.mu.Unlock()
	s.rewrote = true
	s.srv.metrics.reprepared.Inc()
	if _, err := s.server.out.Write(b); err != nil || !known {
		return err
	}
	return s.sameResult(st)
}

// sameResult waits until the statement is prepared anew. If its result is another one than the client knows, it must not be
// used, and is prepared anew at every use.
func (s *session) sameResult(st *statement) error {
	if err := s.answered(); err != nil {
		return err
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.skipping:
		return errSkipped
	case st.result.differs:
		st.have = served{absent: true}
		st.want = st.have
		return &wire.Error{Code: "0A000", Message: "cached plan must not change result type"}
	}
	return nil
}

// A result is what the server has said of a statement's result at first. A client may go by that for as long as it has the
// statement, so that PostgreSQL lets no later result differ (RevalidateCachedQuery, plancache.c). A statement that was
// prepared anew is another one for the server; then it is for us to look.
type result struct {
	known   bool
	hash    uint64 // of labels, types and type modifiers; 0: there are no columns
	differs bool   // the statement was prepared anew, and its result is another
}

var resultSeed = maphash.MakeSeed()

// shows takes note of the body of a RowDescription, or of NoData if it is empty; again says that the statement was
// prepared anew before.
func (r *result) shows(body []byte, again bool) {
	if r.known && !again {
		return
	}
	hash := uint64(0)
	if len(body) > 2 {
		hash = hashResult(body[2:])
	}
	if r.known {
		r.differs = hash != r.hash
		return
	}
	r.known, r.hash = true, hash
}

// hashResult hashes the columns of a RowDescription: each is a label that ends in a zero byte, and then the table and the
// number of its column, the type, its size, its modifier and the format.
func hashResult(columns []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(resultSeed)
	for len(columns) > 0 {
		end := bytes.IndexByte(columns, 0) + 1
		if end == 0 || len(columns) < end+18 {
			break
		}
		h.Write(columns[:end])
		h.Write(columns[end+6 : end+10])
		h.Write(columns[end+12 : end+16])
		columns = columns[end+18:]
	}
	return h.Sum64()
}
