package orm

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// Names are what one version of the app calls what is renamed. The quoted ones are as SQL writes them.
type Names struct {
	Table, Column             string
	QuotedTable, QuotedColumn string
	PartitionedColumn         string
}

var (
	oldNames = Names{"individual", "last_name", `"LineItem"`, `"Qty"`, "page"}
	newNames = Names{"person", "surname", `"OrderLine"`, `"Quantity"`, "path"}
)

// A program is run on a database and returns what it printed.
type program func(t *testing.T, db database) string

// A database is what a program gets to know: where it is, what its names are, and as which version to connect.
type database struct {
	Names
	host, port, name, user string
	options                string // as in PGOPTIONS; empty when it is asked directly
}

// environment is what libpq and what imitates it read, with the names for the program.
func (d database) environment() []string {
	unquoted := func(name string) string { return strings.Trim(name, `"`) }
	return []string{
		"PGHOST=" + d.host, "PGPORT=" + d.port, "PGDATABASE=" + d.name, "PGUSER=" + d.user, "PGOPTIONS=" + d.options,
		"PGTZ=UTC", "TZ=UTC", "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"),
		"TABLE=" + d.Table, "COLUMN=" + d.Column, "PARTITIONED_COLUMN=" + d.PartitionedColumn,
		"QUOTED_TABLE=" + unquoted(d.QuotedTable), "QUOTED_COLUMN=" + unquoted(d.QuotedColumn),
	}
}

// inEachVersion runs a program as the old version and as the new one beside it, after cutover, and as the new one before,
// and compares what it prints with what it prints on a database that was made with the names of that version.
func inEachVersion(t *testing.T, run program) {
	t.Helper()
	inStages(t, "shop.sql", "rules.yaml", []stage{
		{"as the old version after cutover", rules.Cutover, rules.Base, oldNames},
		{"as the new version after cutover", rules.Cutover, "surname", newNames},
		{"as the new version before cutover", rules.Active, "surname", newNames},
	}, run)
}

// A stage is a phase, and the version as which a program runs in it.
type stage struct {
	name    string
	phase   rules.Phase
	version string
	names   Names
}

// inStages is inEachVersion for a schema and rules, files of testdata, and some stages.
func inStages(t *testing.T, schema, rulesFile string, stages []stage, run program) {
	t.Helper()
	for _, s := range stages {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			direct, through := pgtest.Database(t), pgtest.Database(t)
			pgtest.Exec(t, direct, fill(t, schema, s.names))
			pgtest.Exec(t, through, fill(t, schema, oldNames))
			want := run(t, at(t, direct, s.names, ""))
			got := run(t, at(t, migrated(t, through, rulesFile, s.phase), s.names, "-c segue.version="+s.version))
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("through the proxy it is not as on a database of that schema (-direct +proxy):\n%s", diff)
			}
			if want == "" {
				t.Error("nothing was compared")
			}
		})
	}
}

// at takes a connection string apart.
func at(t *testing.T, connString string, names Names, options string) database {
	t.Helper()
	u, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	return database{
		Names: names, options: options,
		host: u.Hostname(), port: u.Port(), name: strings.TrimPrefix(u.Path, "/"), user: u.User.Username(),
	}
}

// fill reads a file of testdata in which {{.Table}} and the like stand for the version's names.
func fill(t *testing.T, file string, names Names) string {
	t.Helper()
	tmpl, err := template.ParseFiles("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, names); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// migrated starts an instance in front of a database, brings the migration to a phase, and returns the connection string
// through the proxy.
func migrated(t *testing.T, connString, rulesFile string, phase rules.Phase) string {
	t.Helper()
	cfg := serve.Config{
		Upstream: connString, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Migrate: migrate.Config{ID: "instance", DrainLimit: 4 * time.Second, Lease: pgtest.Patience},
		Log:     hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: t.Output(), DisableTime: true}),
	}
	cfg.Proxy.StrictOracle = true
	cfg.Proxy.DrainTimeout = pgtest.Patience
	r, err := serve.Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*pgtest.Patience)
	defer cancel()
	file, err := os.ReadFile("testdata/" + rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Instance.Create(ctx, "rules.yaml", file, "test"); err != nil {
		t.Fatalf("create: %v", err)
	}
	for _, kind := range []migrate.Kind{migrate.Activate, migrate.Cutover} {
		if err := r.Instance.Request(ctx, "surname", migrate.Request{Kind: kind}); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		st, err := r.Instance.Wait(ctx, "surname")
		if err != nil || st.Pending != nil {
			t.Fatalf("%s: %+v, %v", kind, st, err)
		}
		if st.Phase == phase {
			break
		}
	}
	return pgtest.Through(t, connString, r.Addr())
}
