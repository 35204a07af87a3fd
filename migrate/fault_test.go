package migrate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

const docs = `
CREATE TABLE public.docs (id int PRIMARY KEY, doc text NOT NULL);
INSERT INTO public.docs SELECT i, i::text FROM generate_series(1, 300) AS i;`

// parsed changes docs.doc by an expression.
func parsed(up string) string {
	return `
id: docs
contract_after: 0s
operations:
  - change_columns:
      table: public.docs
      from: [doc]
      to: [{ name: body, type: jsonb }]
      up: { body: "` + up + `" }
      down: { doc: "body::text" }
      lossy: true
      null_ok: true
`
}

// computed is a function that does something for the row of that value, which the server cannot see into.
func computed(value, does string) string {
	return docs + `CREATE FUNCTION public.computed(doc text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF doc = '` + value + `' THEN ` + does + ` END IF; RETURN '1'; END $$;`
}

// awaitFailure waits until a backfill has stopped and says why.
func (f *fleet) awaitFailure(id string) string {
	f.t.Helper()
	var st *Status
	pgtest.Eventually(f.t, func() bool {
		var err error
		st, err = f.instances[0].Get(f.t.Context(), id)
		return err == nil && st.Progress != nil && st.Progress.Failure != ""
	}, "the backfill stops")
	return st.Progress.Failure
}

func TestABackfillStopsAtAnyErrorThatComesAgainAndOthersGoOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ setup, up, want string }{
		"a document that is too deep": {docs + `UPDATE docs SET doc = repeat('[', 100000) || repeat(']', 100000) WHERE id = 70`, "doc::jsonb",
			"stack depth limit exceeded (SQLSTATE 54001, statement too complex)"},
		"a table that is not there": {computed("70", `PERFORM 1 FROM public.nowhere;`), "public.computed(doc)", "relation ... does not exist (SQLSTATE 42P01, syntax error or access rule violation)"},
		"an internal error":         {computed("70", `RAISE 'secret' USING ERRCODE = 'XX000';`), "public.computed(doc)", "SQLSTATE XX000, internal error"},
		"a system error":            {computed("70", `RAISE 'secret' USING ERRCODE = '58030';`), "public.computed(doc)", "SQLSTATE 58030, system error"},
		"an error of its own":       {computed("70", `RAISE 'secret' USING ERRCODE = 'ZZ123';`), "public.computed(doc)", "SQLSTATE ZZ123"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, orders+tc.setup)
			f.create(parsed(tc.up))
			f.must("docs", activate)
			if got, want := f.awaitFailure("docs"), "up cannot be computed for rows of public.docs with the key id=70: "+tc.want; got != want {
				t.Errorf("it has stopped because %s\nwant %s", got, want)
			}
			f.create(money)
			f.must("money", activate)
			f.awaitStage("money", rules.Served)
			f.exec(`UPDATE docs SET doc = '1' WHERE id = 70`)
			if err := f.instances[0].Resume(t.Context(), "docs", "test"); err != nil {
				t.Fatal(err)
			}
			f.awaitStage("docs", rules.Served)
		})
	}
}

func TestARowThatTakesTooLongIsNamed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, computed("70", `PERFORM pg_sleep(3600);`), func(c *Config) { c.batchLimit = 500 * time.Millisecond })
	f.create(parsed("public.computed(doc)"))
	f.must("docs", activate)
	if got, want := f.awaitFailure("docs"), "up takes longer than 500ms for a row of public.docs with the key id=70 (SQLSTATE 57014, query canceled)"; got != want {
		t.Errorf("it has stopped because %s\nwant %s", got, want)
	}
}

