package test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A fleet is one database and the instances in front of it.
type fleet struct {
	direct    string // connection string of the database itself
	instances []*serve.Running
}

// drainLimit is so long that no transaction of a load's clients is still open after it, however busy the machine is: those
// that are would be in the way of every transition.
const drainLimit = 8 * time.Second

// newFleet makes a database from the statements and starts n instances in front of it. They are stopped, and must stop
// without an error, when the test ends.
func newFleet(t *testing.T, n int, setup ...string) *fleet {
	t.Helper()
	f := &fleet{direct: pgtest.Database(t)}
	pgtest.Exec(t, f.direct, setup...)
	for i := range n {
		f.start(t, fmt.Sprintf("instance-%d", i+1), nil)
	}
	return f
}

// start adds an instance; change may adapt its configuration.
func (f *fleet) start(t *testing.T, id string, change func(*serve.Config)) *serve.Running {
	t.Helper()
	cfg := serve.Config{
		Upstream: f.direct, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Migrate: migrate.Config{ID: id, DrainLimit: drainLimit, Lease: 3 * drainLimit}, Log: testLog(t),
	}
	cfg.Proxy.StrictOracle = true
	cfg.Proxy.DrainTimeout = pgtest.Patience
	if change != nil {
		change(&cfg)
	}
	r, err := serve.Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start %s: %v", id, err)
	}
	f.instances = append(f.instances, r)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop %s: %v", id, err)
		}
	})
	return r
}

// url is the database through instance i, pinned to a schema version, or unpinned when that is empty.
func (f *fleet) url(t testing.TB, i int, version string) string {
	t.Helper()
	return pinned(t, pgtest.Through(t, f.direct, f.instances[i].Addr()), version)
}

// pinned adds the schema version to a connection string, as an app would: by its options.
func pinned(t testing.TB, connString, version string) string {
	t.Helper()
	if version == "" {
		return connString
	}
	u, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("options", "-c segue.version="+version)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // libpq takes a plus sign for itself
	return u.String()
}

// connect opens a connection through instance i that speaks in the given mode.
func (f *fleet) connect(t testing.TB, i int, version string, mode pgx.QueryExecMode) *pgx.Conn {
	t.Helper()
	return dial(t, f.url(t, i, version), mode)
}

// dial is pgtest.Connect with a mode.
func dial(t testing.TB, connString string, mode pgx.QueryExecMode) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(connString)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = mode
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

// create stores a rule file.
func (f *fleet) create(t testing.TB, file string) {
	t.Helper()
	if _, _, err := f.instances[0].Instance.Create(context.Background(), "rules.yaml", []byte(file), "test"); err != nil {
		t.Fatalf("create: %v", err)
	}
}

// transition asks for one and waits until it is done.
func (f *fleet) transition(t testing.TB, id string, r migrate.Request) {
	t.Helper()
	if err := f.try(id, r); err != nil {
		t.Fatalf("%s %s: %v", r.Kind, id, err)
	}
}

// try is transition for those that may be refused.
func (f *fleet) try(id string, r migrate.Request) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*pgtest.Patience)
	defer cancel()
	i := f.instances[len(f.instances)-1].Instance
	if err := i.Request(ctx, id, r); err != nil {
		return err
	}
	st, err := i.Wait(ctx, id)
	if err == nil && st.Pending != nil {
		err = fmt.Errorf("still trying: %v, blockers %v, last error %s", st.WaitingFor, st.Blockers, st.Pending.LastError)
	}
	return err
}

// phase brings a migration that is stored as a draft to a phase.
func (f *fleet) phase(t testing.TB, id string, to rules.Phase) {
	t.Helper()
	kinds := map[rules.Phase][]migrate.Kind{
		rules.Draft:      nil,
		rules.Active:     {migrate.Activate},
		rules.Cutover:    {migrate.Activate, migrate.Cutover},
		rules.Contracted: {migrate.Activate, migrate.Cutover, migrate.Contract},
	}
	for _, k := range kinds[to] {
		f.transition(t, id, migrate.Request{Kind: k})
	}
}

// gone waits until no instance has a session of that version.
func (f *fleet) gone(t testing.TB, version string) {
	t.Helper()
	pgtest.Eventually(t, func() bool {
		for _, r := range f.instances {
			for _, s := range r.Instance.Sessions() {
				if s.Version == version {
					return false
				}
			}
		}
		return true
	}, "the sessions of "+version+" are gone")
}

// testLog sends the log of an instance to the test's.
func testLog(t *testing.T) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: t.Output(), DisableTime: true})
}
