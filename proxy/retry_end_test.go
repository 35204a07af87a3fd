package proxy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

func TestWhatComesWhileNamesAreReadWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	for name, newer := range map[string]bool{"newer names": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOutdated(t)
			o.rename()
			if !newer {
				o.unaware()
			}
			began, goOn := o.slow()
			c := o.loginBase()
			c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
			<-began
			c.Say(messages(simple("SELECT 1"), parse("", "SELECT 2"), bind("", ""), execute(""), syncMsg()))
			goOn()
			if newer {
				if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
					t.Errorf("heard %q", got)
				}
			} else {
				c.HearError()
				c.Hear(wire.ReadyForQuery)
			}
			for _, want := range []string{"TDCZ", "12DCZ"} {
				if got := c.HearUntil(wire.ReadyForQuery); got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			}
		})
	}
}

func TestTheRestOfAnOpenGroupMayComeAtAnyTime(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	began, goOn := o.slow()
	c := o.loginBase()
	c.Say(messages(parse("s", "SELECT last_name FROM individual WHERE id = 1"), flush()))
	<-began
	c.Say(messages(bind("", "s"), execute("")))
	goOn()
	c.Hear(wire.ParseComplete)
	c.Say(syncMsg())
	if got := c.HearUntil(wire.ReadyForQuery); got != "2DCZ" {
		t.Errorf("heard %q", got)
	}
}

// TestAGroupMayComeInPieces sends groups in two writes that are split anywhere, so that the error comes while any of their
// messages is read or handled.
func TestAGroupMayComeInPieces(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.catchUp = func(context.Context) error { // every other time there is news
		if same := *o.Server.epoch.Load().binder.Snapshot(); o.asked.Load()%2 == 0 {
			o.Open(&same)
		}
		return nil
	}
	c := o.loginBase()
	group := messages(parse("s", "SELECT nope FROM individual"), flush(), bind("", "s"), describePortal(""), execute(""), flush(), syncMsg())
	for split := range len(group) {
		c.Say(group[:split])
		c.Say(group[split:])
		if e := c.HearError(); e.Code != "42703" {
			t.Errorf("split at %d: %+v", split, e)
		}
		c.Hear(wire.ReadyForQuery)
		c.Say(simple("SELECT 1"))
		if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
			t.Errorf("split at %d: heard %q", split, got)
		}
	}
	if want := len(group) / 2; o.retries() != want {
		t.Errorf("%d groups were sent once more, want %d", o.retries(), want)
	}
}

func TestACancelRequestEndsTheWaitForNewerNames(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	began, _ := o.slow()
	conn := pgtest.Connect(t, o.url)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT last_name FROM individual")
		failed <- err
	}()
	<-began
	if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	var refused *pgconn.PgError
	if err := <-failed; !errors.As(err, &refused) || refused.Code != "57014" {
		t.Errorf("%v", err)
	}
	var one int
	if err := conn.QueryRow(context.Background(), "SELECT 1").Scan(&one); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	o.retried(0)
}

func TestAClientThatLeavesWhileNamesAreReadHasItsStatementExecuted(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	began, goOn := o.slow()
	c := o.loginBase()
	c.Say(simple("INSERT INTO individual (id, last_name) VALUES (9, 'x')"))
	<-began
	c.Close()
	goOn()
	watch := pgtest.Connect(t, o.direct)
	pgtest.Eventually(t, func() bool {
		var n int
		err := watch.QueryRow(context.Background(), "SELECT count(*) FROM individual WHERE id = 9").Scan(&n)
		return err == nil && n == 1 && len(o.Sessions()) == 0
	}, "the statement is executed and the session ends")
}

func TestAnErrorIsDeliveredThoughTheServerClosesBehindIt(t *testing.T) {
	t.Parallel()
	undefined := (&wire.Error{Code: "42703", Message: "column does not exist", Position: "8"}).AppendTo(nil)
	for name, tc := range map[string]struct {
		behind []byte
		codes  []string
	}{
		"without a word": {nil, []string{"42703"}},
		"with an error":  {shutdownError().AppendTo(nil), []string{"42703", "57P01"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := fakeServer(t, func(s *wiretest.Client) {
				if _, err := s.In.NextStartup(); err != nil {
					return
				}
				s.Say(wiretest.Greeting([]byte("key!")))
				if _, err := s.In.Next(); err == nil {
					s.Say(messages(undefined, tc.behind))
				}
			})
			o := openOutdated(t)
			p := openProxy(t, func(c *Config) { c.Upstream, c.CatchUp = up, o.catchUp })
			p.Open(o.Server.epoch.Load().binder.Snapshot())
			c := wiretest.Dial(t, p.addr)
			c.Hello("d")
			c.HearUntil(wire.ReadyForQuery)
			c.Say(simple("SELECT nope"))
			for _, want := range tc.codes {
				if e := c.HearError(); e.Code != want {
					t.Errorf("%+v, want %s", e, want)
				}
			}
			c.HearEnd()
		})
	}
}

func TestNewerNamesAreNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	o := openOutdated(t, func(c *Config) { c.CatchUpTimeout = 50 * time.Millisecond })
	o.rename()
	o.slow()
	c := o.loginBase()
	c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
	if e := c.HearError(); e.Code != "42703" {
		t.Errorf("%+v", e)
	}
	c.Hear(wire.ReadyForQuery)
	o.retried(0)
}

func TestADrainLetsTheSecondTryFinish(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	began, goOn := o.slow()
	c := o.loginBase()
	c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
	<-began
	done := make(chan error, 1)
	go func() { done <- o.Shutdown(context.Background()) }()
	pgtest.Eventually(t, o.draining.Load, "the drain begins")
	goOn()
	if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
		t.Errorf("heard %q", got)
	}
	if e := c.HearFatal(); e.Code != "57P01" {
		t.Errorf("%+v", e)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAShutdownThatHasLostItsPatienceEndsTheWaitForNewerNames(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	began, _ := o.slow()
	c := o.loginBase()
	c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = o.Shutdown(ctx)
	if e := c.HearError(); e.Code != "42703" {
		t.Errorf("%+v", e)
	}
	c.Hear(wire.ReadyForQuery)
	if e := c.HearFatal(); e.Code != "57P01" {
		t.Errorf("%+v", e)
	}
}

func TestTheSecondTryWaitsAtAGate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		group []byte
		until byte
		want  string
	}{
		"a query":          {simple("SELECT last_name FROM individual WHERE id = 1"), wire.ReadyForQuery, "TDCZ"},
		"an open group":    {messages(parse("", "SELECT last_name FROM individual WHERE id = 1"), flush()), wire.ParseComplete, "1"},
		"a prepared query": {messages(bind("", "s"), execute(""), syncMsg()), wire.ReadyForQuery, "2DCZ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOutdated(t)
			newest, tables := o.catchUp, o.Server.epoch.Load().binder.Snapshot().Tables
			o.catchUp = func(ctx context.Context) error {
				if err := newest(ctx); err != nil {
					return err
				}
				return o.Hold(ctx, tables, o.locks()) // which would wait for the first try if that were in flight
			}
			c := o.loginBase()
			c.Say(messages(parse("s", "SELECT last_name FROM individual WHERE id = 1"), syncMsg()))
			c.HearUntil(wire.ReadyForQuery)
			o.rename()
			c.Say(tc.group)
			o.retriedSoon()
			o.held(1)
			o.Open(o.Server.epoch.Load().binder.Snapshot())
			if got := c.HearUntil(tc.until); got != tc.want {
				t.Errorf("heard %q", got)
			}
		})
	}
}

func TestUsesOfAStatementSentOnceMoreAreCountedOnce(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	c := o.loginBase()
	o.Uses()
	o.rename()
	c.Say(messages(parse("", "SELECT last_name FROM individual"), bind("", ""), execute(""), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	o.retried(1)
	var n int64
	for _, u := range o.Uses() {
		if u.Column == "last_name" && u.Version == rules.Base {
			n += u.Count
		}
	}
	if n != 1 {
		t.Errorf("counted %d times", n)
	}
}

func TestManySessionsMeetNewerNamesAtOnce(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	clients := make([]*wiretest.Client, 8)
	for i := range clients {
		clients[i] = o.loginBase()
	}
	for _, c := range clients {
		c.Say(messages(parse("", "UPDATE individual SET last_name = last_name WHERE id = 2"), bind("", ""), execute(""), syncMsg()))
	}
	for _, c := range clients {
		if got := c.HearUntil(wire.ReadyForQuery); got != "12CZ" {
			t.Errorf("heard %q", got)
		}
	}
}
