package proxy

import (
	"errors"
	"fmt"
	"io"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// maxMended bounds the messages of the server that are held whole to be looked into.
const maxMended = 16 << 20

// serveServer relays what the server sends until it closes the connection.
func (s *session) serveServer() error {
	for {
		if !s.server.In.Buffered() {
			if err := s.client.Out.Flush(); err != nil {
				return clientError{err}
			}
			if s.serverToLoop() {
				return errInLoop
			}
		}
		f, err := s.server.In.Next()
		if err != nil {
			return err
		}
		if err := s.serveFrame(f); err != nil {
			return err
		}
	}
}

// passes tells whether a frame of the server's goes to the client whatever is in it.
func (s *session) passes(f wire.Frame) bool {
	return f.Type == wire.CopyData || f.Type == wire.DataRow && s.passRows
}

// serveFrame handles a frame of the server's, of which the rest may still have to come.
func (s *session) serveFrame(f wire.Frame) (err error) {
	if s.passes(f) {
		return s.deliver(f)
	}
	if f.Rest > 0 && f.Type != wire.DataRow || f.Rest > 0 && s.queue.captures() {
		if f.Size() > maxMended && (f.Type == wire.ErrorResponse || f.Type == wire.NoticeResponse || f.Type == wire.DataRow) {
			s.passRows = false
			return s.passLong(f)
		}
		if f, err = s.server.In.ReadRest(f, maxMended); err != nil {
			return err
		}
	}
	return s.response(f)
}

// seeTo sees to a question that a message of the server's has raised; nil: there is none. It blocks the server's goroutine.
func (s *session) seeTo(err error) error {
	if q, asks := err.(*question); asks {
		return q.answered(s.perform(q))
	}
	return err
}

// passLong handles a message that is too long to be looked into: an error or notice goes to the client in the server's words,
// and a row that answers a question of ours is none.
func (s *session) passLong(f wire.Frame) error {
	if f.Type == wire.DataRow {
		s.queue.mu.Lock()
		s.queue.tooLong()
		s.queue.mu.Unlock()
		return s.server.In.CopyRest(io.Discard)
	}
	v := s.queue.respond(f.Type, f.Body)
	if s.late != nil && f.Type == wire.ErrorResponse {
		if err := s.deliverLate(); err != nil {
			return err
		}
	}
	if _, err := s.holdTag(f.Type, f.Raw, v); err != nil {
		return err
	}
	if v.action == swallow {
		return s.server.In.CopyRest(io.Discard)
	}
	return s.deliver(f)
}

// clientError says that it was the client's side that failed.
type clientError struct{ error }

func (e clientError) Unwrap() error { return e.error }

// deliver writes a frame of the server to the client as it is.
func (s *session) deliver(f wire.Frame) error {
	if _, err := s.client.Out.Write(f.Raw); err != nil {
		return clientError{err}
	}
	if f.Rest == 0 {
		return nil
	}
	if err := s.server.In.CopyRest(s.client.Out); err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return nil
}

// errCut says that the client has got part of a message only, so that nothing more can be said to it.
var errCut = errors.New("a message was cut off")

// response handles one message of the server.
func (s *session) response(f wire.Frame) error {
	v := s.queue.respond(f.Type, f.Body)
	return s.responded(f, v, s.raises(f, v))
}

// raises is what has to be asked before a response can be handled; nil: nothing.
func (s *session) raises(f wire.Frame, v verdict) error {
	if f.Type == wire.RowDescription && v.action == forward && v.expect.text == nil {
		return s.meet(f.Body)
	}
	return nil
}

// responded handles one message of the server of which the queue has taken note, and which raises a question; nil: none.
func (s *session) responded(f wire.Frame, v verdict, asks error) error {
	if s.seeTo(asks) != nil {
		return s.refuseStranger()
	}
	s.passRows = f.Type == wire.DataRow && v.action == forward
	switch f.Type {
	case wire.ParameterStatus:
		s.parameter(f.Body, v.action == later)
	case wire.CommandComplete:
		s.altered = s.altered || v.expect.flags&unshared == 0 && (v.expect.flags&schema != 0 || changesSchema(f.Body))
	case wire.ReadyForQuery:
		s.srv.noteLanding()
		status, err := wire.DecodeReadyForQuery(f.Body)
		over := s.altered && status == wire.Idle && err == nil
		if v.ended != nil {
			s.srv.madeEnded(v.ended)
		} else if over {
			s.srv.schemaChanged(nil)
		}
		s.altered = s.altered && !over
	}
	if s.plan.raw != nil && endsPlan(f.Type) {
		if err := s.showPlan(); err != nil {
			return err
		}
	}
	switch {
	case v.postponed:
		return s.postpone(f, v)
	case s.late != nil && f.Type == wire.ReadyForQuery:
		return s.decideLate(&f)
	case s.late != nil && f.Type == wire.ErrorResponse: // the server ends the session before it is ready
		if err := s.deliverLate(); err != nil {
			return err
		}
	}
	if held, err := s.holdTag(f.Type, f.Raw, v); held || err != nil {
		return err
	}
	switch v.action {
	case swallow:
	case collect:
		held, err := s.holdRow(f, v)
		if held || err != nil {
			return err
		}
		s.passRows = true
		return s.deliver(f)
	case mend:
		return s.mend(f, v.expect)
	case check:
		if err := s.verify(f, v); err != nil {
			return err
		}
		return s.deliver(f)
	default:
		if f.Type == wire.ErrorResponse || f.Type == wire.NoticeResponse {
			return s.rewordUnseen(f)
		}
		if err := s.deliver(f); err != nil {
			return err
		}
	}
	if f.Type == wire.ReadyForQuery {
		return s.leaveIfDraining()
	}
	return nil
}

// parameter follows the settings that the server reports. A search_path that is to be reported later may be one that was set
// only for a question of ours.
func (s *session) parameter(body []byte, later bool) {
	name, value, err := wire.DecodeParameterStatus(body)
	if err != nil {
		return
	}
	switch string(name) {
	case "application_name":
		s.setApplication(string(value))
	case "client_encoding":
		s.encoding = string(value)
		s.rereads.Add(1)
		s.staleHint.Store(true)
	case "standard_conforming_strings":
		s.rereads.Add(1)
		s.staleHint.Store(true)
	case "session_authorization":
		s.staleHint.Store(true)
	case "search_path":
		if !later {
			s.staleHint.Store(true)
		}
	}
}

// changesSchema tells whether a command tag is that of DDL.
func changesSchema(tag []byte) bool {
	has := func(prefix string) bool { return len(tag) >= len(prefix) && string(tag[:len(prefix)]) == prefix }
	if len(tag) == 0 {
		return false
	}
	switch tag[0] {
	case 'A':
		return has("ALTER ")
	case 'C':
		return has("CREATE ")
	case 'D':
		return has("DROP ")
	}
	return false
}

// verify gives the oracle a RowDescription. An error ends the session.
func (s *session) verify(f wire.Frame, v verdict) error {
	var err error
	s.fields, err = wire.DecodeRowDescription(s.fields, f.Body)
	if err != nil {
		return err
	}
	s.columns = s.columns[:0]
	for _, field := range s.fields {
		s.columns = append(s.columns, rewrite.Column{
			Label: string(field.Name), Table: oid(field.Table), Num: field.Column, Known: true,
		})
	}
	if err = v.expect.text.Verify(s.link.Request.User, v.statement(), s.columns); err == nil {
		return nil
	}
	s.srv.metrics.mispredicted.Inc()
	s.srv.log.Error("the result is not as predicted: this is a bug of segue", "error", err, "statement", v.expect.text.Sample())
	// Perhaps the catalog or the state was outdated. If so, the next snapshot brings a binder that trusts the text again.
	s.staleHint.Store(true)
	s.srv.schemaChanged(nil)
	if !s.srv.cfg.StrictOracle && !v.expect.text.Suspect() {
		return nil
	}
	_, _ = s.client.Out.Write((raise(&wire.Error{
		Severity: "FATAL", Code: "XX000", Message: fmt.Sprintf("segue: the result is not as predicted: %v", err),
	})).AppendTo(nil))
	return errors.New("the result is not as predicted")
}
