package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// shelf is a table under migration, and what can take its name.
const shelf = `CREATE TABLE individual (id int PRIMARY KEY, last_name text NOT NULL);
	INSERT INTO individual VALUES (1, 'Ada'), (2, 'Bob');
	CREATE TABLE bystander (id int, last_name text);
	INSERT INTO bystander VALUES (7, 'by');
	CREATE SCHEMA side; CREATE TABLE side.individual (id int, last_name text); INSERT INTO side.individual VALUES (8, 'side')`

// restoreShelf takes back what outlives a session.
const restoreShelf = `DROP SCHEMA IF EXISTS side, aside, made, more CASCADE;
	CREATE SCHEMA side; CREATE TABLE side.individual (id int, last_name text); INSERT INTO side.individual VALUES (8, 'side')`

const shelfRules = surname + "  - rename_table: { from: public.individual, to: person }\n"

// openShelf is a proxy before the shelf as it is after cutover. The catalog is not read again.
func openShelf(t *testing.T) *running {
	t.Helper()
	p := openProxy(t, unread)
	p.run(shelf, "ALTER TABLE individual RENAME last_name TO surname", "ALTER TABLE individual RENAME TO person")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, shelfRules)))
	return p
}

// lookShelf reads what has the table's name now.
const lookShelf = "SELECT * FROM individual ORDER BY 1"

