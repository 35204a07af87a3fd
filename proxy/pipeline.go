package proxy

import (
	"time"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

// A pipeline knows what the server has still to answer, in the order in which it was asked. All that follows from responses
// (the transaction state, which statements are prepared, what is in flight) is kept here, because it changes when the response
// comes and not when the message is sent. It is data only: it does no I/O, waits for nobody, and is not safe for concurrent use.
//
// It mirrors the states of PostgresMain: after an error in the extended protocol the server discards messages until
// Sync, and so does the pipeline, a simple Query included; inside COPY FROM STDIN it ignores Sync and Flush.
type pipeline struct {
	ring  ring
	clock func() time.Time

	status   byte      // of the last ReadyForQuery
	began    time.Time // when the server got something to do, since it was last Idle with nothing to do; zero: it has not
	unsynced bool      // messages of the extended protocol were sent since the last Sync or Query
	skipping bool      // the server discards messages until Sync, and no Sync has been sent yet
	copyIn   bool      // the server reads CopyData, and its end has not been sent yet
	commands int       // completed commands of the simple Query at the head
	changed  bool      // something that can be waited for may have come about; whoever wakes the waiting takes it back

	responses uint64 // seen; of rows not all

	readies  uint64 // ReadyForQuery seen
	lastIdle uint64 // what readies was at the last one that said Idle
	txEnds   uint64 // COMMIT and ROLLBACK seen, ROLLBACK TO included
	failedAt uint64 // what txEnds was at the last ReadyForQuery

	stmts     prepared.Account[memo]
	flights   []flight
	makings   []openMaking // sent, in transactions that have not ended
	retry     retry
	series    bool   // a Query is being sent in pieces: see series.go
	failures  uint64 // errors after which the server has discarded messages
	snapshot  hasSnapshot
	groupEnds bool // a statement that may end a transaction was sent in the open group of the extended protocol
}

func (p *pipeline) init(status byte, read prepared.Reading) {
	p.status, p.clock = status, time.Now
	p.stmts.Init(read)
}

// push takes note of a message that is about to be sent.
func (p *pipeline) push(e expect) {
	switch e.kind {
	case wire.CopyDone:
		if p.copyIn {
			p.copyIn = false
			return
		}
		if p.ring.n == 0 {
			return // late, after an error: the server ignores it
		}
	case wire.Sync:
		if p.copyIn {
			return
		}
		p.unsynced, p.skipping, p.groupEnds = false, false, false
		p.stmts.Group()
	case wire.Query, wire.FuncCall:
		if p.skipping {
			return
		}
		p.unsynced, p.groupEnds = false, false
		p.stmts.Group()
	default:
		p.unsynced = true
		if p.skipping {
			if e.inj != nil {
				e.inj.skip()
			}
			return
		}
	}
	if p.began.IsZero() {
		p.began = p.clock()
	}
	p.sends(&e)
	p.ring.push(e)
}

// respond takes note of a response and says what to do with it. body is only looked at for those types for which it
// matters; when only the first part of it is at hand that is no harm.
func (p *pipeline) respond(kind byte, body []byte) verdict {
	p.responses++
	v := p.note(kind, body)
	p.retry.answered(kind, v)
	return v
}

// note is respond but for what follows for another try.
func (p *pipeline) note(kind byte, body []byte) verdict {
	switch kind {
	case wire.NotificationResponse:
		return verdict{}
	case wire.ParameterStatus:
		return p.reported(body)
	case wire.NoticeResponse:
		return p.notice(body)
	case wire.ErrorResponse:
		return p.failed(body)
	case wire.ReadyForQuery:
		return p.ready(body)
	}
	e := p.align(kind)
	if e == nil {
		return verdict{}
	}
	v := verdict{expect: *e, command: p.commands}
	if e.flags&hidden != 0 {
		v.action = swallow
	}
	switch kind {
	case wire.ParseComplete, wire.CloseComplete:
		p.prepares(e)
		p.pop()
	case wire.NoData:
		p.describes(e, nil)
		p.pop()
	case wire.BindComplete:
		p.pop()
	case wire.PortalSuspended:
		p.snapshot = ownSnapshot
		p.over(e)
		p.pop()
	case wire.ParameterDescription:
		if e.stmt != nil {
			e.stmt.Describe(body)
		}
	case wire.RowDescription:
		if e.inj != nil {
			e.inj.take(kind, body)
		}
		if v.action == forward && e.text != nil && !e.text.Verified() {
			v.action = check
		}
		if e.kind == wire.Describe {
			p.describes(e, body)
			p.pop()
		}
	case wire.CommandComplete, wire.EmptyQueryResponse:
		if kind == wire.CommandComplete {
			p.tag(body, e)
		}
		if e.kind == wire.Execute {
			p.over(e)
			p.pop()
		} else {
			p.commands++
		}
	case wire.DataRow:
		if e.inj != nil {
			e.inj.take(kind, body)
		} else if v.action == forward && e.text != nil && e.text.ShowsPlan(v.statement()) {
			v.action = collect
		}
	case wire.CopyInResponse:
		p.startCopyIn()
	}
	return v
}

// describes takes note of what a statement's result looks like.
func (p *pipeline) describes(e *expect, body []byte) {
	if e.stmt != nil {
		e.stmt.Memo.result.shows(body, e.flags&reprepare != 0)
	}
}

// align returns the entry that a response of this type answers. A Sync that got no answer was sent inside a COPY, and is
// passed over.
func (p *pipeline) align(kind byte) *expect {
	for p.ring.n > 0 {
		e := p.ring.at(0)
		if e.kind != wire.Sync || kind == wire.ReadyForQuery {
			return e
		}
		p.pop()
	}
	return nil
}

// failed takes note of an ErrorResponse.
func (p *pipeline) failed(body []byte) verdict {
	if p.ring.n == 0 {
		return verdict{}
	}
	e := *p.ring.at(0)
	if e.fail != nil && e.fail.Code == "" {
		e.fail = nil
	}
	v := verdict{expect: e}
	switch {
	case e.flags&captured != 0:
		v.action = swallow
		e.inj.fail(body)
	case e.fail != nil || e.text != nil || e.piece != nil:
		v.action = mend
	}
	if spoilt := p.spoiltLevel(body); spoilt != nil && e.flags&captured == 0 && e.fail == nil {
		v.action, v.expect.fail = mend, spoilt
	}
	if e.piece != nil {
		e.piece.failed = true
	}
	v.postponed = p.retry.postpones(&e, body)
	if e.kind == wire.Parse && e.stmt != nil && e.flags&reprepare == 0 {
		p.stmts.ParseFailed(e.stmt)
	}
	p.copyIn = false
	switch e.kind {
	case wire.Query, wire.FuncCall, wire.Sync:
		return v // ReadyForQuery follows by itself
	}
	p.skip()
	p.failures++
	if v.postponed && p.ring.readies == 0 {
		p.landAborted()
	}
	return v
}

// skip drops what the server discards after an error: all up to the next Sync.
func (p *pipeline) skip() {
	for p.ring.n > 0 {
		if p.ring.at(0).kind == wire.Sync {
			return
		}
		e := *p.ring.at(0)
		p.pop()
		p.dropped(e)
	}
	p.skipping, p.unsynced = true, true // a Query that was sent has not ended the group: it was discarded, too
}

// dropped undoes what was expected of a message that the server discards.
func (p *pipeline) dropped(e expect) {
	p.skips(&e)
	if e.inj != nil {
		e.inj.skip()
	}
}

// ready takes note of a ReadyForQuery.
func (p *pipeline) ready(body []byte) verdict {
	if len(body) > 0 {
		p.status = body[0]
	}
	p.readies++
	p.stmts.Ready()
	p.failedAt = p.txEnds
	p.commands = 0
	p.copyIn = false
	if p.status == wire.Idle {
		p.lastIdle, p.snapshot = p.readies, noSnapshot
	}
	var v verdict
	if e := p.align(wire.ReadyForQuery); e != nil {
		switch e.kind {
		case wire.Query, wire.FuncCall, wire.Sync:
			if e.kind == wire.Query {
				p.stmts.Queried()
				p.over(e)
			}
			v.expect = *e
			if e.flags&hidden != 0 || e.piece != nil || p.retry.state == retryDue {
				v.action = swallow
			}
			p.pop()
		}
	}
	if p.status == wire.Idle {
		p.began = time.Time{}
		if p.ring.n > 0 { // of the group that the server turns to now
			p.began = p.clock()
		}
	}
	p.land()
	v.ended = p.endMakings()
	return v
}

func (p *pipeline) notice(body []byte) verdict {
	if p.ring.n == 0 {
		return verdict{}
	}
	e := p.ring.at(0)
	switch {
	case e.flags&(captured|reprepare) != 0:
		return verdict{action: swallow, expect: *e}
	case e.piece != nil && e.piece.begins && isWithinTransaction(body):
		return verdict{action: swallow, expect: *e}
	case e.text != nil || e.piece != nil:
		return verdict{action: mend, expect: *e}
	}
	return verdict{}
}

// startCopyIn takes note that the server reads CopyData from now on. The Sync that many clients send behind Execute is
// ignored by it, up to the end of the data. Any other message ends the COPY by an error (CopyGetData in copyfromparse.c), and
// what is behind that is skipped as after every error.
func (p *pipeline) startCopyIn() {
	p.copyIn = true
	for p.copyIn && p.ring.n > 1 {
		kind := p.ring.at(1).kind
		if kind == wire.CopyDone || kind == wire.Sync {
			p.ring.remove(1)
		}
		p.copyIn = kind == wire.Sync
	}
	if p.ring.readies == 0 {
		p.unsynced = true
	}
	p.changed = true
}

// pop removes the entry at the head.
func (p *pipeline) pop() {
	e := p.ring.pop()
	if e.inj != nil && e.flags&last != 0 {
		e.inj.done = true
	}
	for p.ring.n > 0 && p.ring.at(0).kind == wire.CopyDone {
		p.ring.pop() // of a COPY that never began to read
	}
	p.changed = true
}

// quiet tells whether the server owes nothing and is outside the extended protocol's implicit transaction.
func (p *pipeline) quiet() bool { return p.ring.n == 0 && !p.unsynced && !p.copyIn }

// readyDue is the number of the ReadyForQuery that will end what is sent now.
func (p *pipeline) readyDue() uint64 { return p.readies + uint64(p.ring.readies) + 1 }

// busyFor is for how long the server has had a transaction open, that of a single statement included; 0: it has none.
func (p *pipeline) busyFor() time.Duration {
	if p.began.IsZero() {
		return 0
	}
	return p.clock().Sub(p.began)
}

// captures tells whether the answer that is coming is for the proxy.
func (p *pipeline) captures() bool { return p.ring.n > 0 && p.ring.at(0).inj != nil }

// answered tells whether all that was sent is answered, as far as it can be: the end of a COPY is the client's to send.
func (p *pipeline) answered() bool { return p.ring.n == 0 || p.copyIn }

// synced is answered for messages that ReadyForQuery answers.
func (p *pipeline) synced() bool { return p.ring.readies == 0 || p.copyIn }
