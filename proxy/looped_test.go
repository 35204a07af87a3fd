//go:build linux

package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// inLoop tells whether both sides of the session are served by a loop.
func (s *session) inLoop() bool { return s.client.Looped().Inside() && s.server.Looped().Inside() }

func TestWhatNeedsNoWaitingStaysInTheLoop(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.Loops = 1 })
	s, c := loneSession(t, p)
	statement := messages(parse("s", "SELECT last_name FROM individual"), syncMsg())
	c.Say(statement)
	c.HearUntil(wire.ReadyForQuery)
	batch := messages(bind("", "s"), describePortal(""), execute(""), syncMsg())
	c.Say(batch)
	c.HearUntil(wire.ReadyForQuery)
	pgtest.Eventually(t, s.inLoop, "the session to come into the loop")
	// Out of the loop the handlers would be others, and these are replaced when one leaves.
	left := 0
	for range 200 {
		c.Say(batch)
		c.HearUntil(wire.ReadyForQuery)
		if !s.inLoop() {
			left++
		}
	}
	if left > 0 {
		t.Errorf("the session was out of the loop after %d of 200 executions", left)
	}
}

// TestALoopDoesNotWaitForAnybody has sessions of one loop wait for all that can be waited for, while another goes on.
func TestALoopDoesNotWaitForAnybody(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.Loops = 1 })
	ctx := context.Background()
	lively := p.login()
	answers := func(what string) {
		t.Helper()
		_ = lively.SetDeadline(time.Now().Add(20 * time.Second))
		for range 3 {
			lively.Say(simple("SELECT last_name FROM individual"))
			lively.HearUntil(wire.ReadyForQuery)
		}
		_ = lively.SetDeadline(time.Time{})
	}
	answers("nobody waits")

	slow := p.login()
	slow.Say(simple("SELECT repeat('x', 1000) FROM generate_series(1, 50000)"))
	answers("one does not read what it gets")

	long := p.login()
	long.Say(simple("SELECT repeat('x', 30000000)"))
	answers("one does not read a long row")

	half := p.login()
	whole := simple("SELECT last_name FROM individual WHERE true OR last_name = '" + string(bytes.Repeat([]byte("x"), 100_000)) + "'")
	half.Say(whole[:50_000])
	answers("of one there is half of a long message")

	few := p.login()
	few.Say(simple("SELECT 1")[:7])
	answers("of one there is half of a short message")

	copying := p.login()
	copying.Say(simple("CREATE TEMP TABLE copied (a text); COPY copied FROM STDIN"))
	copying.HearUntil(wire.CopyInResponse)
	answers("one is inside a COPY")

	sleeping, err := pgx.Connect(ctx, p.url)
	if err != nil {
		t.Fatal(err)
	}
	defer sleeping.Close(ctx)
	slept := make(chan error)
	go func() {
		_, err := sleeping.Exec(ctx, "SELECT pg_sleep(100), last_name FROM individual")
		slept <- err
	}()
	free := p.starved()
	starving := p.login()
	starving.Say(simple(longStatement()))
	pgtest.Eventually(t, p.starving, "a text to wait for memory")
	answers("a text waits to be bound")
	free()

	if err := sleeping.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-slept; err == nil {
		t.Error("what was cancelled was executed")
	}
	rows := 0
	for {
		f, err := slow.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == wire.DataRow {
			rows++
		}
		if f.Type == wire.ReadyForQuery {
			break
		}
	}
	if rows != 50000 {
		t.Errorf("%d rows came in the end", rows)
	}
	if f, err := long.Next(); err != nil || f.Type != wire.RowDescription {
		t.Error(f.Type, err)
	}
	if f, err := long.Next(); err != nil || f.Size() < 30_000_000 {
		t.Error(f.Size(), err)
	}
	half.Say(whole[50_000:])
	half.HearUntil(wire.ReadyForQuery)
	few.Say(simple("SELECT 1")[7:])
	few.HearUntil(wire.ReadyForQuery)
	starving.HearUntil(wire.ReadyForQuery)
}

// The decision about another try can begin at any time, also right before the next message is looked at.
func TestALoopDoesNotWaitForADecisionAboutAnotherTry(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.CatchUp = func(context.Context) error { return nil } })
	for _, state := range []retryState{retryDeciding, retryDue, retryUnderWay} {
		s := &session{srv: p.Server, looping: true, keeping: true}
		s.queue.init(wire.Idle, prepared.Reading{})
		s.queue.retry = retry{state: state, reading: true}
		raw := simple("SELECT 1")
		s.frame = wire.Frame{Type: wire.Query, Raw: raw, Body: raw[5:]}
		if err := s.keep(); err != errElsewhere {
			t.Errorf("in state %d: %v", state, err)
		}
		if r := &s.queue.retry; r.state != state || !r.reading {
			t.Errorf("in state %d: something has changed: %+v", state, r)
		}
	}
}

