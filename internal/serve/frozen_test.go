package serve

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/rules"
)

const people = `CREATE TABLE individual (id int PRIMARY KEY, last_name text);
	INSERT INTO individual VALUES (1, 'Moss'), (2, 'Trenneman')`

const surname = `
id: surname
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_table:  { from: public.individual, to: person }
`

// A freezer passes connections on to a server. Those that are there when it freezes are stalled until it thaws.
type freezer struct {
	target string
	mu     sync.Mutex
	frozen chan struct{} // closed by thaw; nil: nothing was frozen
	age    int           // how often it was frozen
}

// freeze stalls the connections that there are now.
func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen, f.age = make(chan struct{}), f.age+1
}

func (f *freezer) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.frozen)
}

// newFreezer listens in front of the server of a connection string, and returns that of the way through.
func newFreezer(t *testing.T, database string) (*freezer, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{target: u.Host}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { l.Close() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { f.pass(c) })
		}
	})
	return f, pgtest.Through(t, database, l.Addr().String())
}

func (f *freezer) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	f.mu.Lock()
	born := f.age
	f.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.copy(server, client, born)
		server.Close()
	}()
	f.copy(client, server, born)
	client.Close()
	<-done
}

func (f *freezer) copy(to io.Writer, from io.Reader, born int) {
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		f.mu.Lock()
		frozen := f.frozen
		if born == f.age {
			frozen = nil
		}
		f.mu.Unlock()
		if frozen != nil {
			<-frozen
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// start starts an instance that looks by itself as seldom as poll says.
func start(t *testing.T, id, upstream string, poll time.Duration) *Running {
	t.Helper()
	r, err := Start(t.Context(), Config{
		Upstream: upstream, Listen: "127.0.0.1:0",
		Proxy:   proxy.Config{CatchUpTimeout: pgtest.Patience},
		Migrate: migrate.Config{ID: id, Poll: poll, Lease: 3 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop of %s: %v", id, err)
		}
	})
	return r
}

// transit takes the migration to another phase through an instance.
func transit(t *testing.T, r *Running, kind migrate.Kind) {
	t.Helper()
	if err := r.Instance.Request(t.Context(), "surname", migrate.Request{Kind: kind}); err != nil {
		t.Fatal(err)
	}
	if st, err := r.Instance.Wait(t.Context(), "surname"); err != nil || st.Pending != nil {
		t.Fatalf("%s: %+v, %v", kind, st, err)
	}
}

// TestStatementsOfAnInstanceThatMissedACutoverAreAnswered freezes the control connections of one instance, and cuts over
// with another while the first is taken for dead. What the first sends then meets names of which it has not heard.
func TestStatementsOfAnInstanceThatMissedACutoverAreAnswered(t *testing.T) {
	t.Parallel()
	database := pgtest.Database(t)
	pgtest.Exec(t, database, people)
	ice, cold := newFreezer(t, database)
	frozen := start(t, "frozen", cold, time.Hour) // it learns of nothing but by being told
	// The other has to see for itself when the first, which may have led the activation, is no leader any more.
	lively := start(t, "lively", database, 100*time.Millisecond)
	if _, _, err := lively.Instance.Create(t.Context(), "surname.yaml", []byte(surname), "test"); err != nil {
		t.Fatal(err)
	}
	transit(t, lively, migrate.Activate)
	pgtest.Eventually(t, func() bool { return frozen.Instance.Snapshot().Live() }, "both instances serve the migration")

	ice.freeze()
	thaw := sync.OnceFunc(ice.thaw)
	t.Cleanup(thaw)
	pgtest.Exec(t, database, "DELETE FROM segue.instance WHERE id = 'frozen'")
	conn := pgtest.Connect(t, pgtest.Through(t, database, frozen.Addr())+"&segue.version="+rules.Base)
	var name string
	read := func() error {
		return conn.QueryRow(t.Context(), "SELECT last_name FROM individual WHERE id = $1", 2).Scan(&name)
	}
	if err := read(); err != nil || name != "Trenneman" {
		t.Fatalf("before: %q, %v", name, err)
	}
	transit(t, lively, migrate.Cutover)

	answered := make(chan error, 1)
	go func() { answered <- read() }()
	pgtest.Eventually(t, func() bool { return frozen.Proxy.Sessions()[0].Held }, "the statement waits for newer names")
	thaw()
	if err := <-answered; err != nil || name != "Trenneman" {
		t.Errorf("after: %q, %v", name, err)
	}
	if phase := frozen.Instance.Snapshot().Migration("surname").Phase; phase != rules.Cutover {
		t.Errorf("the instance serves phase %s", phase)
	}
}
