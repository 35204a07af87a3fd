package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A violated unique index is told in the words of the version that has violated it, whichever side's index the server met first.
func TestAViolatedUniqueIndexIsToldInTheVersionsWords(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, prices, `UPDATE sale SET cents = 100 * id; CREATE UNIQUE INDEX sale_cents_idx ON sale (cents); CREATE UNIQUE INDEX once ON sale ((id % 10000), cents) INCLUDE (note)`)
	f.create(t, amount)
	f.transition(t, "amount", activate)
	f.stage(t, "amount", rules.Served)
	const (
		old     = `duplicate key value violates unique constraint "sale_cents_idx"|sale_cents_idx|Key (cents)=(700) already exists.|`
		renewed = `duplicate key value violates unique constraint "sale_amount_idx"|sale_amount_idx||Another version of the app has "amount" as "cents", with a unique index.`
	)
	check := func(version, sql, want string) {
		t.Helper()
		conn := f.connect(t, 0, version, pgx.QueryExecModeExec)
		defer conn.Close(t.Context())
		_, err := conn.Exec(t.Context(), sql)
		pg, _ := errors.AsType[*pgconn.PgError](err)
		if pg == nil {
			t.Fatalf("%s: %v", version, err)
		}
		if got := strings.Join([]string{pg.Message, pg.ConstraintName, pg.Detail, pg.Hint}, "|"); pg.Code != "23505" || got != want {
			t.Errorf("%s gets %s %s\nwant %s", version, pg.Code, got, want)
		}
	}
	indexes := func(version, want string) {
		t.Helper()
		var got string
		conn := f.connect(t, 0, version, pgx.QueryExecModeExec)
		defer conn.Close(t.Context())
		err := conn.QueryRow(t.Context(), `SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'sale'`).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s sees the indexes %s, %v; want %s", version, got, err, want)
		}
	}
	for _, phase := range []migrate.Request{cutover, backToActive} {
		check("base", `INSERT INTO sale (id, cents) VALUES (10000, 700)`, old)
		check("amount", `INSERT INTO sale (id, amount) VALUES (10000, 7)`, renewed)
		check("amount", `UPDATE sale SET amount = 7 WHERE id = 8`, renewed)
		indexes("base", "once,sale_cents_idx,sale_pkey")
		indexes("amount", "_segue_index_1_1_2,sale_amount_idx,sale_pkey")
		f.transition(t, "amount", phase)
	}
	conn := f.connect(t, 0, "amount", pgx.QueryExecModeExec)
	for _, sql := range []string{
		`INSERT INTO sale (id, amount) VALUES (10000, 7) ON CONFLICT (amount) DO UPDATE SET note = 'met' RETURNING id`,
		`INSERT INTO sale (id, amount) VALUES (10001, 7) ON CONFLICT DO NOTHING`,
	} {
		if tag, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v, %v", sql, tag, err)
		}
	}
	var said string
	if err := conn.QueryRow(t.Context(), `SELECT id || note FROM sale WHERE amount = 7`).Scan(&said); err != nil || said != "7met" {
		t.Errorf("the row is %s, %v", said, err)
	}
	conn.Close(t.Context())
	f.transition(t, "amount", cutover)
	f.gone(t, "amount")
	f.gone(t, "base")
	f.transition(t, "amount", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	check("amount", `INSERT INTO sale (id, amount) VALUES (10000, 7)`, renewed)
	indexes("amount", "once,sale_amount_idx,sale_pkey")
	f.gone(t, "amount")
	f.transition(t, "amount", migrate.Request{Kind: migrate.Purge})
	check("amount", `INSERT INTO sale (id, amount) VALUES (10000, 7)`, fmt.Sprintf(`%s|sale_amount_idx|Key (amount)=(7.00) already exists.|`, strings.Split(renewed, "|")[0]))
}
