package proxy

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// A running proxy in front of a database of its own.
type running struct {
	*Server
	t        testing.TB
	addr     string
	direct   string // connection string of the database, around the proxy
	url      string // and through it
	database string
}

// openProxy starts a proxy that is shut down when the test ends.
func openProxy(t testing.TB, change ...func(*Config)) *running {
	t.Helper()
	direct := pgtest.Database(t)
	parsed, err := pgx.ParseConfig(direct)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Loops: 1,
		Config: startup.Config{Upstream: startup.Upstream{
			Network: "tcp", Address: net.JoinHostPort(parsed.Host, strconv.Itoa(int(parsed.Port))), SSLMode: "disable",
			Database: parsed.Database,
		}},
		StrictOracle:   true,
		DrainTimeout:   pgtest.Patience,
		CatchUpTimeout: pgtest.Patience,
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = s.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &running{s, t, l.Addr().String(), direct, pgtest.Through(t, direct, l.Addr().String()), parsed.Database}
}

// run executes statements on a connection around the proxy.
func (r *running) run(sql ...string) {
	r.t.Helper()
	pgtest.Exec(r.t, r.direct, sql...)
}

// load reads the catalog of the database.
func (r *running) load() *catalog.Catalog {
	r.t.Helper()
	conn, err := pgx.Connect(context.Background(), r.direct)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	cat, err := catalog.Load(context.Background(), conn)
	if err != nil {
		r.t.Fatal(err)
	}
	return cat
}

// snapshot builds the snapshot of migrations that are in the given phases.
func (r *running) snapshot(epoch int64, migrations ...*rules.Migration) *rules.Snapshot {
	r.t.Helper()
	snap, err := rules.Build(epoch, migrations, r.load())
	if err != nil {
		r.t.Fatal(err)
	}
	return snap
}

// migration parses a rule file.
func migration(t testing.TB, seq int64, phase rules.Phase, yaml string) *rules.Migration {
	t.Helper()
	m, err := rules.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	m.Seq, m.Phase = seq, phase
	return m
}

// login opens a raw session and reads up to its first ReadyForQuery.
func (r *running) login(more ...wire.Parameter) *wiretest.Client {
	r.t.Helper()
	c := wiretest.Dial(r.t, r.addr)
	c.Hello(r.database, more...)
	c.HearUntil(wire.ReadyForQuery)
	return c
}
