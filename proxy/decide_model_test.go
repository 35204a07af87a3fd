package proxy

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// TestASessionIsDecidedWithoutWaiting drives sessions by nothing but what is decided and asked, in one goroutine and without a
// socket. A client sends texts of the old version at random, a model of a server (backend) takes them at any pace, and an
// operator closes the gate at any moment, renames the column when the session counts as drained and the model has no lock on
// the table, and opens the gate. The model must never meet the name that the column does not have, and all must come to an end.
func TestASessionIsDecidedWithoutWaiting(t *testing.T) {
	t.Parallel()
	srv := modelServer(t)
	random := rand.New(rand.NewPCG(20, 26))
	renames, held := 0, 0
	for i := range 400 {
		m := newModelSession(t, srv, random)
		m.run()
		renames, held = renames+m.renames, held+m.held
		if t.Failed() {
			t.Fatalf("in session %d, after\n%s", i, strings.Join(m.log, "\n"))
		}
	}
	if renames < 100 || held < 100 {
		t.Errorf("%d renames and %d statements held: the model does not get to what it is for", renames, held)
	}
}

func modelServer(t *testing.T) *Server {
	t.Helper()
	srv, err := New(Config{
		Config:   startup.Config{Upstream: startup.Upstream{Network: "tcp", Address: "127.0.0.1:1", SSLMode: "disable", Database: "model"}},
		Versions: VersionPolicy{SchemaVersion: rules.Base}, StrictOracle: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

const (
	modelTable = catalog.OID(16400)
	oldName    = "last_name"
	newName    = "surname"
)

// A modelSession is a session with the model of all that is around it.
type modelSession struct {
	*session
	t       *testing.T
	random  *rand.Rand
	backend backend
	log     []string

	toSend  [][]byte // of the client
	atHand  bool     // a message is at hand
	open    *question
	group   int // of open: the one that was sent
	inFlow  bool
	epochNo int64
	gate    bool
	renames int
	held    int
	heard   int // ReadyForQuery that the client has got
	due     int
	seen    bytes.Buffer // by the client
}

func newModelSession(t *testing.T, srv *Server, random *rand.Rand) *modelSession {
	m := &modelSession{t: t, random: random, backend: backend{t: t, column: oldName, status: wire.Idle, prepared: map[string]string{}}}
	link := &startup.Link{PID: 7, Status: wire.Idle, Parameters: map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on"}}
	m.session = &session{link: link, client: wire.NewConn(recorder{b: &m.seen}), server: wire.NewConn(recorder{b: &m.backend.in}), srv: srv}
	m.queue.init(wire.Idle, prepared.Reading{Encoding: "UTF8", Standard: true})
	m.encoding = "UTF8"
	m.identity.pinned = rules.Base
	srv.mu.Lock()
	srv.sessions = map[*session]bool{m.session: true}
	srv.mu.Unlock()
	m.install()
	m.script()
	return m
}

// recorder takes all that is written.
type recorder struct {
	nullConn
	b *bytes.Buffer
}

func (r recorder) Write(p []byte) (int, error) { return r.b.Write(p) }

// install opens the gate with the names that the table has.
func (m *modelSession) install() {
	phase := rules.Active
	if m.backend.column == newName {
		phase = rules.Cutover
	}
	m.epochNo++
	table := &catalog.Relation{
		OID: modelTable, Schema: "public", Name: "individual", Kind: catalog.Table, RowType: 16402,
		Columns: []catalog.Column{{Num: 1, Name: "id", Type: 23, Typmod: -1}, {Num: 2, Name: m.backend.column, Type: 25, Typmod: -1}},
	}
	live := migration(m.t, 1, phase, "id: surname\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: surname }\n")
	snap, err := rules.Build(m.epochNo, []*rules.Migration{live}, catalog.New(150000, []*catalog.Relation{table}, nil, nil))
	if err != nil {
		m.t.Fatal(err)
	}
	m.srv.Open(snap)
	m.gate = false
}

// script makes up what the client sends.
func (m *modelSession) script() {
	const text = "SELECT id, last_name FROM individual"
	add := func(messages ...[]byte) {
		m.toSend = append(m.toSend, messages...)
		m.due++
	}
	known := map[string]bool{}
	for range 3 + m.random.IntN(12) {
		name := []string{"a", "b"}[m.random.IntN(2)]
		switch m.random.IntN(10) {
		case 0:
			add(simple("BEGIN"))
		case 1:
			add(simple("COMMIT"))
		case 2:
			add(simple("SELECT 1"))
		case 3:
			add(simple(text))
		case 4:
			add(parse("", text), bind("", ""), execute(""), bind("", ""), execute(""), syncMsg())
		case 5:
			add(simple("SET search_path TO public; " + text + "; " + text)) // which is sent in pieces
		case 6:
			if !known[name] {
				known[name] = true
				add(parse(name, text+" -- "+name), describe(name), syncMsg())
			}
		default:
			if known[name] {
				add(bind("", name), describePortal(""), execute(""), syncMsg())
			}
		}
	}
	add(simple("COMMIT"))
}

// run takes steps at random until all is answered.
func (m *modelSession) run() {
	idle := 0
	for steps := 0; !m.t.Failed(); steps++ {
		if !m.atHand && m.open == nil && len(m.toSend) == 0 && m.heard == m.due && !m.gate {
			break
		}
		if idle > 200 || steps > 20_000 {
			m.t.Errorf("nothing goes on: a message at hand %t, a question %+v, %d of %d answered, the gate closed %t",
				m.atHand, m.open, m.heard, m.due, m.gate)
			return
		}
		did := false
		switch m.random.IntN(8) {
		case 0:
			did = m.operate()
		case 1, 2, 3:
			did = m.client()
		default:
			did = m.serve()
		}
		if did {
			idle = 0
		} else {
			idle++
		}
	}
	if bytes.Contains(m.seen.Bytes(), []byte("SERROR")) {
		m.t.Errorf("the client has got an error: %q", m.seen.Bytes())
	}
}

func (m *modelSession) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

// client has what is open answered, or the next message decided.
func (m *modelSession) client() bool {
	if m.open != nil {
		return m.answer()
	}
	if !m.atHand {
		if len(m.toSend) == 0 {
			return false
		}
		raw := m.toSend[0]
		m.toSend = m.toSend[1:]
		m.frame = wire.Frame{Type: raw[0], Raw: raw, Body: raw[5:]}
		m.session.at = deciding{}
		m.atHand = true
		m.note("client: %c %q", raw[0], raw[5:])
	}
	var out outcome
	err := m.decide(&out)
	if q, asks := err.(*question); asks {
		m.note("asks: kind %d", q.kind)
		m.open, m.group = q, 0
		if q.kind == theGate {
			m.held++
		}
		return true
	}
	m.do(&out, err)
	return true
}

// do does what was decided.
func (m *modelSession) do(out *outcome, err error) {
	if err == nil {
		err = m.session.do(out)
	}
	if err == errMoved {
		return
	}
	if err != nil {
		m.t.Errorf("the session has ended: %v", err)
	}
	m.atHand = m.series != nil
	_ = m.server.Out.Flush()
}

// answer takes a step towards the answer to the question that is open.
func (m *modelSession) answer() bool {
	q := m.open
	var err error
	switch q.kind {
	case answersDue:
		if !m.queue.pipeline.answered() {
			return false
		}
	case readyDue:
		if !m.queue.pipeline.synced() {
			return false
		}
	case ownQueries, preparingAgain, trialParse:
		if done, failure := m.exchanged(q); !done {
			return true
		} else {
			err = failure
		}
	case locks:
		q.yes = m.backend.locked
	case theGate:
		select {
		case <-q.epoch.changed:
		default:
			return false
		}
	default:
		m.t.Errorf("a question of kind %d", q.kind)
	}
	m.open = nil
	switch err = q.answered(err); {
	case err == nil, err == errMoved:
	default:
		if next, asks := err.(*question); asks {
			m.open, m.group = next, 0
			return true
		}
		out, err := m.settle(err)
		m.do(&out, err)
	}
	return true
}

// exchanged sends the next group of a question, if the one before it has been answered, and tells whether it was the last.
func (m *modelSession) exchanged(q *question) (done bool, err error) {
	g := q.groups[m.group]
	if !m.inFlow {
		messages, err := g.start(&m.queue.pipeline)
		if err != nil {
			return true, err
		}
		m.inFlow = true
		_, _ = m.server.Out.Write(messages)
		_ = m.server.Out.Flush()
		return false, nil
	}
	if !g.done && !g.skipped {
		m.serve()
		return false, nil
	}
	m.inFlow = false
	m.group++
	return m.group == len(q.groups) || g.answer() != nil, g.answer()
}

// serve has the server take a message, and the client get what it says.
func (m *modelSession) serve() bool {
	answers, took := m.backend.take()
	for len(answers) > 0 {
		n := 5 + int(answers[3])<<8 + int(answers[4]) - 4
		f := wire.Frame{Type: answers[0], Raw: answers[:n], Body: answers[5:n]}
		before := m.seen.Len()
		if err := m.response(f); err != nil {
			m.t.Errorf("the session has ended: %v", err)
		}
		_ = m.session.client.Out.Flush()
		if f.Type == wire.ReadyForQuery && m.seen.Len() > before {
			m.heard++
		}
		answers = answers[n:]
	}
	return took
}

// operate closes the gate, renames the column behind it, or opens it without.
func (m *modelSession) operate() bool {
	gated := map[catalog.OID]bool{modelTable: true}
	locks := func(context.Context, []uint32, []catalog.OID) (map[uint32]bool, error) {
		return map[uint32]bool{7: m.backend.locked}, nil
	}
	if !m.gate {
		if len(m.toSend) == 0 {
			return false
		}
		m.note("operator: closes the gate")
		m.srv.replace(func(e *epoch) {
			e.gated, e.tables, e.holdsLock = gated, []catalog.OID{modelTable}, migrate.HoldsLock(locks)
		})
		m.gate = true
		return true
	}
	drained, _, err := m.srv.drained(m.t.Context(), gated, []catalog.OID{modelTable}, locks)
	switch {
	case err != nil:
		m.t.Fatal(err)
	case m.random.IntN(20) == 0:
		m.note("operator: gives up")
		m.install()
		return true
	case !drained || m.backend.locked:
		return false
	}
	m.note("operator: renames")
	m.backend.column = map[string]string{oldName: newName, newName: oldName}[m.backend.column]
	m.renames++
	m.install()
	return true
}
