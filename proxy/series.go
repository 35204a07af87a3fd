package proxy

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A series is a simple Query whose statements cannot be bound before those before them have run, and that is therefore
// sent in pieces (rewrite.Piece). Each is a Query of its own, chosen when the one before it has been answered.
//
// The client sees what it would see of the whole string (exec_simple_query in postgres.c, and the implicit transaction
// block of xact.c, TBLOCK_IMPLICIT_INPROGRESS):
//
//   - Outside a transaction block, the pieces run in one that is opened and closed unseen. Where the string itself begins,
//     ends or needs a block, the unseen one makes room, so that the server does and says the same.
//   - After an error nothing more of the string is executed, and the unseen block is rolled back.
//   - The tag of the last statement comes when the block has been committed, or not at all.
//   - There is one ReadyForQuery: that of a Sync behind it all.
//   - Positions in errors count in the whole string.
//
// What differs: statement_timeout, statement_timestamp() and current_query() are those of a piece; and where a COMMIT in the
// string finds no BEGIN and fails, the warning that there is none does not precede the error.
//
// A series belongs to the client's goroutine.
type series struct {
	due     []duePiece
	inside  bool  // the unseen block is open
	divided bool  // the piece at hand was replaced by pieces of its own
	rereads int64 // session.rereads when it began
}

// A duePiece is one that is still to be sent.
type duePiece struct {
	text    []byte
	chars   int // characters of the client's string before it
	control rewrite.Control
}

// A piece is what both goroutines know of one message of a series.
type piece struct {
	chars  int  // characters of the client's string before it
	last   bool // the tag of its last statement waits for the end of the unseen block
	closes bool // it ends that block: what it says is about the statement before it
	begins bool // it makes that block the client's, which is no reason for a warning
	failed bool // an error has answered it; guarded by queue.mu
}

// runSeries sends the simple Query in s.frame in pieces. It blocks: all but the last messages have been answered when it returns.
func (s *session) runSeries(pieces []rewrite.Piece) error {
	sql, _ := wire.DecodeQuery(s.frame.Body)
	if s.series != nil {
		s.series.divide(sql, pieces, s.piece.chars)
		return nil
	}
	if err := s.see(s.answered()); err != nil { // whether a block is open decides how the pieces are sent
		return err
	}
	run := &series{rereads: s.rereads.Load()}
	run.divide(slices.Clone(sql), pieces, 0)
	s.series, s.keeping = run, false
	s.queue.beginSeries()
	err := s.runPieces(run)
	s.series, s.piece = nil, nil
	if err != nil {
		return err
	}
	if err := s.queue.endSeries(); err != nil {
		return err
	}
	_, err = s.server.Out.Write(wire.AppendSync(s.server.Out.AvailableBuffer()))
	return err
}

// divide puts the pieces of a text, which so many characters of the string precede, before those that are due.
func (run *series) divide(sql []byte, pieces []rewrite.Piece, chars int) {
	run.divided = true
	due := make([]duePiece, 0, len(pieces)+len(run.due))
	for _, p := range pieces {
		due = append(due, duePiece{sql[p.Start:p.End], chars + p.Chars, p.Control})
	}
	run.due = append(due, run.due...)
}

// runPieces sends what is due, up to the first piece that fails, and ends the unseen block.
func (s *session) runPieces(run *series) error {
	for len(run.due) > 0 {
		p := run.due[0]
		if ok, err := s.makeRoom(run, p.control); !ok || err != nil {
			return err
		}
		run.due, run.divided = run.due[1:], false
		s.piece = &piece{chars: p.chars, last: run.inside && len(run.due) == 0, begins: run.inside && p.control == rewrite.Begins}
		if err := s.sendPiece(run, p.text); err != nil {
			return err
		}
		if run.divided {
			continue
		}
		if ok, err := s.succeeds(s.piece); err != nil {
			return err
		} else if !ok {
			return s.closeBlock(run, "ROLLBACK")
		}
		run.inside = run.inside && !s.piece.begins
	}
	return s.closeBlock(run, "COMMIT")
}

// makeRoom opens or ends the unseen block as the next piece needs it. ok is false when the client has got an error.
func (s *session) makeRoom(run *series, next rewrite.Control) (ok bool, err error) {
	if !run.inside {
		s.queue.mu.Lock()
		idle := s.queue.status == wire.Idle
		s.queue.mu.Unlock()
		if idle && next == rewrite.Prepares {
			return false, s.refusePrepare(run)
		}
		if next != rewrite.NoControl || !idle {
			return true, nil
		}
		run.inside = true
		return s.unseen("BEGIN", &piece{})
	}
	switch next {
	case rewrite.Commits:
		run.inside = false
		return s.unseen("COMMIT", &piece{closes: true})
	case rewrite.RollsBack, rewrite.NeedsBlock:
		run.inside = false
		return s.unseen("ROLLBACK", &piece{closes: true})
	case rewrite.Prepares:
		return false, s.refusePrepare(run)
	}
	return true, nil
}

// refusePrepare refuses PREPARE TRANSACTION where the client has no block open. PostgreSQL prepares the implicit one, with a
// warning; sent alone, the statement would prepare nothing.
func (s *session) refusePrepare(run *series) error {
	s.piece = &piece{}
	if err := s.refusePiece("PREPARE TRANSACTION cannot be part of a string of statements that is sent in parts, where no BEGIN precedes it"); err != nil {
		return err
	}
	if _, err := s.succeeds(s.piece); err != nil {
		return err
	}
	return s.closeBlock(run, "ROLLBACK")
}

// refusePiece has the server fail where the piece at hand would have been executed.
func (s *session) refusePiece(why string) error {
	m := s.standIn(wire.Query, raise(&wire.Error{Code: "0A000", Message: why, Hint: "Send the statements one by one."}))
	return s.send(&m)
}

