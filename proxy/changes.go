package proxy

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/charset"
)

// changesIn says what a text that nobody binds does to what is prepared by SQL. whole is false when only the first part
// of it is at hand.
func (s *session) changesIn(sql []byte, whole bool) *changes {
	if !mayPrepare(sql) {
		if word := firstWord(sql); (bytes.EqualFold(word, []byte("do")) || bytes.EqualFold(word, []byte("call"))) && namesPrepare(string(sql)) {
			s.doubtPrepared()
		}
		return nil
	}
	read := s.reading()
	list, ok := []rewrite.PreparedBy(nil), false
	if whole {
		list, ok = rewrite.PreparedIn(read.Encoding, read.Standard, string(sql))
	}
	if !ok {
		return prepared.Unknown[memo]()
	}
	out := make([]prepared.Change[memo], len(list))
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for i, p := range list {
		out[i].Deallocate, out[i].All = p.Deallocate, p.All
		if p.Prepare != "" {
			s.makeRoomFor(len(sql))
			out[i].Prepare = s.queue.stmts.OpenSQL([]byte(p.Prepare), sql[p.Start:p.End], p.Before, string(sql))
		}
	}
	return prepared.NewChanges(out)
}

// prepareWords are those that a text begins with which changes what is prepared.
var prepareWords = [][]byte{[]byte("prepare"), []byte("deallocate"), []byte("discard")}

// mayPrepare tells whether some statement of a text may change what is prepared by SQL.
func mayPrepare(sql []byte) bool {
	word := firstWord(sql)
	for _, w := range prepareWords {
		if bytes.EqualFold(word, w) {
			return true
		}
	}
	if at := bytes.IndexByte(sql, ';'); at < 0 || at == len(sql)-1 {
		return false
	}
	lower := bytes.ToLower(sql)
	for _, w := range prepareWords {
		if bytes.Contains(lower, w) {
			return true
		}
	}
	return false
}

// changesOf says what a text that was bound does to what is prepared by SQL.
func (s *session) changesOf(t *rewrite.Text) *changes {
	var out []prepared.Change[memo]
	at := 0
	for i := range t.Statements {
		st := &t.Statements[i]
		if st.Failure != nil {
			break // nothing behind it is executed
		}
		e := &st.Effect
		if e.Prepare == nil && e.Deallocate == "" && !e.DropAll {
			continue
		}
		if out == nil {
			out = make([]prepared.Change[memo], len(t.Statements))
		}
		out[i].Deallocate, out[i].All = e.Deallocate, e.DropAll
		if e.Prepare != nil {
			at += max(0, strings.Index(t.Client[at:], e.Prepare.Client))
			out[i].Prepare = s.openSQL(t, e.Prepare, at, t.SQL[st.Start:st.End])
			at += len(e.Prepare.Client)
		}
	}
	if out == nil {
		return nil
	}
	return prepared.NewChanges(out)
}

// openSQL makes the statement of a PREPARE that stands at an offset of the client's text, and is sent in another.
func (s *session) openSQL(t *rewrite.Text, p *rewrite.Prepare, at int, sent string) *statement {
	before, ok := charset.Decode(s.clientEncoding(), t.Client[:at])
	if !ok {
		before = t.Client[:at]
	}
	chars := utf8.RuneCountInString(before)
	if s.piece != nil {
		chars += s.piece.chars
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.makeRoomFor(len(p.Client))
	st := s.queue.stmts.OpenSQL([]byte(p.Name), []byte(p.Client), chars, t.SQL)
	if sent != p.Client {
		st.Have = prepared.Served{Text: sent}
		st.Coming = st.Have
		s.rewrote = true
	}
	return st
}
