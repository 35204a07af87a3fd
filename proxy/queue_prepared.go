package proxy

import (
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

// What messages and their answers do to the account of what is prepared. q.mu is held in all of this.

type name = prepared.Name[memo]

// sends takes note of a message that is sent.
func (q *queue) sends(e *expect) {
	switch {
	case e.flags&reprepare != 0:
	case e.kind == wire.Parse && e.stmt != nil:
		q.stmts.SentParse(e.stmt)
	case e.kind == wire.Close && e.name != nil:
		q.stmts.SentClose(e.name)
	case e.sql != nil:
		q.stmts.SentChanges(e.sql)
	}
}

// prepares takes note of a ParseComplete or CloseComplete.
func (q *queue) prepares(e *expect) {
	again := e.flags&reprepare != 0
	switch {
	case e.stmt != nil && again && e.kind == wire.Close:
		q.stmts.Removed(e.stmt)
	case e.stmt != nil && again:
		q.stmts.Replaced(e.stmt)
	case e.stmt != nil && e.kind == wire.Parse:
		q.stmts.Parsed(e.stmt)
	case e.name != nil:
		q.stmts.Closed(e.name)
	}
}

// skips takes note that a message had no effect.
func (q *queue) skips(e *expect) {
	switch {
	case e.flags&reprepare != 0:
	case e.kind == wire.Parse && e.stmt != nil:
		q.stmts.ParseSkipped(e.stmt)
	case e.kind == wire.Close && e.name != nil:
		q.stmts.CloseSkipped(e.name)
	}
	q.over(e)
}

// over takes note that all of a text is answered.
func (q *queue) over(e *expect) {
	if e.sql != nil {
		q.stmts.Over(e.sql)
	}
}

// reported takes note of a setting that the server reports. What it reports while a statement is prepared anew it takes
// back.
func (q *queue) reported(body []byte) verdict {
	if q.ring.n > 0 && q.ring.at(0).flags&reprepare != 0 {
		return verdict{action: swallow}
	}
	setting, value, err := wire.DecodeParameterStatus(body)
	if err != nil {
		return verdict{}
	}
	read := q.stmts.Reading()
	switch string(setting) {
	case "client_encoding":
		read.Encoding = string(value)
	case "standard_conforming_strings":
		read.Standard = string(value) == "on"
	default:
		return verdict{}
	}
	q.stmts.Read(read)
	return verdict{}
}

// tag looks for the command tags that matter to the session.
func (q *queue) tag(body []byte, e *expect) {
	tag := body
	if n := len(tag); n > 0 && tag[n-1] == 0 {
		tag = tag[:n-1]
	}
	if len(tag) == 0 {
		return
	}
	q.noteSnapshot(string(tag), e)
	switch tag[0] {
	case 'C', 'R':
		if string(tag) == "COMMIT" || string(tag) == "ROLLBACK" {
			q.txEnds++
		}
	case 'P':
		switch {
		case string(tag) == "PREPARE TRANSACTION":
			q.txEnds++
		case string(tag) == "PREPARE" && e.flags&reprepare != 0:
			if e.stmt != nil {
				q.stmts.Replaced(e.stmt)
			}
		case string(tag) == "PREPARE":
			q.stmts.Tag(e.sql, q.commands, "PREPARE")
		}
	case 'D':
		switch string(tag) {
		case "DEALLOCATE", "DEALLOCATE ALL", "DISCARD ALL":
			if e.flags&hidden == 0 {
				q.stmts.Tag(e.sql, q.commands, string(tag))
			}
		}
	}
}
