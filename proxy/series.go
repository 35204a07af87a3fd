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
// A series belongs to the client's goroutine. It is at one message at a time: what the next one is, is decided when that has been
// answered.
type series struct {
	due     []duePiece  // the last one is due first, so that dividing it leaves the others where they are
	atHand  bool        // the piece that is due first is in s.frame
	inside  bool        // the unseen block is open
	rereads int64       // session.rereads when it began
	at      seriesPlace // of the last message that was sent
	next    seriesPlace // and of the one that has been decided
}

// A seriesPlace is how far a series has come.
type seriesPlace byte

const (
	seriesBegun   seriesPlace = iota // nothing is sent
	seriesOpened                     // room was made for the piece that is due first
	seriesSent                       // a piece
	seriesRefused                    // a stand-in for the piece that is due first
	seriesClosed                     // the unseen block was ended, if it was open; the Sync is due
	seriesOver                       // the Sync
)

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

// beginSeries has the simple Query in s.frame sent in pieces, or the piece of a series in pieces of its own.
func (s *session) beginSeries(pieces []rewrite.Piece) {
	sql, _ := wire.DecodeQuery(s.frame.Body)
	if run := s.series; run != nil {
		run.take()
		run.divide(sql, pieces, s.piece.chars)
		run.at, run.atHand, s.piece = seriesSent, false, &piece{} // as if there had been nothing to it
		return
	}
	s.series, s.keeping = &series{rereads: s.rereads.Load()}, false
	s.series.divide(bytes.Clone(sql), pieces, 0)
	s.piece = &piece{}
	s.queue.beginSeries()
}

// divide puts the pieces of a text, which so many characters of the string precede, before those that are due.
func (run *series) divide(sql []byte, pieces []rewrite.Piece, chars int) {
	run.due = slices.Grow(run.due, len(pieces))
	for _, p := range slices.Backward(pieces) {
		run.due = append(run.due, duePiece{sql[p.Start:p.End], chars + p.Chars, p.Control})
	}
}

// first is the piece that is due first.
func (run *series) first() *duePiece { return &run.due[len(run.due)-1] }

// take takes out the piece that is due first.
func (run *series) take() {
	*run.first() = duePiece{}
	run.due = run.due[:len(run.due)-1]
}

// sentOfSeries takes note that what was decided is expected, and about to be sent.
func (s *session) sentOfSeries() {
	run := s.series
	run.at, run.atHand = run.next, false
	switch run.at {
	case seriesSent:
		run.take()
	case seriesOver:
		s.series, s.piece = nil, nil
		s.queue.mu.Lock()
		s.queue.series = false
		s.queue.mu.Unlock()
	}
}

// decideSeries decides what the next message of a series is.
func (s *session) decideSeries(now *epoch, out *outcome) error {
	run := s.series
	if run.atHand {
		return s.decidePiece(now, out)
	}
	if err := s.answered(); err != nil { // whether a block is open decides how the pieces are sent
		return err
	}
	s.queue.mu.Lock()
	failed, idle := s.piece.failed, s.queue.status == wire.Idle
	s.queue.mu.Unlock()
	switch {
	case run.at == seriesClosed, run.at == seriesOpened && failed:
		run.next = seriesOver
		*out = outcome{sending: sending{expect: expect{kind: wire.Sync}, as: asSync}}
		return nil
	case run.at == seriesSent && failed, run.at == seriesRefused:
		return s.closeBlock("ROLLBACK", out)
	case run.at == seriesSent:
		run.inside = run.inside && !s.piece.begins
	}
	if len(run.due) == 0 {
		return s.closeBlock("COMMIT", out)
	}
	if run.at != seriesOpened && s.makesRoom(run.first().control, idle, out) {
		return nil
	}
	return s.decidePiece(now, out)
}

