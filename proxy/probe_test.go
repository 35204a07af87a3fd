package proxy

import (
	"context"
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
			var got, want []string
			var temp uint32
			if err := conn.QueryRow(ctx, "SELECT "+pathJSON).Scan(&got); err != nil {
				t.Fatal(err)
			}
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
			var after []string
			if err := conn.QueryRow(ctx, "SELECT "+pathJSON).Scan(&after); err != nil {
				t.Fatal(err)
			}
			if err := conn.QueryRow(ctx, "SELECT current_schemas(true)").Scan(&want); err != nil || !cmp.Equal(want, after) {
				t.Errorf("with a temporary schema the path is %q, want %q (%v)", after, want, err)
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
