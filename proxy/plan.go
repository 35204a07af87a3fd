package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// maxPlan bounds the bytes of the rows of one plan that are held back to be put into the version's names. A plan that is
// longer goes on as the server has printed it, all of it.
const maxPlan = 1 << 20

// A heldPlan is what an EXPLAIN has returned so far. It belongs to the server's goroutine.
type heldPlan struct {
	text      *rewrite.Text
	statement int
	raw       []byte // the rows as they came
	rows      []string
	values    [][]byte
}

// holdRow holds back a row of a plan; false means that it is to be passed on, and those that follow it.
func (s *session) holdRow(f wire.Frame, v verdict) (held bool, err error) {
	p := &s.plan
	p.text, p.statement = v.expect.text, v.statement()
	if len(p.raw)+f.Size() > maxPlan {
		return false, s.passPlan()
	}
	if f, err = s.server.In.ReadRest(f, maxPlan); err != nil {
		return false, err
	}
	p.raw = append(p.raw, f.Raw...)
	if p.values, err = wire.DecodeDataRow(p.values, f.Body); err != nil || len(p.values) != 1 || p.values[0] == nil {
		return true, s.passPlan() // what it is, the client has to say
	}
	p.rows = append(p.rows, string(p.values[0]))
	return true, nil
}

// passPlan delivers what is held as it came.
func (s *session) passPlan() error {
	raw := s.plan.raw
	s.plan = heldPlan{}
	if _, err := s.client.Out.Write(raw); err != nil {
		return clientError{err}
	}
	return nil
}

// showPlan delivers what is held in the version's names.
func (s *session) showPlan() error {
	rows, changed := s.plan.text.MapPlan(s.plan.statement, s.plan.rows)
	if !changed {
		return s.passPlan()
	}
	s.plan = heldPlan{}
	for _, row := range rows {
		if _, err := s.client.Out.Write(wire.AppendDataRow(s.client.Out.AvailableBuffer(), row)); err != nil {
			return clientError{err}
		}
	}
	return nil
}

// endsPlan tells whether the rows that are held are all that come before this message. Others come at any time.
func endsPlan(kind byte) bool {
	switch kind {
	case wire.DataRow, wire.NoticeResponse, wire.ParameterStatus, wire.NotificationResponse:
		return false
	}
	return true
}
