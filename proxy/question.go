package proxy

import (
	"strconv"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// serversWords asks the server what is wrong with a text that must fail, and returns the client's error. nil: it cannot
// be asked now, in the middle of a group of messages, where its error would end the group.
//
// In a transaction the question makes it fail, as the text does.
func (s *session) serversWords(ask *rewrite.Question) (*wire.Error, error) {
	fields, asked, err := s.tryParse(ask.Text.SQL)
	if !asked || err != nil {
		return nil, err
	}
	if fields == nil {
		return ownError(ask.Otherwise), nil
	}
	if !replaceable(fields) || fields.Get(wire.FieldCode) == "25P02" && !ask.Unread() {
		return verbatim(fields), nil // the transaction had failed before, by what was sent and not answered then
	}
	position, _ := strconv.Atoi(fields.Get(wire.FieldPosition))
	if !ask.Answers(fields.Get(wire.FieldCode), fields.Get(wire.FieldFile), position) {
		return ownError(ask.Otherwise), nil
	}
	return verbatim(s.inClientsWords(fields, ask.Text)), nil
}

// tryParse has the server parse a text under the reserved name, and tells with what error it fails; nil when it does
// not. Nothing is executed. asked is false, and nothing was sent, in the middle of a group of messages. Unlike ask it
// may be used in a failed transaction.
func (s *session) tryParse(sql string) (fields wire.ErrorFields, asked bool, err error) {
	if err := s.answered(); err != nil {
		return nil, false, err
	}
	var types []uint32
	if s.frame.Type == wire.Parse {
		types = s.types
	}
	b := wire.AppendClose(nil, wire.StatementOf, reserved)
	b = wire.AppendParse(b, reserved, sql, types)
	b = wire.AppendClose(b, wire.StatementOf, reserved)
	b = wire.AppendSync(b)

	inj := new(injection)
	q := &s.queue
	q.mu.Lock()
	switch {
	case q.stop != nil:
		defer q.mu.Unlock()
		return nil, false, q.stop
	case !q.quiet():
		q.mu.Unlock()
		return nil, false, nil
	}
	for _, kind := range []byte("CPC") {
		q.pipeline.push(expect{kind: kind, flags: hidden | captured, inj: inj})
	}
	q.pipeline.push(expect{kind: wire.Sync, flags: hidden | captured | last, inj: inj})
	q.mu.Unlock()
	if _, err := s.server.Out.Write(b); err != nil {
		return nil, true, err
	}
	if err := s.server.Out.Flush(); err != nil {
		return nil, true, err
	}
	err = q.until(func() bool { return inj.done || inj.skipped })
	return inj.err, true, err
}

// verbatim is an error with all the fields that a server has given it.
func verbatim(fields wire.ErrorFields) *wire.Error {
	e := fields.Error()
	e.Sent = fields
	return e
}

// ownError is an error of the rewriter's for the client.
func ownError(f *rewrite.Error) *wire.Error {
	e := &wire.Error{Code: f.Code, Message: f.Message, Detail: f.Detail, Hint: f.Hint}
	if f.Position > 0 {
		e.Position = strconv.Itoa(f.Position)
	}
	e.File, e.Line, e.Routine = f.Place()
	return e
}
