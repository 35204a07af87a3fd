package proxy

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestTheProbeReadsThePathWithoutASideEffect compares what the probe makes of search_path with what current_schemas
// says, which has one.
func TestTheProbeReadsThePathWithoutASideEffect(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, `CREATE SCHEMA "a, ""b"; CREATE SCHEMA "Temp"; CREATE SCHEMA other`)
	for _, path := range []string{
		`pg_temp`, `pg_temp, public`, `"pg_temp" , public,"a, ""b",nowhere`, `PUBLIC, PG_TEMP, "Temp"`, `nowhere, pg_temp, other, public`,
		`pg_temp, pg_catalog, public`, `public, pg_catalog, pg_temp, public`, `"$user", public`, `"$user", pg_temp`, `other,other,pg_temp`,
		`''`, `pg_catalog`, `temp, public`, `Other, "Other", pg_temp`,
	} {
		t.Run(path, func(t *testing.T) {
			conn := pgtest.Connect(t, url)
			if _, err := conn.Exec(ctx, "SET search_path = "+path); err != nil {
				t.Fatal(err)
			}
			var want []string
			var temp uint32
			got := probedPath(t, conn)
			if err := conn.QueryRow(ctx, "SELECT pg_my_temp_schema()").Scan(&temp); err != nil || temp != 0 {
				t.Errorf("the session has temporary schema %d, %v", temp, err)
			}
			err := conn.QueryRow(ctx, `SELECT ARRAY(SELECT s FROM unnest(current_schemas(true)) WITH ORDINALITY u(s, n)
				WHERE s !~ '^pg_temp' ORDER BY n)`).Scan(&want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("path (-server +probe):\n%s", diff)
			}
			after := probedPath(t, conn)
			if err := conn.QueryRow(ctx, "SELECT current_schemas(true)").Scan(&want); err != nil || !cmp.Equal(want, after) {
				t.Errorf("with a temporary schema the path is %q, want %q (%v)", after, want, err)
			}
		})
	}
}

// probedPath is the path as session.probe reads it.
func probedPath(t *testing.T, conn *pgx.Conn) (path []string) {
	t.Helper()
	for _, sql := range []string{"SELECT (" + probeJSON + ") -> 'path'", "SELECT " + writtenPathJSON} {
		if err := conn.QueryRow(t.Context(), sql).Scan(&path); err != nil {
			t.Fatal(err)
		}
		if path != nil {
			break
		}
	}
	return path
}

// TestTheProbeFindsAllThatIsTemporary compares what the probe finds by its dependencies with all that the schema holds.
func TestTheProbeFindsAllThatIsTemporary(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"nothing":                    "SELECT 1",
		"a table":                    "CREATE TEMP TABLE x (n serial PRIMARY KEY, long text)",
		"a table of another":         "CREATE TABLE y (n int); CREATE TEMP TABLE x () INHERITS (y)",
		"a table by its schema":      "CREATE TABLE pg_temp.x (n int)",
		"partitions":                 "CREATE TEMP TABLE x (n int) PARTITION BY LIST (n); CREATE TEMP TABLE x1 PARTITION OF x DEFAULT",
		"a view":                     "CREATE TEMP VIEW x AS SELECT 1 AS n",
		"a view of a temporary one":  "CREATE TEMP TABLE x (n int); CREATE VIEW v AS SELECT * FROM x",
		"a sequence":                 "CREATE TEMP SEQUENCE x",
		"a composite type":           "CREATE TYPE pg_temp.x AS (n int)",
		"a type beside a table":      "CREATE TYPE pg_temp.x AS (n int); CREATE TEMP TABLE y (n int)",
		"an enum":                    "CREATE TYPE pg_temp.x AS ENUM ('a')",
		"a function":                 "CREATE FUNCTION pg_temp.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"a table that has gone":      "CREATE TEMP TABLE x (n int); DROP TABLE x",
		"one that was renamed":       "CREATE TEMP TABLE x (n int); ALTER TABLE x RENAME TO y",
		"one whose owner is another": "CREATE TEMP TABLE x AS SELECT 1 AS n; ALTER TABLE x OWNER TO pg_monitor",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := pgtest.Connect(t, pgtest.Database(t))
			if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			p := new(probed)
			if err := conn.QueryRow(t.Context(), "SELECT "+probeJSON).Scan(p); err != nil {
				t.Fatal(err)
			}
			if sql, params := p.temporaryQuery(); sql != "" {
				var answer []byte
				args := make([]any, len(params))
				for i := range params {
					args[i] = string(params[i])
				}
				if err := conn.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
					t.Fatal(err)
				}
				if answer != nil {
					if err := decodeHex(answer, &p.Temporary); err != nil {
						t.Fatal(err)
					}
				}
			}
			var got, want []string
			for _, r := range p.overlay() {
				got = append(got, r.Name)
			}
			err := conn.QueryRow(t.Context(), `SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
				WHERE relnamespace = pg_my_temp_schema() AND relkind NOT IN ('i', 'I', 't')`).Scan(&want)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
				t.Errorf("temporary relations (-server +probe):\n%s", diff)
			}
		})
	}
}

func TestAUserWithoutTemporaryTablesHasPgTempInThePath(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := openProxy(t)
	p.run(people, `REVOKE TEMP ON DATABASE "`+p.database+`" FROM public`, `DROP ROLE IF EXISTS `+p.database+`_plain`,
		`CREATE ROLE `+p.database+`_plain LOGIN`, `GRANT SELECT ON individual TO `+p.database+`_plain`)
	t.Cleanup(func() {
		p.run(`DROP OWNED BY `+p.database+`_plain`, `DROP ROLE `+p.database+`_plain`)
	})
	p.phase(1, rules.Cutover, renameThere)
	conn := pgtest.Connect(t, p.url)
	for _, sql := range []string{"SET ROLE " + p.database + "_plain", "SET search_path = pg_temp, public"} {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT count(last_name) FROM individual").Scan(&n); err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}
