package proxy

import (
	"errors"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
)

// errNoRow is the answer to a query that has succeeded without a result.
var errNoRow = errors.New("no row was returned")

// ownQuery makes the messages of a query of the proxy's on the session's own server: with all, the description and all rows of
// the answer are kept, else the last row.
func ownQuery(sql string, all bool, params ...[]byte) *hiddenGroup {
	g := &hiddenGroup{injection: injection{all: all}, flags: hidden}
	g.messages = wire.AppendClose(make([]byte, 0, len(sql)+256), wire.StatementOf, reserved)
	g.messages = wire.AppendParse(g.messages, reserved, sql, nil)
	g.messages = wire.AppendBind(g.messages, reserved, reserved, params...)
	kinds := "CPBECC"
	if all {
		g.messages = wire.AppendDescribe(g.messages, wire.PortalOf, reserved)
		kinds = "CPBDECC"
	}
	g.messages = wire.AppendExecute(g.messages, reserved, 0)
	g.messages = wire.AppendClose(g.messages, wire.PortalOf, reserved)
	g.messages = wire.AppendClose(g.messages, wire.StatementOf, reserved)
	for _, kind := range []byte(kinds) {
		g.add(kind, nil)
	}
	return g
}

// value is that of the only column of the last row.
func (g *hiddenGroup) value() ([]byte, error) {
	if g.row == nil {
		return nil, errNoRow
	}
	row, err := wire.DecodeDataRow(nil, g.row)
	if err != nil || len(row) != 1 {
		return nil, raise(&wire.Error{Code: "XX000", Message: "segue: unexpected answer to a question about the session"})
	}
	return row[0], nil
}

// ask asks the session's own server by a query that returns one value, for then. Must not be called in a failed transaction.
func (s *session) ask(sql string, then func(value []byte) error, params ...[]byte) error {
	g := ownQuery(sql, false, params...)
	return s.askAll([]*hiddenGroup{g}, takesNoSnapshot(sql), func() error {
		value, err := g.value()
		if err != nil {
			return err
		}
		return then(value)
	})
}

// takesNoSnapshot tells whether a query of the proxy's can be asked in every transaction.
func takesNoSnapshot(sql string) bool { return strings.HasPrefix(sql, "SHOW ") }

// askAll is ask with queries of any result, which are in the groups when then is called. plain says that none of them takes a
// snapshot.
func (s *session) askAll(queries []*hiddenGroup, plain bool, then func() error) error {
	if !plain {
		if err := s.mayAsk(); err != nil {
			return err
		}
	}
	return &question{kind: ownQueries, groups: queries, then: func(err error) error {
		if err != nil {
			return err
		}
		return then()
	}}
}
