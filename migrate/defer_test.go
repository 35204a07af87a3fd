package migrate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// deferred changes docs.doc by an expression, and leaves rows for which it cannot be computed.
func deferred(up string) string { return parsed(up) + "      on_error: defer\n" }

// soon has rows that are left tried again soon.
func soon(c *Config) { c.DeferredRetry = 100 * time.Millisecond }

// awaitLeft waits until so many rows are left, and returns the status.
func (f *fleet) awaitLeft(id string, rows int64) *Status {
	f.t.Helper()
	var st *Status
	pgtest.Eventually(f.t, func() bool {
		var err error
		st, err = f.instances[0].Get(f.t.Context(), id)
		return err == nil && st.Progress != nil && st.Progress.Deferred != nil && st.Progress.Deferred.Rows == rows
	}, fmt.Sprintf("%d rows are left", rows))
	return st
}

// forgotten fails where anything is still listed.
func (f *fleet) forgotten() {
	f.t.Helper()
	if n := value[int](f, `SELECT count(*) FROM segue.deferred`); n != 0 {
		f.t.Errorf("%d rows are still listed", n)
	}
}

func TestRowsForWhichUpRaisesAreLeftAndTheRestIsFilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, docs+`UPDATE docs SET doc = '{' WHERE id IN (70, 71, 290)`, soon)
	f.create(deferred("doc::jsonb"))
	f.must("docs", activate)
	st := f.awaitLeft("docs", 3)
	const want = "3 rows are left for which up cannot be computed: public.docs id=70: invalid input syntax for type json (SQLSTATE 22P02, invalid text representation); " +
		"public.docs id=71: invalid input syntax for type json (SQLSTATE 22P02, invalid text representation); " +
		"public.docs id=290: invalid input syntax for type json (SQLSTATE 22P02, invalid text representation)"
	if got := strings.Join(st.WaitingFor, "|"); got != want {
		t.Errorf("the status says %s\nwant %s", got, want)
	}
	if st.Stage != rules.Filling || st.Progress.Failure != "" {
		t.Errorf("it is %s, and has stopped because of %q", st.Stage, st.Progress.Failure)
	}
	if got, want := st.Next(), "correct the rows, which are then filled by themselves; or correct up: segue amend docs FILE; or segue rollback docs"; got != want {
		t.Errorf("what is next is %q, want %q", got, want)
	}
	// Each row that is left costs some transactions, and not one for each row of its page.
	if n := value[int](f, `SELECT count(DISTINCT xmin::text) FROM docs`); n > 60 {
		t.Errorf("the rows were filled in %d transactions", n)
	}
	// The old version writes what it likes, and nothing of it is lost.
	f.exec(`UPDATE docs SET doc = '[' WHERE id = 5`)
	f.exec(`INSERT INTO docs VALUES (301, '['), (302, '7')`)
	f.awaitLeft("docs", 5)
	if got := value[string](f, `SELECT string_agg(doc, ' ' ORDER BY id) FROM docs WHERE id IN (5, 70, 301)`); got != "[ { [" {
		t.Errorf("the old version reads %s", got)
	}
	f.exec(`UPDATE docs SET doc = '1' WHERE id IN (5, 70, 301)`)
	f.awaitLeft("docs", 2)
	f.exec(`DELETE FROM docs WHERE id = 71`)
	f.awaitLeft("docs", 1)
	f.exec(`UPDATE docs SET id = 1000, doc = '2' WHERE id = 290`)
	f.awaitStage("docs", rules.Served)
	f.forgotten()
	if n := value[int](f, `SELECT count(*) FROM docs WHERE body IS DISTINCT FROM doc::jsonb`); n != 0 {
		t.Errorf("%d rows are not in step", n)
	}
}