// TestNothingIsAllocatedPerMessageInTheLoop counts the allocations of the whole process, so nothing may run beside it.
func TestNothingIsAllocatedPerMessageInTheLoop(t *testing.T) {
	p := openProxy(t, func(c *Config) { c.Loops = 1 })
	s, c := loneSession(t, p)
	c.Say(messages(parse("s", "SELECT 1"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	batch := messages(bind("", "s"), describePortal(""), execute(""), syncMsg())
	c.Say(batch)
	answer := 0
	for {
		f, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		answer += f.Size()
		if f.Type == wire.ReadyForQuery {
			break
		}
	}
	pgtest.Eventually(t, s.inLoop, "the session to come into the loop")
	server, client := s.server.Out.Writes(), s.client.Out.Writes()
	into := make([]byte, answer)
	const rounds = 500
	allocs := testing.AllocsPerRun(rounds, func() {
		if _, err := c.Write(batch); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c.Conn, into); err != nil {
			t.Fatal(err)
		}
	})
	if allocs >= 1 && !raceDetector {
		t.Errorf("%.1f allocations for 4 messages and their answers", allocs)
	}
	if n := s.server.Out.Writes() - server; n != rounds+1 {
		t.Errorf("%d batches were written to the server with %d writes", rounds+1, n)
	}
	if n := s.client.Out.Writes() - client; n != rounds+1 {
		t.Errorf("%d answers were written to the client with %d writes", rounds+1, n)
	}
}

// TestIdleSessionsInTheLoopHoldNoBuffers looks at the memory of the whole process, so nothing may run beside it.
func TestIdleSessionsInTheLoopHoldNoBuffers(t *testing.T) {
	p := openProxy(t, func(c *Config) { c.Loops = 1 })
	const sessions = 40
	clients := make([]*wiretest.Client, sessions)
	for i := range clients {
		clients[i] = p.login()
	}
	inUse := func() uint64 {
		t.Helper()
		pgtest.Eventually(t, func() bool {
			return len(p.list()) == sessions && !slices.ContainsFunc(p.list(), func(s *session) bool { return !s.inLoop() })
		}, "all sessions to come into the loop")
		var m runtime.MemStats
		for range 3 { // what is in a sync.Pool survives the first
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	for range 2 {
		for _, c := range clients {
			c.Say(simple("SELECT 1"))
			c.HearUntil(wire.ReadyForQuery)
		}
	}
	const each = 8 << 10
	if after := inUse(); after > before+sessions*each {
		t.Errorf("%d idle sessions hold %d bytes more than before they were busy", sessions, after-before)
	}
}

// What is sent may be much longer than what has come. It is not collected without bound.
func TestABatchThatGrowsIsWrittenWhileItGrows(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.Loops = 1 })
	var columns strings.Builder
	for i := range 300 {
		fmt.Fprintf(&columns, ", column_%03d int", i)
	}
	p.run("CREATE TABLE individual (id int, surname text" + columns.String() + ")")
	p.phase(1, rules.Cutover)
	s, c := loneSession(t, p)
	all := simple("SELECT * FROM individual")
	c.Say(messages(simple("SET segue.version = base"), all))
	c.HearUntil(wire.ReadyForQuery)
	c.HearUntil(wire.ReadyForQuery)
	pgtest.Eventually(t, s.inLoop, "the session to come into the loop")
	before := s.server.Out.Writes()
	const times = 400
	c.Say(bytes.Repeat(all, times))
	for range times {
		c.HearUntil(wire.ReadyForQuery)
	}
	grown := times * 300 * len("column_000, ")
	if n := s.server.Out.Writes() - before; n < int64(grown/(256<<10)) {
		t.Errorf("%d bytes were written with %d writes", grown, n)
	}
}

// What a client does at any byte of a conversation in the loop: it goes, it stops reading, it ends its direction.
func TestAClientMayGoAtAnyTimeInTheLoop(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.Loops = 1 })
	talk := messages(parse("", "SELECT last_name FROM individual"), bind("", ""), execute(""), syncMsg(), simple("SELECT repeat('x', 100000)"))
	for cut := 0; cut <= len(talk); cut += 7 {
		c := p.login()
		c.Say(talk[:cut])
		switch cut % 3 {
		case 0:
			c.Close()
		case 1:
			_ = c.Conn.Conn.(*net.TCPConn).CloseWrite()
			if _, err := io.Copy(io.Discard, c.Conn.Conn); err != nil {
				t.Errorf("cut at %d: %v", cut, err)
			}
		case 2:
			_ = c.Conn.Conn.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}
	pgtest.Eventually(t, func() bool { return len(p.list()) == 0 }, "all sessions to end")
}

func TestWithoutLoopsGoroutinesServeTheSame(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.Loops = 0 })
	s, c := loneSession(t, p)
	if s.looped() {
		t.Error("there is a loop")
	}
	for i := range 3 {
		c.Say(messages(parse("", fmt.Sprintf("SELECT last_name, %d FROM individual", i)), bind("", ""), execute(""), syncMsg()))
		c.HearUntil(wire.ReadyForQuery)
	}
	s.drain(false)
	if f, err := c.Next(); err != nil || f.Type != wire.ErrorResponse {
		t.Errorf("a session that is drained says %c, %v", f.Type, err)
	}
}
