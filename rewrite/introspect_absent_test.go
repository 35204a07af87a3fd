package rewrite

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// A name that only the database has is found by nobody who asks for it by a parameter, and the server says so of it.
func TestANameOfTheOtherVersionIsNotFoundByAParameter(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, introspectionRenames)
	d := &introspected{conn: pgtest.Connect(t, url)}
	d.as(t, "base")
	for _, tt := range []struct{ sql, name, says string }{
		{"SELECT $1::regclass::oid", "person", `relation "person" does not exist`},
		{"SELECT $1::regclass", "public.person", `relation "public.person" does not exist`},
		{"SELECT CAST($1 AS regtype)", "person", `type "person" does not exist`},
		{"SELECT $1::regtype::oid", "public.person[]", `type "public.person[]" does not exist`},
		{"SELECT to_regclass($1)::oid", "person", ""},
		{"SELECT to_regtype($1)::oid", "Person[]", ""},
	} {
		text := d.rewritten(t, tt.sql)
		result := d.conn.PgConn().ExecParams(context.Background(), text.SQL, [][]byte{[]byte(tt.name)}, nil, nil, nil).Read()
		said := ""
		var failure *pgconn.PgError
		if errors.As(result.Err, &failure) {
			r := &Report{Code: failure.Code, Routine: failure.Routine, Message: failure.Message}
			text.Reword(r)
			said = r.Message
		} else if result.Err != nil || len(result.Rows) != 1 || result.Rows[0][0] != nil {
			t.Errorf("%s with %s\n=> %s\nfinds %q (%v)", tt.sql, tt.name, text.SQL, result.Rows, result.Err)
		}
		if said != tt.says {
			t.Errorf("%s with %s\n=> %s\nsays %q instead of %q", tt.sql, tt.name, text.SQL, said, tt.says)
		}
	}
}
