package proxy

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// FuzzThePipelineFollowsTheServer has a client and a server that is a model of PostgresMain (postgres.c) talk in any order:
// each byte of the script either has the client send a message or the server take the next one, and says what comes of
// it. For every response the pipeline must know which message it answers, and at the end what is prepared.
func FuzzThePipelineFollowsTheServer(f *testing.F) {
	for _, seed := range []string{
		"", "\x00\x80\x01\x81", "\x02\x03\x04\x05\x00\x80\x80\x80\x80\x80",
		"\x02\x03\x05\x00\xc0\x80\x90\x80\x01\x06\x00\x80\x80\x80", "\x12\x22\x32\x00\xff\x80\x80\x0a\x00\x80\x80",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(converse)
}

func TestThePipelineFollowsTheServer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 7))
	for range 3000 {
		script := make([]byte, random.IntN(60))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		t.Run("", func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the script is %q", script)
				}
			})
			converse(t, script)
		})
	}
}

// converse has the two talk by a script, and compares what they know at the end.
func converse(t *testing.T, script []byte) {
	d := &dialogue{t: t, p: newPipeline(), prepared: map[string]*statement{}, status: wire.Idle}
	now := time.Unix(1, 0)
	d.p.clock = func() time.Time { return now }
	for _, b := range script {
		now = now.Add(time.Second)
		if b < 0x80 {
			d.send(b)
		} else {
			d.serve(b & 0x7f)
		}
		d.compareFlights()
	}
	d.finish()
}

// A dialogue is one between a client that keeps to the protocol and the model of a server.
type dialogue struct {
	t        *testing.T
	p        *pipeline
	sent     int
	inbox    []message // sent and not taken by the server
	skipping bool      // the server discards messages until Sync
	copying  *message  // whose CopyData the server reads
	inCopy   bool      // the client has seen CopyInResponse, and has not ended it
	prepared map[string]*statement
	status   byte
	flying   []int // numbers of the messages that are in flight on a table of that number
}

// A message is one that the client has sent. Its text tells it apart.
type message struct {
	kind byte
	sent int // its number
	name string
	stmt *statement
	text *rewrite.Text
}

// send has the client send a message.
func (d *dialogue) send(b byte) {
	m := message{kind: "QSPBDECFc"[int(b)%9], name: []string{"", "a", "b"}[int(b>>4)%3]}
	if d.inCopy && m.kind != wire.Sync {
		m.kind = wire.CopyDone
	}
	d.push(m)
}

func (d *dialogue) push(m message) {
	d.sent++
	m.sent = d.sent
	m.text = &rewrite.Text{Client: strconv.Itoa(d.sent)}
	e := expect{kind: m.kind, text: m.text}
	switch m.kind {
	case wire.Parse:
		m.stmt = d.p.stmts.Open([]byte(m.name), []byte(m.text.Client), nil)
		e.stmt = m.stmt
	case wire.Close:
		e.name = d.p.stmts.Named([]byte(m.name))
	case wire.CopyDone:
		d.inCopy = false
	}
	if m.kind == wire.Query || m.kind == wire.Bind {
		d.flying = append(d.flying, m.sent)
		d.p.flights = append(d.p.flights, flight{tables: []catalog.OID{catalog.OID(m.sent)}, ready: d.p.readyDue()})
	}
	d.p.push(e)
	d.inbox = append(d.inbox, m)
}

// serve has the server take the next message, or find that the data that it reads is wrong.
func (d *dialogue) serve(choice byte) {
	if len(d.inbox) == 0 {
		if d.copying != nil && choice%4 == 0 {
			d.fail(*d.copying)
		}
		return
	}
	m := d.inbox[0]
	d.inbox = d.inbox[1:]
	switch {
	case d.copying != nil:
		d.serveCopy(m, choice)
	case m.kind == wire.CopyDone: // late
	case m.kind == wire.Sync:
		d.skipping = false
		d.ready(m, choice)
	case d.skipping:
	case choice%4 == 0 || m.kind == wire.Parse && m.name != "" && d.prepared[m.name] != nil:
		d.fail(m)
	case m.kind == wire.Query:
		d.serveQuery(m, choice)
	default:
		d.serveExtended(m, choice)
	}
}

// serveCopy is a message inside COPY FROM STDIN.
func (d *dialogue) serveCopy(m message, choice byte) {
	owner := *d.copying
	switch {
	case m.kind == wire.Sync: // ignored
	case m.kind != wire.CopyDone || choice%4 == 0:
		d.fail(owner)
	default:
		d.copying = nil
		d.hear(wire.CommandComplete, owner)
		if owner.kind == wire.Query {
			d.ready(owner, choice)
		}
	}
}