func TestRowsThatAreLeftAreTriedAgainWhereOnlyAFunctionIsMended(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ key string }{
		"a primary key":            {""},
		"no primary key":           {`ALTER TABLE docs DROP CONSTRAINT docs_pkey`},
		"a key of a type of yours": {`CREATE DOMAIN num AS int; ALTER TABLE docs ALTER id TYPE num`},
		"a key of two columns":     {`ALTER TABLE docs DROP CONSTRAINT docs_pkey; ALTER TABLE docs ADD at timestamptz NOT NULL DEFAULT '2020-01-01 00:00:00.123456+00', ADD PRIMARY KEY (at, id)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, computed("70", `RAISE 'secret';`)+tc.key, soon)
			f.create(deferred("public.computed(doc)"))
			f.must("docs", activate)
			st := f.awaitLeft("docs", 1)
			if first := st.Progress.Deferred.First[0]; first.SQLState != "P0001" || first.Message != "SQLSTATE P0001, raise exception" {
				t.Errorf("the row is listed with %+v", first)
			}
			f.exec(`CREATE OR REPLACE FUNCTION public.computed(doc text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN '1'; END $$`)
			f.awaitStage("docs", rules.Served)
			f.forgotten()
		})
	}
}

func TestRowsAreLeftInPartitions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, `CREATE TABLE docs (id int, region int, doc text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE docs_1 PARTITION OF docs FOR VALUES IN (1); CREATE TABLE docs_2 PARTITION OF docs FOR VALUES IN (2);
		INSERT INTO docs SELECT i, 1 + i % 2, i::text FROM generate_series(1, 300) AS i; UPDATE docs SET doc = '{' WHERE id IN (7, 8)`, soon)
	f.create(deferred("doc::jsonb"))
	f.must("docs", activate)
	f.awaitLeft("docs", 2)
	f.exec(`UPDATE docs SET region = 1 WHERE id = 7`)
	f.exec(`UPDATE docs SET doc = '1' WHERE id = 8`)
	pgtest.Eventually(t, func() bool {
		return value[bool](f, `SELECT count(*) = 1 AND min(relation::regclass::text) = 'docs_1' FROM segue.deferred WHERE row_key IS NOT NULL`)
	}, "the row is found where it has moved to")
	f.exec(`DELETE FROM docs WHERE id = 7`)
	f.awaitStage("docs", rules.Served)
	f.forgotten()
}

func TestMoreRowsThanMayBeLeftStopTheBackfill(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, docs+`UPDATE docs SET doc = '{' WHERE id IN (70, 71, 72)`, soon, func(c *Config) { c.deferLimit = 2 })
	f.create(deferred("doc::jsonb"))
	f.must("docs", activate)
	const want = "up cannot be computed for more than 2 rows, which are too many to be left for later; the first are in segue.deferred, and another one is of public.docs with the key id=72: " +
		"invalid input syntax for type json (SQLSTATE 22P02, invalid text representation)"
	if got := f.awaitFailure("docs"); got != want {
		t.Errorf("it has stopped because %s\nwant %s", got, want)
	}
	f.exec(`UPDATE docs SET doc = '[' WHERE id = 1`) // which is no error of the old version all the same
	f.exec(`UPDATE docs SET doc = '1' WHERE id IN (1, 71)`)
	if err := f.instances[0].Resume(t.Context(), "docs", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitLeft("docs", 2)
	f.exec(`UPDATE docs SET doc = '1'`)
	f.awaitStage("docs", rules.Served)
}

// A transaction that is open while the last row is filled, and then leaves one, is not overlooked.
func TestARowThatIsLeftAtTheLastMomentIsNotOverlooked(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, docs+`UPDATE docs SET doc = '{' WHERE id = 70`, soon)
	f.create(deferred("doc::jsonb"))
	f.must("docs", activate)
	f.awaitLeft("docs", 1)
	for i, end := range []string{"COMMIT", "ROLLBACK"} {
		id := 400 + i
		writer := pgtest.Connect(t, f.url)
		for _, sql := range []string{`BEGIN`, fmt.Sprintf(`INSERT INTO docs VALUES (%d, '{')`, id)} {
			if _, err := writer.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		f.exec(`UPDATE docs SET doc = '1' WHERE id IN (70, 400)`)
		pgtest.Eventually(t, func() bool {
			return value[int](f, `SELECT count(*) FROM segue.transition WHERE kind = 'complete' AND attempts > 0`) == 1
		}, "the change is to be completed")
		if _, err := writer.Exec(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		if end == "COMMIT" {
			if st := f.awaitLeft("docs", 1); st.Stage != rules.Filling || st.Progress.Deferred.First[0].Key != "id=400" {
				t.Errorf("it is %s, and left is %v", st.Stage, st.Progress.Deferred)
			}
		}
	}
	f.awaitStage("docs", rules.Served)
	f.forgotten()
}

func TestRowsThatAreLeftSurviveTheEndOfConnections(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, docs+`UPDATE docs SET doc = '{' WHERE id % 10 = 0`, soon)
	f.create(deferred("doc::jsonb"))
	f.must("docs", activate)
	for range 5 {
		f.awaitLeft("docs", 30)
		f.exec(`SELECT pg_terminate_backend(pid) FROM segue.holder WHERE what = 'backfill'`)
	}
	f.exec(`UPDATE docs SET doc = '1' WHERE id % 20 = 0`)
	f.awaitLeft("docs", 15)
	f.exec(`UPDATE docs SET doc = '1' WHERE id % 10 = 0`)
	f.awaitStage("docs", rules.Served)
	f.forgotten()
}

func TestWhatIsListedEndsWithTheAttempt(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(f *fleet){
		"a rollback": func(f *fleet) { f.must("docs", rollback) },
		"an amendment": func(f *fleet) {
			f.must("docs", Request{Kind: Amend, File: "docs.yaml", Source: deferred("pg_catalog.to_jsonb(doc)")})
			f.awaitStage("docs", rules.Served)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, docs+`UPDATE docs SET doc = '{' WHERE id = 70`, soon)
			f.create(deferred("doc::jsonb"))
			f.must("docs", activate)
			f.awaitLeft("docs", 1)
			end(f)
			f.forgotten()
		})
	}
}

// A backfill that has stopped at a row goes on when it may leave it.
func TestOnErrorIsCorrected(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, docs+`UPDATE docs SET doc = '{' WHERE id = 70`, soon)
	f.create(parsed("doc::jsonb"))
	f.must("docs", activate)
	f.awaitFailure("docs")
	f.must("docs", Request{Kind: Amend, File: "docs.yaml", Source: deferred("doc::jsonb")})
	f.awaitLeft("docs", 1)
	f.exec(`UPDATE docs SET doc = '1' WHERE id = 70`)
	f.awaitStage("docs", rules.Served)
}
