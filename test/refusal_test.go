package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

func TestALongTransactionIsNamedAndWaitedForAndNobodyElseWaits(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, manyPeople)
	f.create(t, surname)
	f.transition(t, "surname", activate)
	ctx := t.Context()
	long := f.connect(t, 0, "base", pgx.QueryExecModeSimpleProtocol)
	exec := func(sql string) {
		t.Helper()
		if _, err := long.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec("SET application_name = 'nightly report'")
	exec("BEGIN")
	// Only the foreign key locks the table under migration.
	exec("INSERT INTO orders (person_id, item) VALUES (1, 'slow')")
	monitor := pgtest.Connect(t, f.direct)
	pgtest.Eventually(t, func() bool {
		var old bool
		err := monitor.QueryRow(ctx, "SELECT clock_timestamp() - xact_start > $2 * interval '1 s' FROM pg_stat_activity WHERE pid = $1",
			long.PgConn().PID(), drainLimit.Seconds()).Scan(&old)
		return err == nil && old
	}, "the transaction is older than the drain limit")
	if err := f.instances[1].Instance.Request(ctx, "surname", cutover); err != nil {
		t.Fatal(err)
	}
	var blocked migrate.Blocker
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Instance.Get(ctx, "surname")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(st.Blockers, func(b migrate.Blocker) bool { return b.PID == long.PgConn().PID() })
		if i >= 0 {
			blocked = st.Blockers[i]
		}
		return i >= 0
	}, "the transaction is named as a blocker")
	if blocked.Application != "nightly report" || !strings.Contains(blocked.Query, "INSERT INTO orders") || blocked.AgeSeconds < drainLimit.Seconds() || blocked.User == "" {
		t.Errorf("the blocker is described as %+v", blocked)
	}
	// Nobody waits for an attempt that cannot succeed.
	others := startLoad(t, f, "surname", "person", "surname", 110)
	others.rounds(5)
	exec("UPDATE individual SET last_name = 'slow' WHERE id = 1")
	exec("COMMIT")
	wait, cancel := context.WithTimeout(ctx, 5*pgtest.Patience)
	defer cancel()
	if st, err := f.instances[1].Instance.Wait(wait, "surname"); err != nil || st.Phase != rules.Cutover {
		t.Fatalf("after the transaction: %+v, %v", st, err)
	}
	others.rounds(3)
	others.end()
}

func TestCutoverIsRefusedWhileAFunctionNamesWhatWillBeGone(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop,
		`CREATE FUNCTION greet(n bigint) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT 'Dear ' || last_name FROM individual WHERE id = n); END $$`,
		`CREATE FUNCTION follows(n bigint) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT last_name FROM individual WHERE id = n; END`)
	f.create(t, surname)
	f.transition(t, "surname", activate)
	err := f.try("surname", cutover)
	conflict, ok := errors.AsType[*migrate.ConflictError](err)
	if !ok {
		t.Fatalf("cutover: %v, want a conflict", err)
	}
	if text := fmt.Sprint(conflict, conflict.Missing); !strings.Contains(text, "public.greet") || strings.Contains(text, "public.follows") {
		t.Errorf("the conflict is %q, and must name greet, and not follows", text)
	}
	forced := cutover
	forced.Force, forced.Reason = true, "greet is not used any more"
	f.transition(t, "surname", forced)
	events, err := f.instances[0].Instance.Events(t.Context(), "surname")
	if err != nil || !strings.Contains(fmt.Sprint(events), forced.Reason) {
		t.Errorf("the reason is not in the history: %v, %v", events, err)
	}
}

func TestContractIsRefusedWithEachMissingProof(t *testing.T) {
	t.Parallel()
	silence := strings.Replace(surname, "contract_after: 0s", "contract_after: 24h", 1)
	for _, c := range []struct {
		name  string
		rules string
		cause func(t *testing.T, f *fleet)
		want  string // in the refusal
	}{
		{"a session of the old version is open", surname, func(t *testing.T, f *fleet) {
			f.connect(t, 1, "base", pgx.QueryExecModeExec)
		}, "base"},
		{"the old names were used a short time ago", silence, func(t *testing.T, f *fleet) {
			conn := f.connect(t, 1, "base", pgx.QueryExecModeExec)
			if _, err := conn.Exec(t.Context(), "SELECT last_name FROM individual"); err != nil {
				t.Fatal(err)
			}
			conn.Close(t.Context())
			f.gone(t, "base")
		}, "last_name"},
		{"an unpinned session used the old names", silence, func(t *testing.T, f *fleet) {
			conn := f.connect(t, 0, "", pgx.QueryExecModeSimpleProtocol)
			if _, err := conn.Exec(t.Context(), "SELECT last_name FROM individual"); err != nil {
				t.Fatal(err)
			}
		}, "last_name"},
		{"a session bypasses the instances", surname, func(t *testing.T, f *fleet) {
			conn := pgtest.Connect(t, f.direct)
			if _, err := conn.Exec(t.Context(), "SET application_name = 'bypass'"); err != nil {
				t.Fatal(err)
			}
		}, "bypass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, shop)
			f.create(t, c.rules)
			f.phase(t, "surname", rules.Cutover)
			c.cause(t, f)
			err := f.try("surname", contract)
			conflict, ok := errors.AsType[*migrate.ConflictError](err)
			if !ok {
				t.Fatalf("contract: %v, want a conflict", err)
			}
			if len(conflict.Missing) == 0 || !strings.Contains(fmt.Sprint(conflict.Missing, conflict.Blockers), c.want) {
				t.Errorf("the missing proofs are %q, %v, and must tell of %s", conflict.Missing, conflict.Blockers, c.want)
			}
			if st, err := f.instances[0].Instance.Get(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover || st.Pending != nil {
				t.Errorf("afterwards it is %+v, %v", st, err)
			}
		})
	}
}

func TestUnpinnedSessionsSeeTheVersionThatTheirStatementsWereWrittenFor(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	for _, step := range []migrate.Request{activate, cutover, backToActive} {
		f.transition(t, "surname", step)
		conn := f.connect(t, 0, "", pgx.QueryExecModeCacheStatement)
		for sql, want := range map[string]string{
			"SELECT last_name FROM individual WHERE id = 1": "Lovelace",
			"SELECT surname FROM person WHERE id = 1":       "Lovelace",
		} {
			rows, err := conn.Query(t.Context(), sql)
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
			if err != nil || got != want {
				t.Errorf("after %s: %s: %q, %v", step.Kind, sql, got, err)
			}
		}
		// A statement that no single version binds is nobody's.
		_, err := conn.Exec(t.Context(), "SELECT surname FROM individual")
		if got := sqlState(err); got != "42703" {
			t.Errorf("after %s: a statement of no version fails with %q", step.Kind, got)
		}
	}
}
