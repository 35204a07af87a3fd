package proxy

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/srcpos"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// raise tells an error where it comes from.
func raise(e *wire.Error) *wire.Error {
	e.File, e.Line, e.Routine = srcpos.Here().Place()
	return e
}

func oid(n uint32) catalog.OID { return catalog.OID(n) }

// mend delivers an error or notice in the words of the client's version. What cannot be read goes on as it is.
func (s *session) mend(f wire.Frame, e expect) error {
	fields, err := wire.DecodeError(f.Body)
	if err != nil {
		return s.deliver(f)
	}
	switch {
	case f.Type == wire.ErrorResponse && e.fail != nil && replaceable(fields):
		fields = e.fail.Fields()
	case e.text != nil && f.Type == wire.ErrorResponse:
		fields = s.inClientsWords(fields, e.text)
	case e.text != nil:
		s.reword(&fields, e.text)
	default:
		s.rewordBlind(&fields)
	}
	e.piece.inString(&fields)
	if _, err := s.client.Out.Write(fields.AppendTo(s.client.Out.AvailableBuffer(), f.Type)); err != nil {
		return clientError{err}
	}
	return nil
}

// replaceable tells whether an error to a stand-in is one that our own stands for. A server that is being shut down, or
// that was asked to cancel, means what it says.
func replaceable(fields wire.ErrorFields) bool {
	code := fields.Get(wire.FieldCode)
	return !strings.HasPrefix(code, "57") && fields.Get(wire.FieldSeverityFixed) == "ERROR"
}

// inClientsWords makes of an error to a rewritten text what it would be to the client's.
func (s *session) inClientsWords(fields wire.ErrorFields, t *rewrite.Text) wire.ErrorFields {
	position, _ := strconv.Atoi(fields.Get(wire.FieldPosition))
	if f := t.FailureAt(fields.Get(wire.FieldCode), fields.Get(wire.FieldMessage), position); f != nil {
		return ownError(f).Fields()
	}
	s.reword(&fields, t)
	return fields
}

// isTimeout tells whether a read ended because of a deadline.
func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// quoteName quotes an identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
