package migrate

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

const shop = `
CREATE TABLE public.individual (id int PRIMARY KEY, last_name text, city text);
INSERT INTO public.individual SELECT i, 'name ' || i, 'city' FROM generate_series(1, 10) AS i;`

const surname = `
id: surname
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
`

// drainLimit is long enough for an attempt that can succeed, however busy the machine is.
const drainLimit = 3 * time.Second

// A fleet is some instances on one database of their own.
type fleet struct {
	t         *testing.T
	url       string
	db        *pgxpool.Pool // the test's own view, of the same application_name as an instance of nobody
	instances []*Instance
	traffics  []*traffic
}

// keptParsed makes a function with a body that PostgreSQL keeps parsed, so that it follows a rename, where the server can do
// that (14 and later).
const keptParsed = `DO $do$ BEGIN
	IF current_setting('server_version_num')::int >= 140000 THEN
		EXECUTE 'CREATE FUNCTION public.follows() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT last_name FROM public.individual LIMIT 1; END';
	END IF;
END $do$;`

// newFleet starts n instances, named a, b, …, on a database with the given tables.
func newFleet(t *testing.T, n int, schema string, change ...func(*Config)) *fleet {
	t.Helper()
	return newFleetAt(t, pgtest.Database(t), n, schema, change...)
}

// newFleetAt is newFleet on a database that is there already.
func newFleetAt(t *testing.T, url string, n int, schema string, change ...func(*Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, url: url}
	pgtest.Exec(t, f.url, schema)
	var err error
	if f.db, err = pgxpool.New(t.Context(), f.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.db.Close)
	for range n {
		f.join(change...)
	}
	return f
}

// join starts one more instance.
func (f *fleet) join(change ...func(*Config)) *Instance {
	f.t.Helper()
	id := string(rune('a' + len(f.instances)))
	cfg := Config{
		Upstream: f.url, ID: id, DrainLimit: drainLimit, Lease: 20 * time.Second, Poll: 50 * time.Millisecond,
		Log: hclog.New(&hclog.LoggerOptions{Name: id, Level: hclog.Debug, Output: testWriter{f.t}}),
	}
	for _, c := range change {
		c(&cfg)
	}
	tr := newTraffic(f.t, id, f.db)
	i, err := NewInstance(cfg, tr)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := i.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := i.Stop(ctx); err != nil {
			f.t.Errorf("stop: %v", err)
		}
	})
	f.instances, f.traffics = append(f.instances, i), append(f.traffics, tr)
	return i
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}

// create stores a rule file through the first instance.
func (f *fleet) create(file string) {
	f.t.Helper()
	if _, _, err := f.instances[0].Create(f.t.Context(), "rules.yaml", []byte(file), "test"); err != nil {
		f.t.Fatal(err)
	}
}

// do asks one of the instances for a transition and waits until it is over.
func (f *fleet) do(id string, r Request) (*Status, error) {
	f.t.Helper()
	i := f.instances[len(f.instances)-1]
	if err := i.Request(f.t.Context(), id, r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), pgtest.Patience)
	defer cancel()
	st, err := i.Wait(ctx, id)
	if err == nil && st.Pending != nil {
		err = fmt.Errorf("%s is still pending: %+v", r.Kind, *st.Pending)
	}
	return st, err
}

// must does the transitions one after the other.
func (f *fleet) must(id string, requests ...Request) {
	f.t.Helper()
	for _, r := range requests {
		st, err := f.do(id, r)
		if err != nil {
			f.t.Fatalf("%s of %s: %v", r.Kind, id, err)
		}
		if want := r.in(st.Phase).target(); st.Phase != want {
			f.t.Fatalf("after %s the phase is %s, want %s", r.Kind, st.Phase, want)
		}
	}
}

// refused does a transition that must be refused.
func (f *fleet) refused(id string, r Request) *ConflictError {
	f.t.Helper()
	_, err := f.do(id, r)
	e, ok := err.(*ConflictError)
	if !ok {
		f.t.Fatalf("%s of %s gave %v, want a refusal", r.Kind, id, err)
	}
	return e
}

// value reads one value from the database.
func value[T any](f *fleet, sql string, args ...any) T {
	f.t.Helper()
	var v T
	if err := f.db.QueryRow(f.t.Context(), sql, args...).Scan(&v); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// hasColumn tells whether the table physically has the column.
func (f *fleet) hasColumn(table, column string) bool {
	f.t.Helper()
	return value[bool](f, `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)`, table, column)
}

func (f *fleet) phase(id string) rules.Phase {
	f.t.Helper()
	return rules.Phase(value[string](f, `SELECT phase FROM segue.migration WHERE id = $1`, id))
}

var (
	activate     = Request{Kind: Activate, Actor: "test"}
	cutover      = Request{Kind: Cutover, Actor: "test"}
	contract     = Request{Kind: Contract, Actor: "test", AllowBypass: true} // the test itself bypasses the instances
	rollback     = Request{Kind: Rollback, Actor: "test"}
	purge        = Request{Kind: Purge, Actor: "test"}
	backToActive = Request{Kind: Rollback, To: rules.Active, Actor: "test"}
)

// asRole is the connection string with another user, whose password is "secret".
func asRole(connString, role string) string {
	u, err := url.Parse(connString)
	if err != nil {
		panic(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u.String()
}
