package startup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestARunningStatementIsCancelledThroughTheProxy(t *testing.T) {
	t.Parallel()
	_, through := openRealDoor(t)
	victim, watcher := pgtest.Connect(t, through), pgtest.Connect(t, through)
	failed := make(chan error, 1)
	go func() {
		_, err := victim.Exec(context.Background(), "select pg_sleep(600)")
		failed <- err
	}()
	pgtest.Eventually(t, func() bool {
		var n int
		err := watcher.QueryRow(context.Background(),
			"select count(*) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'", victim.PgConn().PID()).Scan(&n)
		return err == nil && n == 1
	}, "the statement runs")
	if err := victim.PgConn().CancelRequest(context.Background()); err != nil {
		t.Fatal(err)
	}
	var pgErr *pgconn.PgError
	if err := <-failed; !errors.As(err, &pgErr) || pgErr.Code != "57014" {
		t.Errorf("got %v", err)
	}
	if _, err := victim.Exec(context.Background(), "select 1"); err != nil {
		t.Errorf("the next statement: %v", err)
	}
}

func TestACancelRequestIsForwardedAsItIs(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"of a session that nobody knows, with a key of protocol 3.0": "abcd",
		"with a key of 256 bytes":                                    strings.Repeat("k", 256),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan []byte, 1)
			closing := make(chan struct{})
			d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
				p, err := s.In.NextStartup()
				if err != nil {
					t.Error(err)
				}
				got <- p.Raw
				<-closing
			})})
			packet := wire.AppendCancelRequest(nil, 4711, []byte(key))
			c := wiretest.Dial(t, d.addr)
			c.Say(packet)
			if raw := <-got; !bytes.Equal(raw, packet) {
				t.Errorf("the server got %q", raw)
			}
			select {
			case err := <-d.errs:
				t.Errorf("served before the server had closed: %v", err)
			default:
			}
			close(closing)
			c.HearEnd()
			if err := <-d.errs; !errors.Is(err, errServed) {
				t.Errorf("establish returned %v", err)
			}
		})
	}
}

func TestACancelRequestOfAHeldStatementIsServedHere(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: fakeServer(t, func(*wiretest.Client) { t.Error("the server was contacted") })}, func(e *Entrance) {
		e.cancelHeld = func(pid uint32, key []byte) Cancelled {
			if pid == 7 && string(key) == "abcd" {
				return Held
			}
			return Foreign
		}
	})
	c := wiretest.Dial(t, d.addr)
	c.Say(wire.AppendCancelRequest(nil, 7, []byte("abcd")))
	c.HearEnd()
	if err := <-d.errs; !errors.Is(err, errServed) {
		t.Errorf("establish returned %v", err)
	}
}

func TestACancelRequestOfAWrongLengthIsNotForwarded(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: fakeServer(t, func(*wiretest.Client) { t.Error("the server was contacted") })})
	for name, key := range map[string]string{"no key": "", "a key of 257 bytes": strings.Repeat("k", 257)} {
		t.Run(name, func(t *testing.T) {
			c := wiretest.Dial(t, d.addr)
			c.Say(wire.AppendCancelRequest(nil, 7, []byte(key)))
			io.Copy(io.Discard, c.In)
			if err := <-d.errs; !errors.Is(err, errGone) {
				t.Errorf("establish returned %v", err)
			}
		})
	}
}

func TestACancelRequestForAServerThatIsDownIsReported(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: Upstream{Address: "127.0.0.1:1", SSLMode: "disable", Database: "d"}})
	c := wiretest.Dial(t, d.addr)
	c.Say(wire.AppendCancelRequest(nil, 7, []byte("abcd")))
	io.Copy(io.Discard, c.In)
	var e *wire.Error
	if err := <-d.errs; !errors.As(err, &e) || e.Code != "08006" {
		t.Errorf("establish returned %v", err)
	}
}

// What the client has sent may wait here for longer than a request does, which finds the server idle then.
func TestACancelRequestIsSentAgainBehindWhatWasNotSent(t *testing.T) {
	t.Parallel()
	requests := make(chan struct{}, 10)
	waits := make(chan bool, 10) // a value for each time that somebody waits for what was sent: whether it is at the server then
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		if _, err := s.In.NextStartup(); err == nil {
			requests <- struct{}{}
		}
	})}, func(e *Entrance) {
		e.cancelHeld = func(uint32, []byte) Cancelled { return Running }
		e.settle = func(context.Context, uint32, []byte) func(context.Context) bool {
			if !<-waits {
				return nil
			}
			return func(context.Context) bool { return true }
		}
	})
	c := wiretest.Dial(t, d.addr)
	c.Say(wire.AppendCancelRequest(nil, 7, []byte("abcd")))
	waits <- false
	<-requests
	waits <- true // behind the first request,
	waits <- true // and before the second
	<-requests
	c.HearEnd()
	if err := <-d.errs; !errors.Is(err, errServed) || len(requests) > 0 {
		t.Errorf("establish returned %v, and %d more were sent", err, len(requests))
	}
}
