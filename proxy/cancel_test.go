package proxy

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// A cancel request comes on another connection than the statement that it is for, and must not be there before it.
func TestACancelRequestDoesNotOvertakeTheStatement(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		loops int
		mode  pgx.QueryExecMode
	}{
		"in a loop":                {1, pgx.QueryExecModeSimpleProtocol},
		"in goroutines":            {0, pgx.QueryExecModeSimpleProtocol},
		"of the extended protocol": {1, pgx.QueryExecModeExec},
		"of the extended protocol, in goroutines": {0, pgx.QueryExecModeExec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := openShop(t, func(c *Config) { c.Loops = tc.loops })
			for range 20 {
				cancelAtOnce(t, p, tc.mode)
			}
		})
	}
}

// cancelAtOnce begins a session with a statement that takes long, and cancels that as soon as the proxy has it.
func cancelAtOnce(t *testing.T, p *running, mode pgx.QueryExecMode) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname%20-c%20statement_timeout%3D20s")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT surname, pg_sleep(60) FROM (SELECT 'x' AS surname UNION ALL SELECT surname FROM individual) AS i", mode)
		failed <- err
	}()
	for begun := false; !begun; { // it may have been read, and may not have been sent
		for _, s := range p.list() {
			begun = begun || s.link.PID == conn.PgConn().PID() && s.messages.Load() > 0
		}
	}
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var cancelled *pgconn.PgError
	if err := <-failed; !errors.As(err, &cancelled) || !strings.Contains(cancelled.Message, "user request") {
		t.Errorf("the statement ends with %v", err)
	}
}

// TestACancelRequestThatTheServerIgnoresIsSentAgain has a server that takes itself for idle at the first requests, because it has
// not read the statement yet.
func TestACancelRequestThatTheServerIgnoresIsSentAgain(t *testing.T) {
	t.Parallel()
	const ignored = 2
	var requests atomic.Int32
	heeded := make(chan struct{})
	up := fakeServer(t, func(s *wiretest.Client) {
		p, err := s.In.NextStartup()
		if err != nil {
			return
		}
		if p.Code == wire.CancelRequestCode {
			if requests.Add(1) == ignored+1 {
				close(heeded)
			}
			return
		}
		s.Say(wiretest.Greeting([]byte("key!")))
		if _, err := s.In.Next(); err != nil {
			return
		}
		<-heeded
		s.Say(messages(cancelError().AppendTo(nil), wire.AppendReadyForQuery(nil, wire.Idle)))
		_, _ = s.In.Next()
	})
	p := openProxy(t, func(c *Config) { c.Upstream = up })
	c := wiretest.Dial(t, p.addr)
	c.Hello("d")
	c.HearUntil(wire.ReadyForQuery)
	c.Say(simple("SELECT"))
	cancel := func() {
		k := wiretest.Dial(t, p.addr)
		k.Say(wire.AppendCancelRequest(nil, 42, []byte("key!")))
		k.HearEnd()
	}
	cancel()
	if e := c.HearError(); e.Code != "57014" {
		t.Errorf("%+v", e)
	}
	c.Hear(wire.ReadyForQuery)
	if n := requests.Load(); n != ignored+1 {
		t.Errorf("%d requests were sent, want %d", n, ignored+1)
	}
	if cancel(); requests.Load() != ignored+2 {
		t.Errorf("%d requests were sent for a session that is idle", requests.Load()-ignored-1)
	}
}
