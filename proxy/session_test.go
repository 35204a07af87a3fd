package proxy

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestPgxWorksThroughTheProxy(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	conn := pgtest.Connect(t, p.url)
	var sum int
	if err := conn.QueryRow(context.Background(), "SELECT sum(n)::int FROM generate_series(1, $1::int) n", 100).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != 5050 {
		t.Errorf("sum is %d", sum)
	}
}

func TestPgbenchWorksThroughTheProxy(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	bench := func(args ...string) {
		t.Helper()
		cmd := exec.Command(pgtest.Bin("pgbench"), append(args, p.url)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("pgbench %v: %v\n%s", args, err, out)
		}
		if strings.Contains(string(out), "failed transactions: 0 ") == false && strings.Contains(string(out), "processed") {
			t.Errorf("pgbench %v:\n%s", args, out)
		}
	}
	bench("-i", "-q")
	for _, mode := range []string{"simple", "extended", "prepared"} {
		bench("-M", mode, "-n", "-c", "4", "-t", "50")
	}
}

// A witness counts the sessions of a proxy when the first ReadyForQuery is about to be sent.
type witness struct {
	net.Conn
	*Server
	seen chan int
}

func (w *witness) Write(b []byte) (int, error) {
	if bytes.HasSuffix(b, []byte{wire.ReadyForQuery, 0, 0, 0, 5, wire.Idle}) {
		w.seen <- len(w.Sessions())
	}
	return w.Conn.Write(b)
}

func TestASessionIsListedBeforeItsClientMayBegin(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.AllowUnauthenticated = true }) // a pipe has no address
	near, far := net.Pipe()
	w := &witness{Conn: far, Server: p.Server, seen: make(chan int, 1)}
	p.start(w)
	c := wiretest.New(t, near)
	c.Hello(p.database)
	c.HearUntil(wire.ReadyForQuery)
	if n := <-w.seen; n != 1 {
		t.Errorf("%d sessions are listed", n)
	}
	c.Close()
}
