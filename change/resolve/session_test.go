package resolve_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestWhatUpGivesDoesNotDependOnTheSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change.Change{
		"inlined":              column("integer", "numeric(12,2)", "a / 100.0", "(b * 100)::integer"),
		"in functions alone":   column("integer", "numeric(12,2)", "nullif(a, -1) / 100.0", "(b * 100)::integer"),
		"with a setting":       column("double precision", "text", "a::text", "b::float8"),
		"with a row looked up": column("integer", "uuid", "(SELECT uuid FROM members WHERE id = a)", "(SELECT id FROM members WHERE uuid = b)"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			pgtest.Exec(t, url, `INSERT INTO members VALUES (25, '00000000-0000-0000-0000-000000000025')`, "CREATE TABLE t (id int, a "+c.Old[0].Type+")",
				`CREATE SCHEMA hostile;
				CREATE FUNCTION hostile.div(numeric, numeric) RETURNS numeric LANGUAGE sql AS 'SELECT 0.0';
				CREATE OPERATOR hostile./ (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = hostile.div);
				CREATE FUNCTION hostile.same(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT true';
				CREATE OPERATOR hostile.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = hostile.same);
				CREATE TABLE hostile.members (id int, uuid uuid);`)
			if name == "with a row looked up" {
				c.Reads = []string{"members"}
			}
			ctx, conn := context.Background(), pgtest.Connect(t, url)
			resolved, err := resolve.Expressions(ctx, conn, c)
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := change.Compile(resolved)
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, url, compiled.Expand()...)
			pgtest.Exec(t, url, "INSERT INTO t (id, a) VALUES (1, 25)",
				"SET search_path TO hostile, pg_catalog, public; SET extra_float_digits = -15; INSERT INTO public.t (id, a) VALUES (2, 25)")
			var same bool
			if err := conn.QueryRow(ctx, "SELECT count(DISTINCT b::text) = 1 AND count(b) = 2 FROM t").Scan(&same); err != nil {
				t.Fatal(err)
			}
			if !same {
				t.Error("two sessions got different values")
			}
		})
	}
}

// TestWhatASessionHasFirstDoesNotRunInTheTriggers has a session put types and operators of its own before those of pg_catalog.
func TestWhatASessionHasFirstDoesNotRunInTheTriggers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]change.Change{
		"text":             column("text", "text", "pg_catalog.upper(a)", "pg_catalog.lower(b)"),
		"numbers":          column("integer", "numeric(12,2)", "a / 100.0", "(b * 100)::integer"),
		"with others":      column("text", "jsonb", "pg_catalog.to_jsonb(a)", "b #>> '{}'"),
		"not to be inline": column("double precision", "text", "a::text", "b::float8"),
	} {
		for _, others := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", beside triggers"}[others], func(t *testing.T) {
				t.Parallel()
				c.Others, c.Lossy = others, true
				url := database(t)
				pgtest.Exec(t, url, "CREATE TABLE t (id int, a "+c.Old[0].Type+")", "CREATE TABLE ran (what text)",
					"CREATE FUNCTION evil(x text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran VALUES (x); RETURN true; END'")
				ctx, conn := context.Background(), pgtest.Connect(t, url)
				resolved, err := resolve.Expressions(ctx, conn, c)
				if err != nil {
					t.Fatal(err)
				}
				compiled, err := change.Compile(resolved)
				if err != nil {
					t.Fatal(err)
				}
				pgtest.Exec(t, url, compiled.Expand()...)
				value := map[string]string{"text": "'x'", "integer": "7", "double precision": "1.5"}[c.Old[0].Type]
				pgtest.Exec(t, url, `CREATE SCHEMA mine;
					CREATE FUNCTION mine.same(x text, y text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran VALUES (x); RETURN x OPERATOR(pg_catalog.=) y; END';
					CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.same);
					CREATE FUNCTION mine.small(x int2, y int4) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.ran VALUES (''small''); RETURN x OPERATOR(pg_catalog.=) y; END';
					CREATE OPERATOR mine.= (LEFTARG = int2, RIGHTARG = int4, FUNCTION = mine.small);`+
					hostileTypes("text", "date", "jsonb", "bool", "boolean", "int4", "integer", "numeric", "float8", "record")+`;
					TRUNCATE public.ran;
					SET search_path = pg_temp, mine, pg_catalog; SELECT pg_catalog.set_config('segue.code_1_1', '2', false);
					INSERT INTO public.t (id, a) VALUES (1, `+value+`); UPDATE public.t SET a = a WHERE id = 1; UPDATE public.t SET id = 2`)
				var ran []string
				if err := conn.QueryRow(ctx, "SELECT coalesce(array_agg(what), '{}') FROM ran").Scan(&ran); err != nil {
					t.Fatal(err)
				}
				if len(ran) > 0 {
					t.Errorf("the session's own code ran: %q", ran)
				}
			})
		}
	}
}

// hostileTypes makes temporary domains with names of pg_catalog, of which each value runs a function.
func hostileTypes(names ...string) string {
	out := make([]string, len(names))
	for i, name := range names {
		base := map[string]string{"boolean": "bool", "integer": "int4", "record": "text"}[name]
		if base == "" {
			base = name
		}
		out[i] = `CREATE DOMAIN pg_temp."` + name + `" AS pg_catalog.` + base + ` CHECK (public.evil('type ` + name + `'))`
	}
	return strings.Join(out, "; ")
}

// TestNothingOfOthersRunsWhileAChangeIsLookedAt has operators in public that fit what the catalogs are asked better than
// those of pg_catalog.
func TestNothingOfOthersRunsWhileAChangeIsLookedAt(t *testing.T) {
	t.Parallel()
	url := database(t)
	pgtest.Exec(t, url, `CREATE TABLE t (id int, a integer DEFAULT 1); CREATE SEQUENCE ran;
		CREATE FUNCTION ran(x oid, y regnamespace) RETURNS boolean LANGUAGE sql AS 'SELECT nextval(''public.ran'') > 0';
		CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = regnamespace, FUNCTION = ran);
		CREATE FUNCTION ran(x oid[], y oid[]) RETURNS boolean LANGUAGE sql AS 'SELECT nextval(''public.ran'') > 0';
		CREATE OPERATOR public.&& (LEFTARG = oid[], RIGHTARG = oid[], FUNCTION = ran)`)
	ctx, conn := context.Background(), pgtest.Connect(t, url)
	c, err := resolve.Table(ctx, conn, column("integer", "numeric(12,2)", "a / 100.0", "(b * 100)::integer"))
	if err == nil {
		_, err = resolve.Expressions(ctx, conn, c)
	}
	if err != nil {
		t.Fatal(err)
	}
	var ran bool
	if err := conn.QueryRow(ctx, "SELECT is_called FROM ran").Scan(&ran); err != nil {
		t.Fatal(err)
	}
	if ran {
		t.Error("an operator of another role ran")
	}
}
