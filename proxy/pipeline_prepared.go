package proxy

import (
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

// What messages and their answers do to the account of what is prepared. p.mu is held in all of this.

type name = prepared.Name[memo]

// sends takes note of a message that is sent.
func (p *pipeline) sends(e *expect) {
	switch {
	case e.flags&reprepare != 0:
	case e.kind == wire.Parse && e.stmt != nil:
		p.stmts.SentParse(e.stmt)
	case e.kind == wire.Close && e.name != nil:
		p.stmts.SentClose(e.name)
	case e.sql != nil:
		p.stmts.SentChanges(e.sql)
	}
}

// prepares takes note of a ParseComplete or CloseComplete.
func (p *pipeline) prepares(e *expect) {
	again := e.flags&reprepare != 0
	switch {
	case e.stmt != nil && again && e.kind == wire.Close:
		p.stmts.Removed(e.stmt)
	case e.stmt != nil && again:
		p.stmts.Replaced(e.stmt)
	case e.stmt != nil && e.kind == wire.Parse:
		p.stmts.Parsed(e.stmt)
	case e.name != nil:
		p.stmts.Closed(e.name)
	}
}

// skips takes note that a message had no effect.
func (p *pipeline) skips(e *expect) {
	switch {
	case e.flags&reprepare != 0:
	case e.kind == wire.Parse && e.stmt != nil:
		p.stmts.ParseSkipped(e.stmt)
	case e.kind == wire.Close && e.name != nil:
		p.stmts.CloseSkipped(e.name)
	}
	p.over(e)
}

// over takes note that all of a text is answered.
func (p *pipeline) over(e *expect) {
	if e.sql != nil {
		p.stmts.Over(e.sql)
	}
}

// reported takes note of a setting that the server reports. What it reports while a statement is prepared anew it takes
// back. What it reports while it answers other messages of ours mostly comes back, too, as search_path does, which is reported
// from version 18 on: so that waits until the client hears of what it has sent itself.
func (p *pipeline) reported(body []byte) verdict {
	var v verdict
	if p.ring.n > 0 {
		switch flags := p.ring.at(0).flags; {
		case flags&reprepare != 0:
			return verdict{action: swallow}
		case flags&hidden != 0:
			v.action = later
		}
	}
	setting, value, err := wire.DecodeParameterStatus(body)
	if err != nil {
		return v
	}
	read := p.stmts.Reading()
	switch string(setting) {
	case "client_encoding":
		read.Encoding = string(value)
	case "standard_conforming_strings":
		read.Standard = string(value) == "on"
	default:
		return v
	}
	p.stmts.Read(read)
	return v
}

// tag looks for the command tags that matter to the session.
func (p *pipeline) tag(body []byte, e *expect) {
	tag := body
	if n := len(tag); n > 0 && tag[n-1] == 0 {
		tag = tag[:n-1]
	}
	if len(tag) == 0 {
		return
	}
	p.noteSnapshot(string(tag), e)
	switch tag[0] {
	case 'C', 'R':
		if string(tag) == "COMMIT" || string(tag) == "ROLLBACK" {
			p.txEnds++
		}
	case 'P':
		switch {
		case string(tag) == "PREPARE TRANSACTION":
			p.txEnds++
		case string(tag) == "PREPARE" && e.flags&reprepare != 0:
			if e.stmt != nil {
				p.stmts.Replaced(e.stmt)
			}
		case string(tag) == "PREPARE":
			p.stmts.Tag(e.sql, p.commands, "PREPARE")
		}
	case 'D':
		switch string(tag) {
		case "DEALLOCATE", "DEALLOCATE ALL", "DISCARD ALL":
			if e.flags&hidden == 0 {
				p.stmts.Tag(e.sql, p.commands, string(tag))
			}
		}
	}
}