// makesRoom decides whether the unseen block has to be opened or ended before the next piece, or the piece to be refused:
// PREPARE TRANSACTION is, where the client has no block open. PostgreSQL prepares the implicit one, with a warning; sent alone, the
// statement would prepare nothing.
func (s *session) makesRoom(next rewrite.Control, idle bool, out *outcome) bool {
	run := s.series
	switch {
	case next == rewrite.Prepares && (run.inside || idle):
		s.piece, run.next = &piece{}, seriesRefused
		*out = s.refusePiece("PREPARE TRANSACTION cannot be part of a string of statements that is sent in parts, where no BEGIN precedes it")
		return true
	case !run.inside && (next != rewrite.NoControl || !idle):
		return false
	case !run.inside:
		s.unseen("BEGIN", &piece{}, seriesOpened, out)
		run.inside = true
		return true
	case next == rewrite.Commits:
		s.unseen("COMMIT", &piece{closes: true}, seriesOpened, out)
	case next == rewrite.RollsBack, next == rewrite.NeedsBlock:
		s.unseen("ROLLBACK", &piece{closes: true}, seriesOpened, out)
	default:
		return false
	}
	run.inside = false
	return true
}

// refusePiece has the server fail where the piece at hand would have been executed.
func (s *session) refusePiece(why string) outcome {
	e := raise(&wire.Error{Code: "0A000", Message: why, Hint: "Send the statements one by one."})
	return outcome{sending: s.standIn(wire.Query, e)}
}

// closeBlock ends the unseen block if it is open. An error is the client's.
func (s *session) closeBlock(how string, out *outcome) error {
	run := s.series
	if !run.inside {
		run.at = seriesClosed
		return errMoved
	}
	run.inside = false
	s.unseen(how, &piece{closes: true}, seriesClosed, out)
	return nil
}

// unseen decides that a statement is sent of which the client sees nothing but an error.
func (s *session) unseen(sql string, p *piece, place seriesPlace, out *outcome) {
	s.piece, s.series.next = p, place
	*out = outcome{sending: sending{expect: expect{kind: wire.Query, flags: hidden, piece: p}, as: asQuery, source: sql}}
}

// decidePiece decides about the piece that is due first as if it had come as a Query of its own, unless it would be read otherwise
// than the string was: the server reads a string as a whole before it executes the first of its statements.
func (s *session) decidePiece(now *epoch, out *outcome) (err error) {
	run, p := s.series, s.series.first()
	if !run.atHand {
		raw := wire.AppendQuery(nil, string(p.text))
		s.frame = wire.Frame{Type: wire.Query, Raw: raw, Body: raw[5:]}
		s.piece = &piece{chars: p.chars, last: run.inside && len(run.due) == 1, begins: run.inside && p.control == rewrite.Begins}
		s.at = deciding{}
		run.next, run.atHand = seriesSent, true
	}
	plain := !bytes.ContainsFunc(p.text, func(r rune) bool { return r == '\\' || r >= 0x80 })
	if !plain && s.rereads.Load() != run.rereads {
		*out = s.refusePiece("a string of statements cannot go on in parts after client_encoding or standard_conforming_strings has changed in it")
		return nil
	}
	if now.live {
		*out, err = s.query(now)
	} else {
		*out, err = s.queryUnseen(now)
	}
	return err
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

// A heldTag is what comes later than the server sends it: in a series the tag of the last statement, when the unseen block
// has been committed, and in a series or while the server answers messages of ours reports of settings, right before the
// client's ReadyForQuery (ReportChangedGUCOptions in guc.c). It belongs to the server's goroutine.
type heldTag struct {
	tag      []byte
	settings [][]byte          // ParameterStatus messages
	reported map[string]string // settings whose value has changed since start-up
}

// holdTag holds back a message that is to come later, and delivers what is held when its time has come.
func (s *session) holdTag(kind byte, raw []byte, v verdict) (held bool, err error) {
	p, h := v.expect.piece, &s.tag
	switch {
	case kind == wire.ParameterStatus && (v.action == later || s.inSeries()):
		h.settings = append(h.settings, bytes.Clone(raw))
		return true, nil
	case kind == wire.ParameterStatus:
		h.forget(raw)
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

// forget drops what is held of a setting that is reported now: it is older.
func (h *heldTag) forget(report []byte) {
	name, _, err := wire.DecodeParameterStatus(report[5:])
	if err != nil {
		return
	}
	h.settings = slices.DeleteFunc(h.settings, func(held []byte) bool {
		of, _, err := wire.DecodeParameterStatus(held[5:])
		return err == nil && bytes.Equal(of, name)
	})
}

// releaseSettings reports the settings that are others than the client knows them.
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
		if string(name) == "search_path" {
			s.staleHint.Store(true)
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
