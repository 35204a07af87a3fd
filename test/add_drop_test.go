package test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

const posts = `
CREATE TABLE blog (id int PRIMARY KEY);
INSERT INTO blog VALUES (1);
CREATE TABLE post (id bigint PRIMARY KEY, legacy int NOT NULL, title text, blog int REFERENCES blog);
CREATE INDEX post_legacy ON post (legacy, title);
INSERT INTO post SELECT i, i, 'post ' || i, 1 FROM generate_series(1, 10) AS i;`

// lang adds a column; legacy takes one. Each is a file, because both are about one table.
const (
	lang = `
id: lang
contract_after: 0s
operations:
  - add_column: { table: public.post, name: lang, type: text, not_null: true, default: "'de'", up: "'en'" }
`
	legacy = `
id: legacy
contract_after: 0s
operations:
  - drop_column: { table: public.post, name: legacy, down: "-1" }
`
)

// A writer puts in rows by one version, without naming what the other one does not have, and reads whole rows, until it is ended.
type writer struct {
	end  func()
	went func(n int)
}

func (f *fleet) write(t *testing.T, version string, first int, insert string, columns ...string) *writer {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	rounds := make(chan struct{}, 1000)
	for i, mode := range execModes {
		conn := f.connect(t, i%len(f.instances), version, mode)
		wg.Go(func() {
			defer conn.Close(context.Background())
			for n := 0; ctx.Err() == nil; n++ {
				id := first + i*1_000_000 + n
				got, err := row(conn, insert+" RETURNING *", id)
				if err == nil && strings.Join(got, ",") != strings.Join(columns, ",") {
					err = fmt.Errorf("it gives %v", got)
				}
				if err == nil {
					got, err = row(conn, "SELECT * FROM post WHERE id = $1", id)
				}
				if err == nil && strings.Join(got, ",") != strings.Join(columns, ",") {
					err = fmt.Errorf("it reads %v", got)
				}
				if err != nil {
					t.Errorf("%s, %v, round %d: %v", version, mode, n, err)
					return
				}
				select {
				case rounds <- struct{}{}:
				default:
				}
			}
		})
	}
	w := &writer{end: func() { stop(); wg.Wait() }, went: func(n int) {
		for range n * len(execModes) {
			<-rounds
		}
	}}
	t.Cleanup(w.end)
	return w
}

// row runs a statement that gives one row, and returns the names of its columns.
func row(conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(context.Background(), sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		names = names[:0]
		for _, f := range rows.FieldDescriptions() {
			names = append(names, f.Name)
		}
	}
	return names, rows.Err()
}

func TestAColumnIsAddedUnderBothVersions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, posts)
	old := f.write(t, "base", 1000, "INSERT INTO post VALUES ($1, 5, 'old')", "id", "legacy", "title", "blog")
	old.went(2)
	f.create(t, lang)
	f.transition(t, "lang", activate)
	f.stage(t, "lang", rules.Served)
	renewed := f.write(t, "lang", 100_000_000, "INSERT INTO post (id, legacy, title) VALUES ($1, 5, 'new')", "id", "legacy", "title", "blog", "lang")
	old.went(3)
	renewed.went(3)
	for range 2 {
		f.transition(t, "lang", cutover)
		old.went(3)
		renewed.went(3)
		f.transition(t, "lang", backToActive)
	}
	f.transition(t, "lang", cutover)
	old.end()
	f.gone(t, "base")
	renewed.went(3)
	f.transition(t, "lang", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	renewed.went(3)
	renewed.end()
	direct := pgtest.Connect(t, f.direct)
	for title, want := range map[string]string{"title LIKE 'post%'": "en", "title = 'old'": "en", "title = 'new'": "de"} {
		var got string
		if err := direct.QueryRow(t.Context(), "SELECT string_agg(DISTINCT lang, ' and ') FROM post WHERE "+title).Scan(&got); err != nil || got != want {
			t.Errorf("rows with %s have lang %q, %v, want %q", title, got, err, want)
		}
	}
	var def string
	if err := direct.QueryRow(t.Context(), "SELECT column_default FROM information_schema.columns WHERE table_name = 'post' AND column_name = 'lang'").Scan(&def); err != nil || def != "'de'::text" {
		t.Errorf("its default is %q, %v", def, err)
	}
	st, err := f.instances[0].Instance.Get(t.Context(), "lang")
	if err != nil || st.Stage != "" || st.Phase != rules.Contracted {
		t.Errorf("it is %+v, %v: nothing is left to purge", st, err)
	}
}

