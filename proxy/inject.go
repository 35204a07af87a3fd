package proxy

import (
	"bytes"

	"github.com/seguedb/segue/proxy/wire"
)

// reserved names the statement and the portal of injected messages.
const reserved = "_segue_"

// An injection is a query of the proxy's own on the session's server. Guarded by queue.mu.
type injection struct {
	row         []byte // body of its last DataRow
	all         bool   // keep every row and the description
	rows        [][]byte
	each        func(body []byte) // gets every DataRow, under queue.mu; nil: they are kept
	description []byte
	err         wire.ErrorFields
	done        bool
	skipped     bool // the server discarded it, or has failed it and told the client
}

func (i *injection) fail(body []byte) {
	i.err, _ = wire.DecodeError(body)
	if i.err == nil {
		i.err = wire.ErrorFields{{Code: wire.FieldCode, Value: "XX000"}, {Code: wire.FieldMessage, Value: "segue: unreadable error"}}
	}
}

// tooLong takes note of a row of an answer that is too long to be read. Of answers that are read row by row, that one is missing.
func (p *pipeline) tooLong() {
	if p.ring.n == 0 {
		return
	}
	if i := p.ring.at(0).inj; i != nil && i.each == nil && i.err == nil {
		i.err = wire.ErrorFields{
			{Code: wire.FieldSeverity, Value: "ERROR"}, {Code: wire.FieldSeverityFixed, Value: "ERROR"}, {Code: wire.FieldCode, Value: "54000"},
			{Code: wire.FieldMessage, Value: "segue: what the server says of this statement is too long"},
		}
	}
}

func (i *injection) skip() {
	if i.err == nil {
		i.skipped = true
	}
}

// take keeps what matters of an answer.
func (i *injection) take(kind byte, body []byte) {
	switch {
	case kind == wire.DataRow && i.each != nil:
		i.each(body)
	case kind == wire.RowDescription && i.all:
		i.description = bytes.Clone(body)
	case kind == wire.DataRow && i.all:
		i.rows = append(i.rows, bytes.Clone(body))
	case kind == wire.DataRow:
		i.row = append(i.row[:0], body...)
	}
}
