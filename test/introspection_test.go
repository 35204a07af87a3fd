package test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// What else a schema can have that psql describes. It is added to the shop and its twin before the migration.
const describedShop = `
CREATE INDEX individual_lower ON individual (lower(last_name) text_pattern_ops) INCLUDE (city) WHERE last_name <> 'last_name';
CREATE UNIQUE INDEX by_name ON individual (last_name, first_name);
CREATE STATISTICS individual_st (ndistinct) ON last_name, city FROM individual;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted AFTER UPDATE OF last_name ON individual FOR EACH ROW WHEN (old.last_name IS DISTINCT FROM new.last_name) EXECUTE FUNCTION note('last_name');
ALTER TABLE individual ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON individual USING (last_name = CURRENT_USER) WITH CHECK (last_name <> '');
COMMENT ON COLUMN individual.last_name IS 'the family name';
COMMENT ON TABLE individual IS 'people';
GRANT SELECT (last_name), INSERT ON individual TO PUBLIC;
CREATE TABLE parents (a individual, b individual[]);
CREATE TABLE staff (boss bigint REFERENCES individual) INHERITS (individual);
CREATE VIEW orders_shown AS SELECT item FROM orders;
`

// describing are the commands of psql; {{.Table}} and {{.Column}} stand for the version's names.
const describing = `
\d
\d+
\dt
\dt+ {{.Table}}
\d {{.Table}}
\d+ {{.Table}}
\d public.*
\d+ orders
\d+ parents
\d+ staff
\d individual_lower
\di
\di+ by_name
\dv
\dv+
\ds
\dp {{.Table}}
\dd
\df
\dT
\dX
\dRp+
\d nothing
SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1;
`

func TestPsqlDescribesTheSchemaOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachStageOf(t, shop+describedShop, func(t *testing.T, e *env) {
		script := e.fill(t, "describing", describing)
		e.same(t, func(connString string) string { return psql(t, connString, script) })
	})
}

// unrestricted matches the lines of a dump that hold a random key.
var unrestricted = regexp.MustCompile(`(?m)^\\(un)?restrict .*$`)

func TestPgDumpDumpsTheSchemaOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachStageOf(t, shop+describedShop, func(t *testing.T, e *env) {
		e.same(t, func(connString string) string {
			dump := run(t, "", pgtest.Bin("pg_dump"), "--schema=public", "--no-sync", "-d", connString)
			return unrestricted.ReplaceAllString(dump, "")
		})
	})
}

func TestPreparedQueriesOnCatalogsFollowTheCutover(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	f.phase(t, "surname", rules.Active)
	ctx := context.Background()
	old, renamed := pgtest.Connect(t, f.url(t, 0, rules.Base)), pgtest.Connect(t, f.url(t, 0, "surname"))
	ask := func(conn *pgx.Conn, sql string, args ...any) []string {
		t.Helper()
		rows, err := conn.Query(ctx, sql, args...)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return list
	}
	const columns = "SELECT column_name::text FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position"
	const attributes = "SELECT attname::text FROM pg_attribute WHERE attrelid = (SELECT oid FROM pg_class WHERE relname = $1) AND attnum > 0 ORDER BY attnum"
	check := func(when string) {
		t.Helper()
		for _, sql := range []string{columns, attributes} {
			if got := strings.Join(ask(old, sql, "individual"), " "); got != "id first_name last_name city" {
				t.Errorf("%s, base sees the columns %s", when, got)
			}
			if got := strings.Join(ask(renamed, sql, "person"), " "); got != "id first_name surname city" {
				t.Errorf("%s, the new version sees the columns %s", when, got)
			}
		}
	}
	check("before cutover")
	f.phase(t, "surname", rules.Cutover)
	check("after cutover")
	const byName = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 3"
	if got := ask(old, byName, "individual"); len(got) != 1 || got[0] != "last_name" {
		t.Errorf("base finds the table by its name as a parameter, and sees %q", got)
	}
}
