package resolve_test

import (
	"context"
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
