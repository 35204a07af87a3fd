package proxy

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// shutdown starts a Shutdown and returns what it will return.
func (r *running) shutdown() <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	pgtest.Eventually(r.t, r.draining.Load, "the shutdown has begun")
	return done
}

func TestShutdownEndsIdleSessionsAndLetsTransactionsFinish(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run("CREATE TABLE t (n int)")
	idle, busy, group := p.login(), p.login(), p.login()
	busy.Say(messages(simple("BEGIN"), simple("INSERT INTO t VALUES (1)")))
	busy.HearUntil(wire.ReadyForQuery)
	busy.HearUntil(wire.ReadyForQuery)
	group.Say(messages(parse("", "INSERT INTO t VALUES (2)"), bind("", ""), execute(""), flush()))
	group.HearUntil(wire.CommandComplete)
	done := p.shutdown()
	if e := idle.HearFatal(); e.Code != "57P01" {
		t.Errorf("an idle session is told %v", e)
	}
	late := wiretest.Dial(t, p.addr)
	late.Hello(p.database)
	if e := late.HearFatal(); e.Code != "57P03" {
		t.Errorf("a new client is told %v", e)
	}
	busy.Say(simple("INSERT INTO t VALUES (3)"))
	busy.HearUntil(wire.ReadyForQuery)
	select {
	case err := <-done:
		t.Fatalf("Shutdown does not wait: %v", err)
	default:
	}
	busy.Say(simple("COMMIT"))
	busy.HearUntil(wire.ReadyForQuery)
	if e := busy.HearFatal(); e.Code != "57P01" {
		t.Errorf("after its transaction a session is told %v", e)
	}
	group.Say(syncMsg())
	group.HearUntil(wire.ReadyForQuery)
	if e := group.HearFatal(); e.Code != "57P01" {
		t.Errorf("after its group a session is told %v", e)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	var n int
	if err := pgtest.Connect(t, p.direct).QueryRow(context.Background(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != 3 {
		t.Errorf("%d rows were committed, %v", n, err)
	}
	if c, err := net.Dial("tcp", p.addr); err == nil {
		c.Close()
		t.Error("the proxy still listens")
	}
}

func TestShutdownEndsTransactionsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.DrainTimeout = 50 * time.Millisecond })
	c := p.login()
	c.Say(simple("BEGIN"))
	c.HearUntil(wire.ReadyForQuery)
	done := p.shutdown()
	if e := c.HearFatal(); e.Code != "57P01" {
		t.Errorf("%v", e)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestACancelRequestIsServedDuringAShutdown(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	conn := pgtest.Connect(t, p.url)
	pid := conn.PgConn().PID()
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(60)")
		failed <- err
	}()
	watch := pgtest.Connect(t, p.direct)
	pgtest.Eventually(t, func() bool {
		var state string
		err := watch.QueryRow(context.Background(), "SELECT wait_event FROM pg_stat_activity WHERE pid = $1", int32(pid)).Scan(&state)
		return err == nil && state == "PgSleep"
	}, "the statement runs")
	done := p.shutdown()
	if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	var pgErr *pgconn.PgError
	if err := <-failed; !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownDoesNotWaitForAClientThatNeverReads(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.DrainTimeout = 50 * time.Millisecond })
	c := p.login()
	c.Say(simple("SELECT repeat('x', 100000) FROM generate_series(1, 1000)"))
	c.Hear(wire.RowDescription)
	if err := <-p.shutdown(); err != nil {
		t.Error(err)
	}
}
