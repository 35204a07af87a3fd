package proxy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// unreadTexts are texts that the parser cannot read, by the version whose session sends them. Some of them a newer server can.
var unreadTexts = map[string][]struct {
	sql     string
	refused bool // where the server can read it
}{
	rules.Base: { // its names are the database's, so the server may have what only it can read
		{`SELECT now() AT NOWHERE IS NULL /* individual */`, false},
		{`SELECT last_name, now() AT NOWHERE FROM individual`, false},
		{`SELECT now() AT NOWHERE FROM pg_class`, false},
		{`SELECT now() AT LOCAL IS NULL /* individual */`, false},
		{`SELECT last_name, now() AT LOCAL FROM individual`, false},
		{`SELECT now() AT LOCAL FROM pg_class`, false},
		{`MERGE INTO individual i USING (SELECT 1 AS id) s ON s.id = i.id WHEN MATCHED THEN UPDATE SET last_name = 'x' RETURNING i.id`, false},
		{`UPDATE individual SET last_name = 'é' RETURNING WITH (OLD AS o) o.last_name`, false},
		{`SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (id int)) AS individual`, false},
	},
	"surname": {
		{`SELECT now() AT NOWHERE IS NULL /* individual */`, false},
		{`SELECT 'individual', now() AT NOWHERE`, false},
		{`SELECT surname, now() AT NOWHERE FROM individual`, false},
		{`SELECT now() AT LOCAL IS NULL /* individual */`, false},
		{`SELECT 'individual', now() AT LOCAL`, false},
		{`SELECT surname, now() AT LOCAL FROM individual`, true},
		{`SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (id int)) AS individual`, false},
	},
}

// TestAnErrorOfTheGrammarIsTheServersOwn compares with a session that goes around the proxy: a server that cannot read a text
// says so in its own words. What a newer server can read is answered by it, or refused where it may mean another table.
func TestAnErrorOfTheGrammarIsTheServersOwn(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	direct, through := pgtest.Connect(t, p.direct), pgtest.Connect(t, p.url)
	of := func(conn interface{ PgConn() *pgconn.PgConn }, sql string) *pgconn.PgError {
		_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
		var e *pgconn.PgError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%s: %v", sql, err)
		}
		return e
	}
	for version, list := range unreadTexts {
		if _, err := through.Exec(t.Context(), "SET segue.version = '"+version+"'"); err != nil {
			t.Fatal(err)
		}
		for _, text := range list {
			want, got := of(direct, text.sql), of(through, text.sql)
			if read := want == nil || want.Code != "42601"; read && text.refused {
				if got == nil || got.Code != "0A000" || !strings.HasPrefix(got.Message, "segue cannot read this text") {
					t.Errorf("%s in %s: got %v, want a refusal", text.sql, version, got)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in %s (-direct +through):\n%s", text.sql, version, diff)
			}
		}
	}
}
