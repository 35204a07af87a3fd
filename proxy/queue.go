package proxy

import (
	"sync"
	"time"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A queue knows what the server has still to answer, in the order in which it was asked. The client's goroutine pushes
// what it sends; the server's goroutine hands in each response and is told what to do with it. All that follows from
// responses (the transaction state, which statements are prepared, what is in flight) is kept here, because it changes
// when the response comes and not when the message is sent.
//
// It mirrors the states of PostgresMain: after an error in the extended protocol the server discards messages until
// Sync, and so does the queue, a simple Query included; inside COPY FROM STDIN it ignores Sync and Flush.
type queue struct {
	mu   sync.Mutex
	ring ring

	status   byte      // of the last ReadyForQuery
	began    time.Time // when the server got something to do, since it was last Idle with nothing to do; zero: it has not
	unsynced bool      // messages of the extended protocol were sent since the last Sync or Query
	skipping bool      // the server discards messages until Sync, and no Sync has been sent yet
	copyIn   bool      // the server reads CopyData, and its end has not been sent yet
	commands int       // completed commands of the simple Query at the head

	readies  uint64 // ReadyForQuery seen
	lastIdle uint64 // what readies was at the last one that said Idle
	txEnds   uint64 // COMMIT and ROLLBACK seen, ROLLBACK TO included
	failedAt uint64 // what txEnds was at the last ReadyForQuery

	stmts     prepared.Account[memo]
	flights   []flight
	makings   []openMaking // sent, in transactions that have not ended
	retry     retry
	series    bool   // a Query is being sent in pieces: see runSeries
	failures  uint64 // errors after which the server has discarded messages
	snapshot  hasSnapshot
	groupEnds bool // a statement that may end a transaction was sent in the open group of the extended protocol

	ending  *wire.Error   // what the client is told when the session ends
	stop    error         // why the session must send nothing any more; nil while it may
	stopped chan struct{} // closed when stop is set
	waiting bool          // the client's goroutine wants a signal at the next change
	signal  chan struct{}
}

// An expect is one answer that is due.
type expect struct {
	kind  byte // type of the message that was sent; wire.CopyDone stands for CopyFail too, and has no answer
	flags expectFlags
	stmt  *statement    // of a Parse: what is prepared once it is answered; of a Describe: what is described
	name  *name         // of a Close: what is closed
	sql   *changes      // of a Query or an Execute: what its text does to what is prepared; nil: nothing
	back  *backTo       // and which of its statements are ROLLBACK TO; nil: none, or it is not known
	text  *rewrite.Text // what was rewritten to make the message; nil when nothing was
	inj   *injection    // set in a message that the client does not know of, with an answer for the proxy
	fail  *wire.Error   // in place of the error that the stand-in gets; without a code as long as it is open whether it is one
	piece *piece        // of a series; nil in other messages
}

type expectFlags byte

const (
	hidden    expectFlags = 1 << iota // an answer that the client must not see; an error it must see
	captured                          // an error that the client must not see either: it goes to inj
	last                              // inj is over with this answer
	schema                            // relations may be different afterwards
	reprepare                         // of the messages that prepare a statement anew, unknown to the client; stmt is set in those that matter
)

func (q *queue) init(status byte, read prepared.Reading) {
	q.status = status
	q.signal = make(chan struct{}, 1)
	q.stopped = make(chan struct{})
	q.stmts.Init(read)
}

// push records a message that is about to be sent. An error means that it must not be.
func (q *queue) push(e expect) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stop != nil {
		return q.stop
	}
	q.pushLocked(e)
	return nil
}

func (q *queue) pushLocked(e expect) {
	switch e.kind {
	case wire.CopyDone:
		if q.copyIn {
			q.copyIn = false
			return
		}
		if q.ring.n == 0 {
			return // late, after an error: the server ignores it
		}
	case wire.Sync:
		if q.copyIn {
			return
		}
		q.unsynced, q.skipping, q.groupEnds = false, false, false
		q.stmts.Group()
	case wire.Query, wire.FuncCall:
		if q.skipping {
			return
		}
		q.unsynced, q.groupEnds = false, false
		q.stmts.Group()
	default:
		q.unsynced = true
		if q.skipping {
			if e.inj != nil {
				e.inj.skip()
			}
			return
		}
	}
	if q.began.IsZero() {
		q.began = time.Now()
	}
	q.sends(&e)
	q.ring.push(e)
}