func TestAColumnThatIsAddedCanBeTakenBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, posts)
	f.create(t, lang)
	for range 2 {
		f.transition(t, "lang", activate)
		f.stage(t, "lang", rules.Served)
		pgtest.Exec(t, f.url(t, 0, "lang"), "INSERT INTO post (id, legacy, lang) VALUES (100, 1, 'fr')")
		f.transition(t, "lang", cutover)
		f.gone(t, "lang")
		f.transition(t, "lang", rollback)
		pgtest.Exec(t, f.url(t, 0, "base"), "INSERT INTO post VALUES (101, 1, 'x')")
		if diff := cmp.Diff([]string{"id,legacy,title,blog", "100,1,<nil>,<nil>", "101,1,x,<nil>"},
			table(t, f.connect(t, 0, "base", pgx.QueryExecModeExec), "SELECT * FROM post WHERE id > 99 ORDER BY id")); diff != "" {
			t.Error(diff)
		}
		var kept string
		if err := pgtest.Connect(t, f.direct).QueryRow(t.Context(), `SELECT to_jsonb(p)->>(SELECT attname::text FROM pg_attribute WHERE attrelid = 'post'::regclass AND attname LIKE '\_segue\_withdrawn%') FROM post p WHERE id = 100`).Scan(&kept); err != nil || kept != "fr" {
			t.Errorf("what the new version wrote is %q, %v", kept, err)
		}
		f.transition(t, "lang", migrate.Request{Kind: migrate.Purge})
		pgtest.Exec(t, f.direct, "DELETE FROM post WHERE id > 99")
		if diff := cmp.Diff([]string{"id,legacy,title,blog", "1,1,post 1,1"}, table(t, pgtest.Connect(t, f.direct), "SELECT * FROM post WHERE id = 1")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAColumnIsTakenUnderBothVersions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, posts)
	old := f.write(t, "base", 1000, "INSERT INTO post VALUES ($1, 5, 'old')", "id", "legacy", "title", "blog")
	old.went(2)
	f.create(t, legacy)
	f.transition(t, "legacy", activate)
	f.stage(t, "legacy", rules.Served)
	renewed := f.write(t, "legacy", 100_000_000, "INSERT INTO post VALUES ($1, 'new')", "id", "title", "blog")
	old.went(3)
	renewed.went(3)
	one := f.connect(t, 0, "base", pgx.QueryExecModeExec)
	for _, sql := range []string{
		"INSERT INTO post (id, title) VALUES (7000, 'x')", "INSERT INTO post (id) SELECT 7000", "INSERT INTO post (id) SELECT 7000 UNION SELECT 7001",
		"INSERT INTO post (id, legacy) VALUES (7000, DEFAULT)", "INSERT INTO post (id) VALUES (7000) ON CONFLICT DO NOTHING",
		"MERGE INTO post USING (SELECT 7000 AS i) AS s ON id = i WHEN NOT MATCHED THEN INSERT (id) VALUES (i)",
		"UPDATE post SET legacy = DEFAULT WHERE id = 1", "INSERT INTO post (id) SELECT 7000 RETURNING legacy",
	} {
		if _, err := one.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), `null value in column "legacy" of relation "post" violates not-null constraint (SQLSTATE 23502)`) {
			t.Errorf("the old version, whose column has no default, gets %v for %s", err, sql)
		}
	}
	const columns = "SELECT column_name, column_default, is_nullable FROM information_schema.columns WHERE table_name = 'post' ORDER BY ordinal_position"
	if diff := cmp.Diff([]string{"column_name,column_default,is_nullable", "id,<nil>,NO", "legacy,<nil>,NO", "title,<nil>,YES", "blog,<nil>,YES"}, table(t, one, columns)); diff != "" {
		t.Errorf("the old version sees columns (-want +got):\n%s", diff)
	}
	one.Close(t.Context())
	other := f.connect(t, 1, "legacy", pgx.QueryExecModeExec)
	if diff := cmp.Diff([]string{"column_name,column_default,is_nullable", "id,<nil>,NO", "title,<nil>,YES", "blog,<nil>,YES"}, table(t, other, columns)); diff != "" {
		t.Errorf("the new version sees columns (-want +got):\n%s", diff)
	}
	other.Close(t.Context())
	_, err := f.connect(t, 0, "legacy", pgx.QueryExecModeExec).Exec(t.Context(), "SELECT legacy FROM post")
	if err == nil || !strings.Contains(err.Error(), `column "legacy" does not exist (SQLSTATE 42703)`) {
		t.Errorf("the new version gets %v", err)
	}
	f.transition(t, "legacy", cutover)
	old.went(3)
	renewed.went(3)
	f.transition(t, "legacy", backToActive)
	old.went(3)
	f.transition(t, "legacy", cutover)
	old.end()
	f.gone(t, "base")
	f.transition(t, "legacy", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	renewed.went(3)
	var standIn, own int
	if err := pgtest.Connect(t, f.direct).QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE (v = '-1') <> (title = 'new')), count(*) FILTER (WHERE title = 'old' AND v = '5')
		FROM post p, LATERAL (SELECT to_jsonb(p)->>(SELECT attname::text FROM pg_attribute WHERE attrelid = 'post'::regclass AND attname LIKE '\_segue\_old%') AS v) x`).Scan(&standIn, &own); err != nil || standIn != 0 || own == 0 {
		t.Errorf("%d rows have a value that nobody gave, and %d have what the old version gave, %v", standIn, own, err)
	}
	f.transition(t, "legacy", migrate.Request{Kind: migrate.Purge})
	renewed.went(3)
	renewed.end()
	if diff := cmp.Diff([]string{"id,title,blog", "1,post 1,1"}, table(t, pgtest.Connect(t, f.direct), "SELECT * FROM post WHERE id = 1")); diff != "" {
		t.Error(diff)
	}
}

func TestAColumnThatIsTakenCanBeGivenBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, posts)
	f.create(t, legacy)
	f.transition(t, "legacy", activate)
	f.stage(t, "legacy", rules.Served)
	pgtest.Exec(t, f.url(t, 0, "legacy"), "INSERT INTO post (id) VALUES (100)")
	f.gone(t, "legacy")
	f.transition(t, "legacy", rollback)
	if diff := cmp.Diff([]string{"id,legacy,title,blog", "100,-1,<nil>,<nil>"}, table(t, pgtest.Connect(t, f.direct), "SELECT * FROM post WHERE id > 99")); diff != "" {
		t.Error(diff)
	}
	if _, err := pgtest.Connect(t, f.direct).Exec(t.Context(), "INSERT INTO post (id) VALUES (101)"); err == nil || !strings.Contains(err.Error(), "23502") {
		t.Errorf("the column has a default that it did not have before: %v", err)
	}
	f.transition(t, "legacy", activate) // nothing is left that would have to be purged first
	f.stage(t, "legacy", rules.Served)
	f.transition(t, "legacy", cutover)
	f.transition(t, "legacy", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	pgtest.Exec(t, f.url(t, 0, ""), "INSERT INTO post (id) VALUES (102)")
	f.transition(t, "legacy", rollback)
	if diff := cmp.Diff([]string{"id,legacy,title,blog", "100,-1,<nil>,<nil>", "102,-1,<nil>,<nil>"}, table(t, pgtest.Connect(t, f.direct), "SELECT * FROM post WHERE id > 99 ORDER BY id")); diff != "" {
		t.Errorf("back from contract: %s", diff)
	}
	if _, err := pgtest.Connect(t, f.direct).Exec(t.Context(), "INSERT INTO post (id) VALUES (103)"); err == nil || !strings.Contains(err.Error(), "23502") {
		t.Errorf("back from contract the column has a default that it did not have before: %v", err)
	}
}

func TestWhatCannotBeAddedOrTakenAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, posts, `CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE log (id int PRIMARY KEY, post bigint REFERENCES post)`)
	for file, want := range map[string]string{
		`add_column: { table: public.post, name: n, type: positive, default: "1" }`:                                 "domain with a constraint",
		`add_column: { table: public.post, name: n, type: uuid, default: "gen_random_uuid()" }`:                     "another one for every row",
		`add_column: { table: public.post, name: n, type: int, up: "random()::int" }`:                               "not the same for every row",
		`add_column: { table: public.post, name: n, type: timestamptz, default: now(), up: "'2020-01-01 00:00Z'" }`: "cannot be given to one version alone yet",
		`add_column: { table: public.post, name: n, type: int, default: "'x'" }`:                                    "invalid input syntax",
		`drop_column: { table: public.post, name: id, down: "0" }`:                                                  "is part of constraint post_pkey",
		`drop_column: { table: public.post, name: legacy, down: "'x'" }`:                                            "invalid input syntax",
		`drop_column: { table: public.log, name: post }`:                                                            "",
		`add_column: { table: public.post, name: n, type: timestamptz, default: now() }`:                            "",
	} {
		id := fmt.Sprintf("m%d", len(file))
		f.create(t, "id: "+id+"\noperations:\n  - "+file+"\n")
		found, assessed := f.instances[0].Instance.Assess(t.Context(), id)
		err := f.try(id, activate)
		switch {
		case assessed != nil || (err == nil) != (want == ""):
			t.Errorf("%s: %v, %v", file, assessed, err)
		case want != "" && !slices.ContainsFunc(found, func(x assess.Finding) bool { return x.ID == "change-unfit" && strings.Contains(x.Message, want) }):
			t.Errorf("%s: %+v", file, found)
		}
		if want == "" {
			f.stage(t, id, rules.Served)
			f.transition(t, id, rollback)
		}
		if want == "" && strings.Contains(file, "add_column") {
			f.transition(t, id, migrate.Request{Kind: migrate.Purge})
		}
	}
}