func (d *dialogue) serveQuery(m message, choice byte) {
	// A Query that reads data, with another message than its end behind it, is no client that keeps to the protocol.
	if choice%8 == 1 && len(d.inbox) == 0 {
		d.startCopy(m)
		return
	}
	for range choice >> 4 {
		d.hear(wire.RowDescription, m)
		d.hear(wire.DataRow, m)
		d.hear(wire.CommandComplete, m)
	}
	d.ready(m, choice)
}

func (d *dialogue) serveExtended(m message, choice byte) {
	switch m.kind {
	case wire.Parse:
		d.prepared[m.name] = m.stmt
		d.hear(wire.ParseComplete, m)
	case wire.Bind:
		d.hear(wire.BindComplete, m)
	case wire.Describe:
		if choice&8 != 0 {
			d.hear(wire.ParameterDescription, m)
		}
		d.hear([]byte{wire.NoData, wire.RowDescription}[choice>>4&1], m)
	case wire.Close:
		delete(d.prepared, m.name)
		d.hear(wire.CloseComplete, m)
	case wire.FuncCall:
		d.hear(wire.FuncCallResponse, m)
		d.ready(m, choice)
	case wire.Execute:
		switch choice >> 3 % 4 {
		case 0:
			d.startCopy(m)
		case 1:
			d.hear(wire.EmptyQueryResponse, m)
		case 2:
			d.hear(wire.DataRow, m)
			d.hear(wire.PortalSuspended, m)
		case 3:
			d.hear(wire.DataRow, m)
			d.hear(wire.CommandComplete, m)
		}
	}
}

func (d *dialogue) startCopy(m message) {
	d.copying = &m
	d.hear(wire.CopyInResponse, m)
	d.inCopy = !slices.ContainsFunc(d.inbox, func(m message) bool { return m.kind == wire.CopyDone })
}

// fail has a message fail: what follows is skipped, unless it is one that ReadyForQuery follows by itself.
func (d *dialogue) fail(m message) {
	d.copying, d.inCopy = nil, false
	d.hear(wire.ErrorResponse, m)
	if m.kind == wire.Query || m.kind == wire.FuncCall {
		d.ready(m, 0)
		return
	}
	d.skipping = true
}

func (d *dialogue) ready(m message, choice byte) {
	d.status = []byte{wire.Idle, wire.InBlock, wire.Failed}[choice%3]
	d.flying = slices.DeleteFunc(d.flying, func(sent int) bool { return sent <= m.sent })
	if v := d.p.respond(wire.ReadyForQuery, []byte{d.status}); v.expect.text != m.text {
		d.t.Fatalf("ReadyForQuery after message %s %c is taken for one after %+v", m.text.Client, m.kind, v.expect)
	}
}

// hear has the pipeline take a response.
func (d *dialogue) hear(kind byte, to message) {
	if v := d.p.respond(kind, nil); v.expect.text != to.text {
		d.t.Fatalf("%c to message %s %c is taken for an answer to %+v", kind, to.text.Client, to.kind, v.expect)
	}
}

// compareFlights finds what is in flight and has landed by the pipeline: a gate would not wait for it.
func (d *dialogue) compareFlights() {
	for _, sent := range d.flying {
		if state, _ := d.p.flying(map[catalog.OID]bool{catalog.OID(sent): true}); state == flyingNone {
			d.t.Fatalf("message %d is not answered, and is not in flight", sent)
		}
	}
}

// finish ends what is open, and compares.
func (d *dialogue) finish() {
	for len(d.inbox) > 0 {
		d.serve(3 << 3)
	}
	if d.copying != nil {
		d.push(message{kind: wire.CopyDone})
		d.serve(1)
	}
	d.push(message{kind: wire.Sync})
	d.serve(0)
	if !d.p.quiet() || d.p.skipping || d.p.ring.readies != 0 || d.p.status != d.status {
		d.t.Fatalf("%d answers are due, %d of them ReadyForQuery, and the state is %c, where the server's is %c",
			d.p.ring.n, d.p.ring.readies, d.p.status, d.status)
	}
	if len(d.p.flights) > 0 {
		d.t.Fatalf("in flight are %v, where all is answered", d.p.flights)
	}
	if busy := d.p.busyFor() > 0; busy != (d.status != wire.Idle) {
		d.t.Fatalf("a transaction is open: %t, where the state is %c", busy, d.status)
	}
	delete(d.prepared, "")
	got := maps.Collect(func(yield func(string, *statement) bool) {
		for _, name := range []string{"a", "b"} {
			if st, _ := d.p.stmts.Find([]byte(name)); st != nil && !yield(name, st) {
				return
			}
		}
	})
	if !maps.Equal(got, d.prepared) {
		d.t.Fatalf("prepared are %v, where the server has %v", got, d.prepared)
	}
}
