package proxy

import (
	"bytes"
	"errors"
	"strings"

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

// errNoRow is returned by ask when the query succeeded without a result.
var errNoRow = errors.New("no row was returned")

func (i *injection) fail(body []byte) {
	i.err, _ = wire.DecodeError(body)
	if i.err == nil {
		i.err = wire.ErrorFields{{Code: wire.FieldCode, Value: "XX000"}, {Code: wire.FieldMessage, Value: "segue: unreadable error"}}
	}
}

// tooLong takes note of a row of an answer that is too long to be read. Of answers that are read row by row, that one is missing.
func (q *queue) tooLong() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ring.n == 0 {
		return
	}
	if i := q.ring.at(0).inj; i != nil && i.each == nil && i.err == nil {
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

// ask runs a query that returns one value, and returns it.
//
// When nothing is in flight, the messages end with Sync, and an error is returned as a *wire.Error. In an open pipeline
// they end with Flush, so that no implicit transaction is committed; an error, be it of these messages or of earlier
// ones, then goes to the client, the server discards what follows up to Sync, and ask returns errSkipped.
//
// A simple Query is never used: it would destroy the client's unnamed statement and portal. Must not be called in a
// failed transaction.
func (s *session) ask(sql string, params ...[]byte) ([]byte, error) {
	inj, err := s.inject(sql, false, params)
	switch {
	case err != nil:
		return nil, err
	case inj.row == nil:
		return nil, errNoRow
	}
	row, err := wire.DecodeDataRow(nil, inj.row)
	if err != nil || len(row) != 1 {
		return nil, raise(&wire.Error{Code: "XX000", Message: "segue: unexpected answer to a question about the session"})
	}
	return row[0], nil
}

// inject is ask for a query of any result: with all, the description and all rows are kept, else the last row.
func (s *session) inject(sql string, all bool, params [][]byte) (*injection, error) {
	inj := &injection{all: all}
	return inj, s.injectAs(inj, sql, params)
}

// injectAs is inject with an injection that says what becomes of the answers.
func (s *session) injectAs(inj *injection, sql string, params [][]byte) error {
	if !strings.HasPrefix(sql, "SHOW ") && s.beforeSnapshot() {
		if err := s.mayAsk(); err != nil {
			return err
		}
	}
	all := inj.all
	b := wire.AppendClose(nil, wire.StatementOf, reserved)
	b = wire.AppendParse(b, reserved, sql, nil)
	b = wire.AppendBind(b, reserved, reserved, params...)
	kinds := "CPBEC"
	if all {
		b = wire.AppendDescribe(b, wire.PortalOf, reserved)
		kinds = "CPBDEC"
	}
	b = wire.AppendExecute(b, reserved, 0)
	b = wire.AppendClose(b, wire.PortalOf, reserved)
	b = wire.AppendClose(b, wire.StatementOf, reserved)

	q := &s.queue
	q.mu.Lock()
	if q.stop != nil {
		defer q.mu.Unlock()
		return q.stop
	}
	quiet := q.quiet()
	flags := hidden
	if quiet {
		flags |= captured
		b = wire.AppendSync(b)
	} else {
		b = wire.AppendFlush(b)
	}
	for _, kind := range []byte(kinds) {
		q.pipeline.push(expect{kind: kind, flags: flags, inj: inj})
	}
	if quiet {
		q.pipeline.push(expect{kind: 'C', flags: flags, inj: inj})
		q.pipeline.push(expect{kind: 'S', flags: flags | last, inj: inj})
	} else {
		q.pipeline.push(expect{kind: 'C', flags: flags | last, inj: inj})
	}
	q.mu.Unlock()

	if _, err := s.server.Out.Write(b); err != nil {
		return err
	}
	err := s.await(inj)
	if inj.err != nil {
		return inj.err.Error()
	}
	return err
}
