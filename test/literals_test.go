package test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A book keeps what is written to it. It is safe for concurrent use.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// confidential is in every literal and comment of the sessions of TestNothingThatIsStoredOrShownHasOthersLiterals.
const confidential = "confidential"

// confidentialTexts leave a transaction open in which a table under migration is locked, and one text behind.
var confidentialTexts = map[string]string{
	"a password":            "CREATE ROLE %s PASSWORD 'confidential-1'",
	"a comment":             "SELECT /* confidential-2 */ 1 -- confidential-3",
	"a string of dollars":   "SELECT $a$confidential-4$a$, U&'confidential-5', E'it\\'s confidential-6', N'confidential-7'",
	"a text that is cut":    "SELECT '" + strings.Repeat("confidential ", 500) + "'",
	"a text that fails":     "SELECT 'confidential-8' +",
	"a body":                "DO $$ BEGIN PERFORM 'confidential-9'; END $$",
	"other strings":         "SET LOCAL standard_conforming_strings = off; SELECT 'x\\' confidential-a', 'confidential-b'",
	"a statement with rows": "INSERT INTO orders (person_id, item) VALUES (1, 'confidential-c')",
}

// pages are the answers of the admin API that anybody who may read it can fetch.
var pages = []string{
	"/", "/metrics", "/v1/migrations", "/v1/migrations/surname", "/v1/migrations/surname/plan", "/v1/migrations/surname/assessment",
	"/v1/migrations/surname/usage", "/v1/migrations/surname/transitions", "/v1/migrations/surname/exit-sql?to=rolled_back",
	"/v1/instances", "/v1/sessions", "/healthz", "/readyz", "/startup",
}

// TestNothingThatIsStoredOrShownHasOthersLiterals goes over all surfaces: the control tables, the admin API with the
// dashboard and metrics, what a request is answered with, and the log.
func TestNothingThatIsStoredOrShownHasOthersLiterals(t *testing.T) {
	t.Parallel()
	f, log := newFleet(t, 0, shop), new(book)
	f.start(t, "instance", func(c *serve.Config) {
		c.Migrate.DrainLimit, c.Migrate.Lease = 100*time.Millisecond, pgtest.Patience
		c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: log})
	})
	f.create(t, surname)
	f.phase(t, "surname", rules.Active)
	var seen bytes.Buffer
	look := func() {
		for _, page := range pages {
			fmt.Fprintf(&seen, "%s\n%s\n", page, f.page(t, page))
		}
	}
	f.confide(t)
	if err := f.instances[0].Instance.Request(t.Context(), "surname", migrate.Request{Kind: migrate.Cutover}); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Instance.Get(t.Context(), "surname")
		return err == nil && st.Pending != nil && st.Pending.Attempts > 1 && len(st.Blockers) > 0
	}, "blockers of a cutover")
	look()
	f.api(t, http.MethodDelete, "/v1/migrations/surname", "")
	pgtest.Exec(t, f.direct, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '`+confidant+`'`)
	f.transition(t, "surname", migrate.Request{Kind: migrate.Cutover})
	f.confide(t)
	look()
	_, refusal := f.api(t, http.MethodPost, "/v1/migrations/surname/contract", "")
	fmt.Fprint(&seen, refusal)
	if !strings.Contains(fmt.Sprint(refusal), "past the instances") {
		t.Errorf("the contract is not refused for sessions past the instances: %v", refusal)
	}
	for what, text := range map[string]string{"the admin API": seen.String(), "the log": log.String(), "schema segue": f.dump(t)} {
		if at := strings.Index(text, confidential); at >= 0 {
			t.Errorf("%s has a literal of another session: …%.300s", what, text[max(0, at-150):])
		}
		if len(text) < 300 {
			t.Errorf("%s is not read: %q", what, text)
		}
	}
	if !strings.Contains(seen.String(), "PASSWORD $1") {
		t.Errorf("no statement is shown at all:\n%s", seen.String())
	}
}

// confidant is the application_name of the sessions that confide makes.
const confidant = "confidant"

// confide opens a session for each of the texts, directly and through the instance, with a lock on the table.
func (f *fleet) confide(t *testing.T) {
	t.Helper()
	for name, text := range confidentialTexts {
		for n, url := range []string{f.direct, f.url(t, 0, "base")} {
			sql := strings.ReplaceAll(text, "%s", fmt.Sprintf("%s_%d", confidant, n))
			cfg, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			cfg.RuntimeParams["application_name"] = confidant
			conn, err := pgx.ConnectConfig(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close(context.Background()) })
			table := f.nameOfTable(t)
			if url != f.direct {
				table = "individual"
			}
			if _, err := conn.PgConn().Exec(t.Context(), "BEGIN; SELECT 'confidential' FROM "+table).ReadAll(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, _ = conn.PgConn().Exec(t.Context(), sql).ReadAll() // one of them is to fail
		}
	}
}

// nameOfTable is what the database calls the table now.
func (f *fleet) nameOfTable(t *testing.T) string {
	t.Helper()
	var name string
	conn := pgtest.Connect(t, f.direct)
	if err := conn.QueryRow(t.Context(), `SELECT coalesce(to_regclass('individual'), to_regclass('person'))::text`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

// page is what the admin API answers to a GET, whatever the status.
func (f *fleet) page(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(f.instances[0].AdminURL() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// dump is everything that is in the tables of schema segue.
func (f *fleet) dump(t *testing.T) string {
	t.Helper()
	conn := pgtest.Connect(t, f.direct)
	var text string
	err := conn.QueryRow(t.Context(), `
		SELECT string_agg(query_to_xml(format('SELECT * FROM segue.%I', relname), true, false, '')::text, '')
		FROM pg_class WHERE relnamespace = 'segue'::regnamespace AND relkind = 'r'`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