// An action says what becomes of a response.
type action byte

const (
	forward action = iota
	swallow
	mend // an error or notice that the text of the expect, or its fail, changes
	check
	collect // a row of a plan
)

// A verdict is what respond says of a response.
type verdict struct {
	action  action
	expect  expect       // what it answers, when action is not forward
	command int          // completed commands of the same simple Query
	ended   []openMaking // of a ReadyForQuery: what was made in transactions that have ended

	postponed bool // an error that the client gets only when it is decided that its group is not sent once more
}

// statement is the number of the statement within the text that the response is about.
func (v *verdict) statement() int {
	if v.expect.kind == wire.Query {
		return v.command
	}
	return 0
}

// respond takes note of a response and says what to do with it. body is only looked at for those types for which it
// matters; when only the first part of it is at hand that is no harm.
func (q *queue) respond(kind byte, body []byte) verdict {
	q.mu.Lock()
	defer q.mu.Unlock()
	v := q.note(kind, body)
	q.retry.answered(kind, v)
	return v
}

// note is respond but for what follows for another try.
func (q *queue) note(kind byte, body []byte) verdict {
	switch kind {
	case wire.NotificationResponse:
		return verdict{}
	case wire.ParameterStatus:
		return q.reported(body)
	case wire.NoticeResponse:
		return q.notice(body)
	case wire.ErrorResponse:
		return q.failed(body)
	case wire.ReadyForQuery:
		return q.ready(body)
	}
	e := q.align(kind)
	if e == nil {
		return verdict{}
	}
	v := verdict{expect: *e, command: q.commands}
	if e.flags&hidden != 0 {
		v.action = swallow
	}
	switch kind {
	case wire.ParseComplete, wire.CloseComplete:
		q.prepares(e)
		q.pop()
	case wire.NoData:
		q.describes(e, nil)
		q.pop()
	case wire.BindComplete:
		q.pop()
	case wire.PortalSuspended:
		q.snapshot = ownSnapshot
		q.over(e)
		q.pop()
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
			q.describes(e, body)
			q.pop()
		}
	case wire.CommandComplete, wire.EmptyQueryResponse:
		if kind == wire.CommandComplete {
			q.tag(body, e)
		}
		if e.kind == wire.Execute {
			q.over(e)
			q.pop()
		} else {
			q.commands++
		}
	case wire.DataRow:
		if e.inj != nil {
			e.inj.take(kind, body)
		} else if v.action == forward && e.text != nil && e.text.ShowsPlan(v.statement()) {
			v.action = collect
		}
	case wire.CopyInResponse:
		q.startCopyIn()
	}
	return v
}

// describes takes note of what a statement's result looks like.
func (q *queue) describes(e *expect, body []byte) {
	if e.stmt != nil {
		e.stmt.Memo.result.shows(body, e.flags&reprepare != 0)
	}
}

// align returns the entry that a response of this type answers. A Sync that got no answer was sent inside a COPY, and is
// passed over.
func (q *queue) align(kind byte) *expect {
	for q.ring.n > 0 {
		e := q.ring.at(0)
		if e.kind != wire.Sync || kind == wire.ReadyForQuery {
			return e
		}
		q.pop()
	}
	return nil
}

// failed takes note of an ErrorResponse.
func (q *queue) failed(body []byte) verdict {
	if q.ring.n == 0 {
		return verdict{}
	}
	e := *q.ring.at(0)
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
	if spoilt := q.spoiltLevel(body); spoilt != nil && e.flags&captured == 0 && e.fail == nil {
		v.action, v.expect.fail = mend, spoilt
	}
	if e.piece != nil {
		e.piece.failed = true
	}
	v.postponed = q.retry.postpones(&e, body)
	if e.kind == wire.Parse && e.stmt != nil && e.flags&reprepare == 0 {
		q.stmts.ParseFailed(e.stmt)
	}
	q.copyIn = false
	switch e.kind {
	case wire.Query, wire.FuncCall, wire.Sync:
		return v // ReadyForQuery follows by itself
	}
	q.skip()
	q.failures++
	if v.postponed && q.ring.readies == 0 {
		q.landAborted()
	}
	return v
}

