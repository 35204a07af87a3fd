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
CREATE STATISTICS individual_expr ON lower(last_name), (city || last_name) FROM individual;
CREATE VIEW families AS SELECT last_name, count(*) AS members FROM individual GROUP BY last_name ORDER BY last_name;
CREATE VIEW named (id, "Name") WITH (security_barrier) AS SELECT i.id, i.last_name FROM individual i WHERE i.last_name <> 'last_name' WITH CHECK OPTION;
CREATE VIEW joined AS SELECT last_name, i.city, f.members FROM individual i JOIN families f USING (last_name);
CREATE VIEW nested AS WITH found AS (SELECT last_name FROM individual) SELECT last_name FROM found UNION SELECT (SELECT max(last_name) FROM individual) FROM individual WHERE EXISTS (SELECT FROM individual WHERE last_name = 'x');
CREATE MATERIALIZED VIEW counted AS SELECT last_name, count(*) FROM individual GROUP BY 1;
CREATE RULE renames AS ON UPDATE TO named DO INSTEAD UPDATE individual SET last_name = new."Name" WHERE id = old.id AND last_name = old."Name" RETURNING id, last_name;
CREATE RULE quiet AS ON DELETE TO individual WHERE old.last_name = 'kept' DO INSTEAD NOTHING;
CREATE FUNCTION family(last_name text) RETURNS SETOF individual BEGIN ATOMIC SELECT * FROM individual WHERE individual.last_name = family.last_name; END;
CREATE FUNCTION family_of(i individual) RETURNS text RETURN (i).last_name;
CREATE POLICY known ON individual FOR SELECT USING (last_name IN (SELECT f.last_name FROM families f WHERE f.last_name <> individual.city));
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
\d+ families
\d+ named
\d+ nested
\d+ counted
\sv joined
\sv+ nested
\sf family
\sf+ family_of
\df family*
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
	program := pgtest.BinForServer(t, "pg_dump")
	inEachStageOf(t, shop+describedShop, func(t *testing.T, e *env) {
		e.same(t, func(connString string) string {
			dump := run(t, "", program, "--schema=public", "--no-sync", "-d", connString)
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

func TestAViewIsShownAsTheSessionHasJustMadeIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	f.phase(t, "surname", rules.Active)
	f.phase(t, "surname", rules.Cutover)
	conn := pgtest.Connect(t, f.url(t, 0, rules.Base))
	for _, columns := range []string{"individual.last_name", "individual.last_name,\n    individual.city", "individual.last_name,\n    individual.city,\n    individual.id"} {
		if _, err := conn.Exec(context.Background(), "CREATE OR REPLACE VIEW made AS SELECT "+columns+" FROM individual"); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := conn.QueryRow(context.Background(), "SELECT pg_get_viewdef('made')").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if pgtest.Cluster().Major >= 16 { // where one table alone is read its columns are shown without it (ruleutils.c)
			columns = strings.ReplaceAll(columns, "individual.", "")
		}
		if want := " SELECT " + columns + "\n   FROM individual;"; got != want {
			t.Errorf("the view is shown as %q, not %q", got, want)
		}
	}
}