// TestWhatTakesAMigratingName has a session make, hide and free the name of a table under migration. All that it reads, with
// labels and errors, is what the server says; what it cannot be told is refused.
func TestWhatTakesAMigratingName(t *testing.T) {
	t.Parallel()
	const look = lookShelf
	for name, statements := range map[string][]string{
		"temp table":                     {"CREATE TEMP TABLE individual (n int)", look, "DROP TABLE individual", look},
		"temp table as":                  {"CREATE TEMP TABLE individual AS SELECT 5 AS five", look},
		"select into temp":               {"SELECT 6 AS six INTO TEMP individual", look},
		"temp like":                      {"CREATE TEMP TABLE individual (LIKE individual)", look},
		"temp view":                      {"CREATE TEMP VIEW individual AS SELECT 9 AS nine", look, "DROP VIEW individual", look},
		"temp sequence":                  {"CREATE TEMP SEQUENCE individual", "SELECT last_value, last_name FROM individual", "SELECT last_value FROM individual"},
		"pg_temp prefix":                 {"CREATE TABLE pg_temp.individual (n int)", look, "DROP TABLE pg_temp.individual", look},
		"pg_temp view":                   {"CREATE VIEW pg_temp.individual AS SELECT 1 AS one", look},
		"pg_temp first":                  {"SET search_path = pg_temp, public", "CREATE TABLE individual (n int)", look, "DROP TABLE individual", look},
		"pg_temp first, as":              {"SET search_path = pg_temp, public", "CREATE TABLE individual AS SELECT 3 AS three", look},
		"pg_temp first, into":            {"SET search_path TO 'pg_temp', 'public'", "SELECT 3 AS three INTO individual", look},
		"pg_temp first, view":            {"SET search_path = pg_temp, public", "CREATE VIEW individual AS SELECT 3 AS three", look},
		"pg_temp first, like":            {"SET search_path = PG_TEMP, public", "CREATE TABLE individual (LIKE individual)", look},
		"pg_temp after no schema":        {`SET search_path = "$user", nowhere, pg_temp, public`, "CREATE TABLE individual (n int)", look},
		"pg_temp first, second time":     {"CREATE TEMP TABLE other (n int)", "SET search_path = pg_temp, public", look, "CREATE TABLE individual (n int)", look},
		"pg_temp first, other name":      {"SET search_path = pg_temp, public", "CREATE TABLE person (n int)", look, "SELECT * FROM person"},
		"pg_temp last":                   {"SET search_path = public, pg_temp", "CREATE TEMP TABLE individual (n int)", look, "DROP TABLE pg_temp.individual", look},
		"pg_temp last, no prefix":        {"SET search_path = public, pg_temp", "CREATE TABLE individual (n int)", look},
		"pg_temp first by set_config":    {"SELECT set_config('search_path', 'pg_temp, public', false)", "CREATE TABLE individual (n int)", look},
		"pg_temp first, local":           {"BEGIN", "SET LOCAL search_path = pg_temp, public", "CREATE TABLE individual (n int)", look, "COMMIT", look},
		"pg_temp first, rolled back":     {"BEGIN", "SET search_path = pg_temp, public", "CREATE TABLE individual (n int)", "ROLLBACK", look, "CREATE TABLE individual (n int)"},
		"temp rename into":               {"CREATE TEMP TABLE t (n int)", "ALTER TABLE t RENAME TO individual", look, "ALTER TABLE individual RENAME TO u", look},
		"temp rename column":             {"CREATE TEMP TABLE individual (last_name text)", "ALTER TABLE individual RENAME last_name TO other", look},
		"savepoint":                      {"BEGIN", "SAVEPOINT a", "CREATE TEMP TABLE individual (n int)", look, "ROLLBACK TO a", look, "COMMIT", look},
		"rolled back":                    {"BEGIN", "CREATE TEMP TABLE individual (n int)", look, "ROLLBACK", look},
		"on commit drop":                 {"BEGIN", "CREATE TEMP TABLE individual (n int) ON COMMIT DROP", look, "COMMIT", look},
		"discard temp":                   {"CREATE TEMP TABLE individual (n int)", look, "DISCARD TEMP", look},
		"discard all":                    {"CREATE TEMP TABLE individual (n int)", look, "DISCARD ALL", "SET segue.version = 'base'", look},
		"in a DO":                        {"DO $$ BEGIN CREATE TEMP TABLE individual (n int); END $$", look},
		"in a DO by EXECUTE":             {"DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE indi' || 'vidual (n int)'; END $$", look},
		"by a function":                  {"CREATE FUNCTION pg_temp.make() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE individual (n int); END'", "SELECT pg_temp.make()", look},
		"prepared":                       {"PREPARE p AS SELECT * FROM individual ORDER BY 1", "EXECUTE p", "CREATE TEMP TABLE individual (id int, last_name text)", "EXECUTE p", "DROP TABLE individual", "EXECUTE p"},
		"other schema first":             {"SET search_path = side, public", look, "SET search_path = public, side", look},
		"other schema, dropped":          {"SET search_path = side, public", look, "DROP TABLE side.individual", look},
		"other schema, cascade":          {"SET search_path = side, public", look, "DROP SCHEMA side CASCADE", look},
		"other schema, renamed away":     {"SET search_path = side, public", look, "ALTER TABLE individual RENAME TO gone", look},
		"other schema, set schema":       {"CREATE SCHEMA more", "SET search_path = side, public", look, "ALTER TABLE individual SET SCHEMA more", look},
		"other schema, schema renamed":   {"SET search_path = side, public", look, "ALTER SCHEMA side RENAME TO aside", look},
		"a schema has gone":              {"ALTER SCHEMA side RENAME TO made", "ALTER TABLE side.individual RENAME TO gone", "DROP TABLE side.individual", "COMMENT ON TABLE side.individual IS 'x'", "LOCK side.individual", "TRUNCATE side.individual", "SELECT * FROM side.individual", "DROP VIEW side.individual", "CREATE INDEX ON side.individual (id)", "DROP TABLE IF EXISTS side.individual"},
		"a schema is made":               {"SET search_path = made, public", look, "CREATE SCHEMA made CREATE TABLE individual (n int)", look},
		"a table of a schema that comes": {"SET search_path = made, public", look, "CREATE SCHEMA made", "CREATE TABLE made.individual (n int)", look},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, p := pgtest.Database(t), openShelf(t)
			pgtest.Exec(t, server, shelf)
			ways := map[string]func(*pgconn.PgConn, []string) []string{"one by one": runEach, "extended": runByProtocol, "in one string": runAtOnce}
			if strings.HasPrefix(statements[0], "PREPARE") {
				delete(ways, "extended") // what EXECUTE gives is described before
			}
			for way, run := range ways {
				want := run(pgtest.Connect(t, server).PgConn(), statements)
				got := run(pinnedTo(t, p, rules.Base).PgConn(), statements)
				pgtest.Exec(t, server, restoreShelf)
				p.run(restoreShelf)
				if n := len(got); n > 0 && n <= len(want) && strings.HasPrefix(got[n-1], "refused") {
					t.Logf("%s: %s", way, got[n-1])
					want[n-1] = got[n-1]
					want = want[:n]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-server +proxy):\n%s", way, diff)
				}
			}
		})
	}
}