// skip drops what the server discards after an error: all up to the next Sync.
func (q *queue) skip() {
	for q.ring.n > 0 {
		if q.ring.at(0).kind == wire.Sync {
			return
		}
		e := *q.ring.at(0)
		q.pop()
		q.dropped(e)
	}
	q.skipping, q.unsynced = true, true // a Query that was sent has not ended the group: it was discarded, too
}

// dropped undoes what was expected of a message that the server discards.
func (q *queue) dropped(e expect) {
	q.skips(&e)
	if e.inj != nil {
		e.inj.skip()
	}
}

// ready takes note of a ReadyForQuery.
func (q *queue) ready(body []byte) verdict {
	if len(body) > 0 {
		q.status = body[0]
	}
	q.readies++
	q.stmts.Ready()
	q.failedAt = q.txEnds
	q.commands = 0
	q.copyIn = false
	if q.status == wire.Idle {
		q.lastIdle, q.snapshot = q.readies, noSnapshot
	}
	var v verdict
	if e := q.align(wire.ReadyForQuery); e != nil {
		switch e.kind {
		case wire.Query, wire.FuncCall, wire.Sync:
			if e.kind == wire.Query {
				q.stmts.Queried()
				q.over(e)
			}
			v.expect = *e
			if e.flags&hidden != 0 || e.piece != nil || q.retry.state == retryDue {
				v.action = swallow
			}
			q.pop()
		}
	}
	if q.status == wire.Idle {
		q.began = time.Time{}
		if q.ring.n > 0 { // of the group that the server turns to now
			q.began = time.Now()
		}
	}
	q.land()
	v.ended = q.endMakings()
	return v
}

// busyFor is for how long the server has had a transaction open, that of a single statement included; 0: it has none.
func (q *queue) busyFor() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.began.IsZero() {
		return 0
	}
	return time.Since(q.began)
}

func (q *queue) notice(body []byte) verdict {
	if q.ring.n == 0 {
		return verdict{}
	}
	e := q.ring.at(0)
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
// ignored by it, up to the end of the data.
func (q *queue) startCopyIn() {
	q.copyIn = true
	for i := 1; i < q.ring.n && q.copyIn; {
		switch q.ring.at(i).kind {
		case wire.CopyDone:
			q.copyIn = false
			q.ring.remove(i)
		case wire.Sync:
			q.ring.remove(i)
		default:
			i++
		}
	}
	if q.ring.readies == 0 {
		q.unsynced = true
	}
	q.notify()
}

// pop removes the entry at the head and wakes who waits for it.
func (q *queue) pop() {
	e := q.ring.pop()
	if e.inj != nil && e.flags&last != 0 {
		e.inj.done = true
	}
	for q.ring.n > 0 && q.ring.at(0).kind == wire.CopyDone {
		q.ring.pop() // of a COPY that never began to read
	}
	q.notify()
}

// captures tells whether the answer that is coming is for the proxy.
func (q *queue) captures() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ring.n > 0 && q.ring.at(0).inj != nil
}

// quiet tells whether the server owes nothing and is outside the extended protocol's implicit transaction.
func (q *queue) quiet() bool { return q.ring.n == 0 && !q.unsynced && !q.copyIn }

// readyDue is the number of the ReadyForQuery that will end what is sent now.
func (q *queue) readyDue() uint64 { return q.readies + uint64(q.ring.readies) + 1 }

// halt makes the client's goroutine stop before it sends anything more. The first reason stays.
func (q *queue) halt(why error) {
	q.mu.Lock()
	q.haltLocked(why)
	q.mu.Unlock()
}

func (q *queue) haltLocked(why error) {
	if q.stop == nil {
		q.stop = why
		close(q.stopped)
	}
	q.waiting = true
	q.notify()
}

// why tells why the session must stop.
func (q *queue) why() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stop
}

// notify wakes the client's goroutine if it waits for a change. q.mu is held.
func (q *queue) notify() {
	if !q.waiting {
		return
	}
	q.waiting = false
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// until blocks until condition, which is called with q.mu held, is true, or the session must stop.
func (q *queue) until(condition func() bool) error {
	for {
		q.mu.Lock()
		if q.stop != nil {
			defer q.mu.Unlock()
			return q.stop
		}
		if condition() {
			q.mu.Unlock()
			return nil
		}
		q.waiting = true
		q.mu.Unlock()
		<-q.signal
	}
}