// closeBlock ends the unseen block if it is open. An error is the client's.
func (s *session) closeBlock(run *series, how string) error {
	if !run.inside {
		return nil
	}
	run.inside = false
	_, err := s.unseen(how, &piece{closes: true})
	return err
}

// unseen executes a statement of which the client sees nothing but an error, and tells whether it succeeds.
func (s *session) unseen(sql string, p *piece) (ok bool, err error) {
	m := sending{expect: expect{kind: wire.Query, flags: hidden, piece: p}, as: asQuery, source: sql}
	if err := s.send(&m); err != nil {
		return false, err
	}
	return s.succeeds(p)
}

// succeeds waits for the answer to a piece, and tells whether it is no error.
func (s *session) succeeds(p *piece) (bool, error) {
	if err := s.see(s.answered()); err != nil {
		return false, err
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return !p.failed, nil
}

// sendPiece handles a piece as if it had come as a Query of its own, unless it would be read otherwise than the string was:
// the server reads a string as a whole before it executes the first of its statements.
func (s *session) sendPiece(run *series, sql []byte) error {
	raw := wire.AppendQuery(nil, string(sql))
	s.frame = wire.Frame{Type: wire.Query, Raw: raw, Body: raw[5:]}
	plain := !bytes.ContainsFunc(sql, func(r rune) bool { return r == '\\' || r >= 0x80 })
	if plain || s.rereads.Load() == run.rereads {
		return s.handle()
	}
	return s.refusePiece("a string of statements cannot go on in parts after client_encoding or standard_conforming_strings has changed in it")
}

// beginSeries takes note that a Query is sent in pieces: it cannot be sent once more, and the session is not idle between
// them.
func (q *queue) beginSeries() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.series = true
	if q.retry.state == retryKept {
		q.retry.drop()
	}
}

// endSeries expects the answer to the Sync that ends a series.
func (q *queue) endSeries() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.series = false
	if q.stop != nil {
		return q.stop
	}
	q.pipeline.push(expect{kind: wire.Sync})
	return nil
}

// A heldTag is what comes later in a series than the server sends it: the tag of the last statement, when the unseen block
// has been committed, and reports of settings, right before the ReadyForQuery (ReportChangedGUCOptions in guc.c). It
// belongs to the server's goroutine.
type heldTag struct {
	tag      []byte
	settings [][]byte          // ParameterStatus messages
	reported map[string]string // settings whose value has changed since start-up
}

// holdTag holds back a message that is to come later, and delivers what is held when its time has come.
func (s *session) holdTag(kind byte, raw []byte, v verdict) (held bool, err error) {
	p, h := v.expect.piece, &s.tag
	switch {
	case kind == wire.ParameterStatus && s.inSeries():
		h.settings = append(h.settings, bytes.Clone(raw))
		return true, nil
	case kind == wire.ParameterStatus:
		s.reports(raw)
		return false, nil
	case kind == wire.CommandComplete && p != nil && p.last:
		if err := s.release(&h.tag); err != nil {
			return true, err
		}
		h.tag = bytes.Clone(raw)
		return true, nil
	case kind == wire.NotificationResponse, v.action == swallow:
		return false, nil
	case p != nil && p.closes && kind == wire.NoticeResponse:
		return false, nil // of a trigger, say, that was put off until the end
	case p != nil && p.closes && kind == wire.ErrorResponse:
		h.tag = nil
	}
	if err := s.release(&h.tag); err != nil || kind != wire.ReadyForQuery {
		return false, err
	}
	return false, s.releaseSettings()
}

// releaseSettings reports the settings that are others at the end of a series than before it.
func (s *session) releaseSettings() error {
	held := s.tag.settings
	s.tag.settings = nil
	last := make(map[string]int, len(held))
	for i, raw := range held {
		name, _, _ := wire.DecodeParameterStatus(raw[5:])
		last[string(name)] = i
	}
	for i, raw := range held {
		name, _, err := wire.DecodeParameterStatus(raw[5:])
		if err != nil || last[string(name)] != i || !s.reports(raw) {
			continue
		}
		if err := s.release(&raw); err != nil {
			return err
		}
	}
	return nil
}

// reports takes note of what a ParameterStatus tells the client, and whether that is new to it.
func (s *session) reports(raw []byte) bool {
	name, value, err := wire.DecodeParameterStatus(raw[5:])
	if err != nil {
		return true
	}
	was, known := s.tag.reported[string(name)]
	if !known {
		was, known = s.link.Parameters[string(name)]
	}
	if known && was == string(value) {
		return false
	}
	if s.tag.reported == nil {
		s.tag.reported = make(map[string]string)
	}
	s.tag.reported[string(name)] = string(value)
	return true
}

// release delivers what is held back.
func (s *session) release(held *[]byte) error {
	if *held == nil {
		return nil
	}
	_, err := s.client.Out.Write(*held)
	*held = nil
	if err != nil {
		return clientError{err}
	}
	return nil
}

// inSeries tells whether a Query is being sent in pieces.
func (s *session) inSeries() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.series
}

// inString moves the position of an error to where it is in the string that the piece is of.
func (p *piece) inString(fields *wire.ErrorFields) {
	if position, _ := strconv.Atoi(fields.Get(wire.FieldPosition)); p != nil && position > 0 {
		fields.Set(wire.FieldPosition, strconv.Itoa(position+p.chars))
	}
}

// isWithinTransaction tells whether a warning is that of a BEGIN inside a transaction block.
func isWithinTransaction(body []byte) bool {
	fields, err := wire.DecodeError(body)
	return err == nil && fields.Get(wire.FieldCode) == "25001"
}
