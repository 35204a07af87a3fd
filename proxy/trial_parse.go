package proxy

import (
	"strconv"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// serversWords asks the server what is wrong with a text that must fail: the client's error is the answer. nil: it cannot
// be asked now, in the middle of a group of messages, where its error would end the group.
//
// In a transaction the question makes it fail, as the text does.
func (s *session) serversWords(ask *rewrite.Question) error {
	if err := s.answered(); err != nil {
		return err
	}
	s.queue.mu.Lock()
	quiet := s.queue.quiet()
	s.queue.mu.Unlock()
	if !quiet {
		return nil
	}
	var types []uint32
	if s.frame.Type == wire.Parse {
		types = s.types
	}
	g := tryParse(ask.Text.SQL, types)
	return &question{kind: trialParse, groups: []*hiddenGroup{g}, then: func(err error) error {
		fields := g.err
		switch {
		case fields == nil && err != nil:
			return err
		case fields == nil:
			return ownError(ask.Otherwise)
		case !replaceable(fields), fields.Get(wire.FieldCode) == "25P02" && !ask.Unread():
			return verbatim(fields) // the transaction had failed before, by what was sent and not answered then
		}
		position, _ := strconv.Atoi(fields.Get(wire.FieldPosition))
		if !ask.Answers(fields.Get(wire.FieldCode), fields.Get(wire.FieldFile), position) {
			return ownError(ask.Otherwise)
		}
		return verbatim(s.inClientsWords(fields, ask.Text))
	}}
}

// tryParse makes the messages that have the server parse a text under the reserved name. Nothing is executed. Unlike a query it
// may be sent in a failed transaction, but not in the middle of a group of messages.
func tryParse(sql string, types []uint32) *hiddenGroup {
	g := &hiddenGroup{flags: hidden}
	g.messages = wire.AppendClose(nil, wire.StatementOf, reserved)
	g.messages = wire.AppendParse(g.messages, reserved, sql, types)
	g.messages = wire.AppendClose(g.messages, wire.StatementOf, reserved)
	for _, kind := range []byte("CPC") {
		g.add(kind, nil)
	}
	return g
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