func TestARollbackDoesNotWaitForTheBackfill(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, computed("70", `PERFORM pg_sleep(3600);`), func(c *Config) { c.batchLimit, c.DrainLimit = time.Hour, time.Second })
	f.create(parsed("public.computed(doc)"))
	f.must("docs", activate)
	pgtest.Eventually(t, func() bool {
		return value[int](f, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND clock_timestamp() - xact_start > interval '1.1 s'`) == 1
	}, "a row takes longer than is waited for a lock")
	f.must("docs", rollback, purge)
}

func TestABackfillIsPausedWhileARowTakesLong(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, computed("70", `PERFORM pg_sleep(3600);`), func(c *Config) { c.batchLimit = time.Hour })
	f.create(parsed("public.computed(doc)"))
	f.must("docs", activate)
	sleeps := func() bool {
		return value[int](f, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`) == 1
	}
	for _, i := range f.instances { // one of them fills
		pgtest.Eventually(t, sleeps, "a row takes long")
		if err := i.Pause(t.Context(), "docs", "test"); err != nil {
			t.Fatal(err)
		}
		if sleeps() || !value[bool](f, `SELECT paused FROM segue.backfill`) {
			t.Error("the row is computed, or the backfill is not paused")
		}
		if err := i.Resume(t.Context(), "docs", "test"); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Eventually(t, sleeps, "a row takes long again")
	if err := f.instances[0].Resume(t.Context(), "docs", "test"); err != nil {
		t.Errorf("what is not paused: %v", err)
	}
	pgtest.Eventually(t, sleeps, "a row takes long once more")
	if err := f.instances[1].Brake(t.Context(), "docs", Brakes{MaxLag: 20}, "test"); err != nil {
		t.Error(err)
	}
	pgtest.Eventually(t, sleeps, "the backfill goes on")
	f.must("docs", rollback, purge)
}

func TestWhatKeepsABackfillIsShown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, computed("70", `RAISE 'secret' USING ERRCODE = '57P03';`))
	f.create(parsed("public.computed(doc)"))
	f.must("docs", activate)
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "docs")
		return err == nil && strings.Contains(fmt.Sprint(st.WaitingFor), "it failed, and is tried again: SQLSTATE 57P03, operator intervention")
	}, "the state says why it does not get on")
}

func TestNoValueOfARowIsShown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ setup, up string }{
		"by a cast":     {docs + `UPDATE docs SET doc = '"TOPSECRET' WHERE id = 70`, "doc::jsonb"},
		"by a number":   {docs + `UPDATE docs SET doc = 'TOPSECRET"' WHERE id = 70`, "to_jsonb(doc::int)"},
		"by a function": {computed("70", `RAISE 'the value is TOPSECRET' USING ERRCODE = '22023', DETAIL = 'TOPSECRET', HINT = 'TOPSECRET';`), "public.computed(doc)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := new(logbook)
			f := newFleet(t, 1, tc.setup, func(c *Config) { c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: log}) })
			f.create(parsed(tc.up))
			f.must("docs", activate)
			if why := f.awaitFailure("docs"); !strings.Contains(why, "id=70: ") || !strings.Contains(why, "SQLSTATE 22") {
				t.Errorf("it has stopped because %s", why)
			}
			pgtest.Eventually(t, func() bool { return log.count("docs stopped") > 0 }, "the log has the event")
			st, err := f.instances[0].Get(t.Context(), "docs")
			if err != nil {
				t.Fatal(err)
			}
			events, err := f.instances[0].Events(t.Context(), "docs")
			if err != nil {
				t.Fatal(err)
			}
			shown, err := json.Marshal([]any{st, events})
			if err != nil {
				t.Fatal(err)
			}
			for where, text := range map[string]string{"the state and the history": string(shown), "the store": value[string](f, `SELECT string_agg(state::text, '') FROM segue.backfill`)} {
				if strings.Contains(text, "TOPSECRET") {
					t.Errorf("%s shows the value: %s", where, text)
				}
			}
			if log.count("TOPSECRET") > 0 || log.count("id=70") > 0 || log.count("table=public.docs", "sqlstate=22") != 1 {
				t.Errorf("the log is %s", &log.text)
			}
		})
	}
}
