package test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// assessed lists what the first instance finds of a hazard.
func (f *fleet) assessed(t *testing.T, id string) (out []assess.Finding) {
	t.Helper()
	found, err := f.instances[0].Instance.Assess(t.Context(), "surname")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range found {
		if x.ID == id {
			out = append(out, x)
		}
	}
	return out
}

func TestAssessTellsWhichAppsHaveToBePinned(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(t, surname)
	f.phase(t, "surname", rules.Active)
	use := func(version string) *pgx.Conn {
		t.Helper()
		conn := f.connect(t, 1, version, pgx.QueryExecModeExec)
		for _, sql := range []string{`SET application_name = 'web'`, `SELECT last_name FROM individual`} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		return conn
	}
	pinned := use(rules.Base)
	if found := f.assessed(t, "unpinned"); len(found) > 0 {
		t.Errorf("an app that is pinned is found: %+v", found)
	}
	conn := use("")
	var found []assess.Finding
	pgtest.Eventually(t, func() bool { found = f.assessed(t, "unpinned"); return len(found) > 0 }, "the app is found")
	if len(found) != 1 || !strings.HasPrefix(found[0].Object, "app web (user ") || len(found[0].Sessions) != 1 || found[0].Severity != assess.Warn {
		t.Errorf("found %+v", found)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return len(f.assessed(t, "unpinned")) == 0 }, "only the pinned one is left")
	if err := pinned.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAssessNamesSessionsPastTheInstancesWithTheirAddress(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	conn := pgtest.Connect(t, f.direct+"&application_name=report")
	through := f.connect(t, 0, rules.Base, pgx.QueryExecModeExec)
	var found []assess.Finding
	pgtest.Eventually(t, func() bool { found = f.assessed(t, "bypass"); return len(found) > 0 }, "the session is found")
	if len(found) != 1 || found[0].Sessions[0].PID != conn.PgConn().PID() || found[0].Sessions[0].Address != "127.0.0.1" ||
		!strings.Contains(found[0].Message, `application_name "report") from 127.0.0.1 does not come through an instance`) {
		t.Errorf("found %+v", found)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return len(f.assessed(t, "bypass")) == 0 }, "only the one through an instance is left")
	if err := through.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAssessTellsWhichAppsHadStatementsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(t, surname)
	f.phase(t, "surname", rules.Active)
	conn := f.connect(t, 1, "surname", pgx.QueryExecModeSimpleProtocol)
	if _, err := conn.Exec(t.Context(), `SET application_name = 'import'`); err != nil {
		t.Fatal(err)
	}
	const refused = `SELECT jsonb_populate_record(p, '{"surname": "secret"}') FROM person p`
	for range 2 {
		if _, err := conn.Exec(t.Context(), refused); err == nil || !strings.Contains(err.Error(), "0A000") {
			t.Fatalf("%s: %v", refused, err)
		}
	}
	var found []assess.Finding
	pgtest.Eventually(t, func() bool { found = f.assessed(t, "refused-statements"); return len(found) > 0 }, "the app is found")
	if len(found) != 1 || !strings.HasPrefix(found[0].Object, "app import (user ") || !strings.HasPrefix(found[0].Message, "2 statements were refused of it, the last one at ") ||
		strings.Contains(found[0].Message, "secret") {
		t.Errorf("found %+v", found)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return len(f.assessed(t, "refused-statements")) == 0 }, "its session has ended")
}
