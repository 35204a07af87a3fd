package proxy

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestAnErrorOfTheGrammarIsTheServersOwn compares with a session that goes around the proxy: a server that cannot read a text
// either says so in its own words.
func TestAnErrorOfTheGrammarIsTheServersOwn(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	direct, through := pgtest.Connect(t, p.direct), pgtest.Connect(t, p.url)
	of := func(conn interface{ PgConn() *pgconn.PgConn }, sql string) *pgconn.PgError {
		_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
		var e *pgconn.PgError
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", sql, err)
		}
		return e
	}
	for version, list := range map[string][]string{
		rules.Base: {
			`SELECT now() AT LOCAL IS NULL /* individual */`,
			`SELECT last_name, now() AT LOCAL FROM individual`,
			`SELECT now() AT LOCAL FROM pg_class`,
			`MERGE INTO individual i USING (SELECT 1 AS id) s ON s.id = i.id WHEN MATCHED THEN UPDATE SET last_name = 'x' RETURNING i.id`,
			`UPDATE individual SET last_name = 'é' RETURNING WITH (OLD AS o) o.last_name`,
			`SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (id int)) AS individual`,
		},
		"surname": {
			`SELECT now() AT LOCAL IS NULL /* individual */`,
			`SELECT 'individual', now() AT LOCAL`,
			`SELECT surname, now() AT LOCAL FROM individual`,
			`SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (id int)) AS individual`,
		},
	} {
		if _, err := through.Exec(t.Context(), "SET segue.version = '"+version+"'"); err != nil {
			t.Fatal(err)
		}
		for _, sql := range list {
			if diff := cmp.Diff(of(direct, sql), of(through, sql)); diff != "" {
				t.Errorf("%s in %s (-direct +through):\n%s", sql, version, diff)
			}
		}
	}
}
