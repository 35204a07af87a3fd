package migrate

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestActivateIsRefusedToARoleThatCouldNotRename(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop+`
		CREATE TABLE public.visit (day date, page text) PARTITION BY RANGE (day);
		CREATE TABLE public.visit_1 PARTITION OF public.visit FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');`)
	role := f.owner()
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	superuser := value[string](f, `SELECT current_user::text`)
	foreign := func(table string) string {
		return "table " + table + " belongs to " + superuser + ", whose rights " + role + " does not have"
	}
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual OWNER TO `+superuser, `ALTER TABLE public.visit OWNER TO `+role,
		`REVOKE CREATE ON SCHEMA public FROM `+role+`, PUBLIC`)

	f.create(surname)
	f.create("id: page\noperations:\n  - rename_column: { table: public.visit, from: page, to: path }\n")
	f.create("id: visit\noperations:\n  - rename_table: { from: public.visit, to: hit }\n")
	for _, tc := range []struct {
		id      string
		lacking []string
	}{
		{"surname", []string{foreign("public.individual")}},
		{"page", []string{foreign("public.visit_1")}},
		{"visit", []string{role + " has no CREATE on schema public, in which a table is renamed"}}, // its partition stays as it is
	} {
		if e := f.refused(tc.id, activate); !cmp.Equal(e.Missing, tc.lacking) || e.Hint == "" {
			t.Errorf("%s lacks %q with hint %q, want %q", tc.id, e.Missing, e.Hint, tc.lacking)
		}
		found, err := f.instances[0].Assess(t.Context(), tc.id)
		if diff := cmp.Diff([]string{"warning rights " + role, "warning rights " + role, "error rights " + tc.id}, f.without(findings(t, found, err))); diff != "" {
			t.Errorf("assessed %s (-want +got):\n%s", tc.id, diff)
		}
	}

	pgtest.Exec(t, f.url, `ALTER TABLE public.individual OWNER TO `+role, `ALTER TABLE public.visit_1 OWNER TO `+role,
		`GRANT CREATE ON SCHEMA public TO `+role)
	f.must("surname", activate)
	f.must("page", activate)
	f.must("visit", activate)

	pgtest.Exec(t, f.url, `ALTER TABLE public.individual OWNER TO `+superuser)
	if e := f.refused("surname", cutover); !cmp.Equal(e.Missing, []string{foreign("public.individual")}) {
		t.Errorf("cutover lacks %q", e.Missing)
	}
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual OWNER TO `+role)
	f.must("surname", cutover, rollback)
}

func TestWhatTheRoleLacksIsFoundWithItsGrant(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	var log bytes.Buffer
	var writing sync.Mutex // held while log is written
	i := f.join(func(c *Config) {
		c.Upstream = asRole(f.url, role)
		c.Log = hclog.New(&hclog.LoggerOptions{Output: &log, Mutex: &writing, Level: hclog.Warn})
	})
	writing.Lock()
	told := log.String()
	writing.Unlock()
	f.create(surname)
	for _, right := range []string{"pg_read_all_stats", "pg_signal_backend"} {
		grant := "GRANT " + right + " TO " + role
		found, err := i.Assess(t.Context(), "surname")
		if err != nil {
			t.Fatal(err)
		}
		n := slices.IndexFunc(found, func(f assess.Finding) bool { return slices.Equal(f.Mend, []string{grant}) })
		if n < 0 || found[n].Severity != assess.Warn || found[n].ID != "rights" {
			t.Errorf("%s is not found to be missing: %+v", right, found)
		}
		if !strings.Contains(told, grant) {
			t.Errorf("the log does not say %q: %s", grant, told)
		}
		pgtest.Exec(t, f.url, grant)
	}
	found, err := i.Assess(t.Context(), "surname")
	if diff := cmp.Diff([]string{}, f.without(findings(t, found, err))); diff != "" {
		t.Errorf("with both rights (-want +got):\n%s", diff)
	}
}
