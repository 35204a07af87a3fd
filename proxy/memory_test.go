package proxy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// starved takes all the memory for binding until the function that it returns is called.
func (r *running) starved() (free func()) {
	w := &binding{s: new(session)}
	if !r.Server.memory.take(bindingMemory, w) {
		r.t.Fatal("nothing to take")
	}
	return w.free
}

// starving tells whether a text waits for memory.
func (r *running) starving() bool { return len(r.Server.memory.next) == 1 }

func TestATextThatWaitsForMemoryCanBeCancelledAndItsClientCanGo(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	ctx := context.Background()
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(ctx) })
		return conn
	}
	failed := make(chan error, 1)
	run := func(c *pgx.Conn) {
		_, err := c.Exec(ctx, longStatement(), pgx.QueryExecModeSimpleProtocol)
		failed <- err
	}
	conn, other := connect(), connect()
	free := p.starved()
	go run(conn)
	pgtest.Eventually(t, p.starving, "the text to wait for memory")
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var refused *pgconn.PgError
	if err := <-failed; !errors.As(err, &refused) || refused.Code != "57014" {
		t.Errorf("a cancelled text fails with %v", err)
	}
	go run(other)
	pgtest.Eventually(t, p.starving, "the text to wait for memory")
	other.PgConn().Conn().Close()
	pgtest.Eventually(t, func() bool { return !p.starving() }, "the client that has gone to wait no more")
	<-failed

	go run(conn)
	pgtest.Eventually(t, p.starving, "the text to wait for memory")
	free()
	if err := <-failed; err != nil {
		t.Errorf("when there is memory, the text fails with %v", err)
	}
	if n := len(p.Server.memory.units); n != 0 || p.starving() {
		t.Errorf("%d units of memory are not given back", n)
	}
}

func TestAShutdownEndsTheWaitForMemory(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.DrainTimeout = time.Millisecond })
	conn, free := p.login(), p.starved()
	defer free()
	conn.Say(simple("/* for the new names */ " + longStatement()))
	pgtest.Eventually(t, p.starving, "the text to wait for memory")
	done := p.shutdown()
	if e := conn.HearFatal(); e.Code != "57P01" {
		t.Errorf("the session is told %v", e)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestATextThatNeedsMoreMemoryThanThereIsIsBoundAlone(t *testing.T) {
	t.Parallel()
	m, w := newMemory(), &binding{s: new(session)}
	m.after, m.free = 0, func() {}
	if !m.take(10*bindingMemory, w) || len(m.units) != cap(m.units) {
		t.Errorf("it takes %d of %d units", len(m.units), cap(m.units))
	}
	second := make(chan bool)
	go func() { second <- m.take(1, &binding{s: new(session)}) }()
	pgtest.Eventually(t, func() bool { return len(m.next) == 1 }, "another to wait")
	w.free()
	if !<-second || len(m.units) != 1 {
		t.Errorf("the one that waited has %d units", len(m.units))
	}
}

func TestALargeMessageIsLetGo(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.Rewrite.MaxBytes, c.Rewrite.BindCPU = 2*muchMemory, time.Minute })
	given := make(chan bool, 1)
	p.Server.memory.after, p.Server.memory.free = 0, func() {
		select {
		case given <- true:
		default:
		}
	}
	conn := pgtest.Connect(t, p.url)
	sql := "SELECT last_name FROM individual WHERE last_name = '" + strings.Repeat("z", muchMemory) + "'"
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Error(err)
	}
	<-given
}

func TestMuchMemoryIsGivenBackToTheSystem(t *testing.T) {
	t.Parallel()
	m, given := newMemory(), make(chan bool, 10)
	m.after, m.free = time.Millisecond, func() { given <- true }
	use := func(bytes int) {
		w := &binding{s: new(session)}
		m.take(bytes, w)
		w.free()
	}
	use(muchMemory - 1)
	if m.pending.Load() {
		t.Error("little memory is given back at once")
	}
	use(muchMemory)
	<-given
	use(muchMemory)
	<-given
}
