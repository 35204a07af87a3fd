package rewrite

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
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
		{"SELECT $1::regclass[]", "{orders,person}", `relation "person" does not exist`},
		{"SELECT CAST($1 AS regtype[])", "{text,public.person[]}", `type "public.person[]" does not exist`},
		{"SELECT coalesce(NULL::regclass[], $1)", "{person}", `relation "person" does not exist`},
		{"SELECT to_regclass($1)::oid", "person", ""},
		{"SELECT to_regtype($1)::oid", "Person[]", ""},
	} {
		text := d.rewritten(t, tt.sql)
		result := d.conn.PgConn().ExecParams(context.Background(), text.SQL, [][]byte{[]byte(tt.name)}, nil, nil, nil).Read()
		said := ""
		var failure *pgconn.PgError
		if errors.As(result.Err, &failure) {
			r := &wording.Report{Code: failure.Code, Routine: failure.Routine, Message: failure.Message}
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

// Whether something exists is what these functions are asked for, so that a name of the other version is NULL to them, and no
// error.
func TestANameOfTheOtherVersionIsNullToWhoAsksWhetherItExists(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, introspectionRenames)
	d := &introspected{conn: pgtest.Connect(t, url)}
	for version, names := range map[string][2]string{"base": {"individual", "person"}, "v": {"person", "individual"}} {
		d.as(t, version)
		own, other := names[0], names[1]
		for sql, want := range map[string]bool{
			"SELECT to_regclass('%s') IS NULL":                                              false,
			"SELECT to_regclass('public.%s') IS NULL":                                       false,
			"SELECT pg_catalog.to_regclass('\"%s\"')::text IS NULL":                         false,
			"SELECT to_regtype('%s') IS NULL":                                               false,
			"SELECT to_regtype('public.%s[]') IS NULL":                                      false,
			"SELECT coalesce(to_regclass('%s')::oid, 0) = 0":                                false,
			"SELECT CASE WHEN to_regclass('%s') IS NULL THEN true ELSE false END":           false,
			"SELECT NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.%s'))": false,
		} {
			for name, missing := range map[string]bool{own: want, other: !want} {
				text := d.rewritten(t, fmt.Sprintf(sql, name))
				var got bool
				if err := d.conn.QueryRow(context.Background(), text.SQL).Scan(&got); err != nil || got != missing {
					t.Errorf("as %s: %s\n=> %s\nis %v (%v), want %v", version, fmt.Sprintf(sql, name), text.SQL, got, err, missing)
				}
			}
		}
	}
}