// TestWhatAnotherSessionDoesToAMigratingName has one session read while another takes and frees the name.
func TestWhatAnotherSessionDoesToAMigratingName(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][]string{
		"drop":          {"DROP TABLE side.individual"},
		"rename away":   {"ALTER TABLE side.individual RENAME TO gone"},
		"rename into":   {"ALTER TABLE side.individual RENAME TO gone", "ALTER TABLE side.gone RENAME TO individual"},
		"set schema":    {"CREATE SCHEMA more", "ALTER TABLE side.individual SET SCHEMA more", "ALTER TABLE more.individual SET SCHEMA side"},
		"drop schema":   {"DROP SCHEMA side CASCADE"},
		"new schema":    {"DROP SCHEMA side CASCADE", "CREATE SCHEMA side CREATE TABLE individual (n int)", "DROP SCHEMA side CASCADE; CREATE SCHEMA side; CREATE VIEW side.individual AS SELECT 1 AS one"},
		"rename schema": {"ALTER SCHEMA side RENAME TO aside", "ALTER SCHEMA aside RENAME TO side"},
		"column":        {"ALTER TABLE side.individual RENAME last_name TO other", "ALTER TABLE side.individual ADD more int"},
		"a view":        {"DROP TABLE side.individual", "CREATE VIEW side.individual AS SELECT 1 AS one", "DROP VIEW side.individual"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Database(t)
			pgtest.Exec(t, server, shelf)
			p := openShelf(t)
			read := func(reader, writer *pgconn.PgConn) (out []string) {
				out = append(out, runEach(reader, []string{"SET search_path = side, public", lookShelf})...)
				for _, sql := range changes {
					out = append(out, runEach(writer, []string{sql})...)
					out = append(out, runEach(reader, []string{lookShelf})...)
				}
				return out
			}
			want := read(pgtest.Connect(t, server).PgConn(), pgtest.Connect(t, server).PgConn())
			got := read(pinnedTo(t, p, rules.Base).PgConn(), pinnedTo(t, p, rules.Base).PgConn())
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the reader sees (-server +proxy):\n%s", diff)
			}
		})
	}
}

// runEach sends each statement by itself, and shows what came of it. It ends at a refusal.
func runEach(conn *pgconn.PgConn, statements []string) (out []string) {
	for _, sql := range statements {
		results, err := conn.Exec(context.Background(), sql).ReadAll()
		for _, r := range results {
			out = append(out, shown(r))
		}
		if err != nil {
			text, refused := shownError(err)
			if out = append(out, text); refused {
				break
			}
		}
	}
	return out
}

// runAtOnce sends all in one string.
func runAtOnce(conn *pgconn.PgConn, statements []string) []string {
	return runEach(conn, []string{strings.Join(statements, "; ")})
}

// runByProtocol is runEach in the extended protocol.
func runByProtocol(conn *pgconn.PgConn, statements []string) (out []string) {
	for _, sql := range statements {
		r := conn.ExecParams(context.Background(), sql, nil, nil, nil, nil).Read()
		if r.Err == nil {
			out = append(out, shown(r))
			continue
		}
		text, refused := shownError(r.Err)
		if out = append(out, text); refused {
			break
		}
	}
	return out
}

func shown(r *pgconn.Result) string {
	var b strings.Builder
	for _, f := range r.FieldDescriptions {
		fmt.Fprintf(&b, "%s:%d ", f.Name, f.DataTypeOID)
	}
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "%q ", row)
	}
	return b.String() + r.CommandTag.String()
}

func shownError(err error) (text string, refused bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err.Error(), false
	}
	if e.Code == "0A000" && strings.HasPrefix(e.Message, "segue") {
		return "refused: " + e.Message, true
	}
	return e.Code + ": " + e.Message, false
}
