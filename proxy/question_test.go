package proxy

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

func TestInAFailedTransactionATextWithUnknownRelationsIsTheServersToRefuse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	conn := pgtest.Connect(t, p.url)
	for name, tc := range map[string]struct{ sql, code string }{
		"one statement": {"SELECT 1 FROM made_a_moment_ago, individual WHERE surname = 'x'", "25P02"},
		"two":           {"SELECT 1 FROM made_a_moment_ago, individual; ROLLBACK", "25P02"},
	} {
		if _, err := conn.PgConn().Exec(ctx, "SET segue.version = 'surname'; BEGIN; SELECT 1/0").ReadAll(); err == nil {
			t.Fatal("the transaction has not failed")
		}
		var refused *pgconn.PgError
		if _, err := conn.PgConn().Exec(ctx, tc.sql).ReadAll(); !errors.As(err, &refused) || refused.Code != tc.code {
			t.Errorf("%s: %v, want %s", name, err, tc.code)
		}
		if _, err := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATextThatOnlyTheServerCanReadIsNeverExecuted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	conn := pgtest.Connect(t, p.url)
	exec := func(sql string) error {
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		return err
	}
	if err := exec("SET standard_conforming_strings = off; SET escape_string_warning = off"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		before, sql, code string
		status            byte
	}{
		"alone":                           {"", `INSERT INTO individual VALUES (8, 'it\'s')`, "0A000", 'I'},
		"with others":                     {"", `INSERT INTO individual VALUES (8, 'a'); INSERT INTO individual VALUES (9, 'it\'s')`, "0A000", 'I'},
		"in a transaction":                {"BEGIN", `INSERT INTO individual VALUES (8, 'it\'s')`, "0A000", 'E'},
		"in a failed one":                 {"BEGIN; SELECT 1/0", `INSERT INTO individual VALUES (8, 'it\'s')`, "25P02", 'E'},
		"behind the end of a failed one":  {"BEGIN; SELECT 1/0", `ROLLBACK; INSERT INTO individual VALUES (8, 'it\'s')`, "0A000", 'E'},
		"with a mistake of the client's":  {"BEGIN", `INSERT INTO individual VALUES (8, 'it\'s'`, "42601", 'E'},
		"with a mistake in a failed one":  {"BEGIN; SELECT 1/0", `INSERT INTO individual VALUES (8, 'it\'s'`, "42601", 'E'},
		"with a name that does not exist": {"", `INSERT INTO individual (nope) VALUES ('it\'s')`, "0A000", 'I'},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.before != "" {
				_ = exec(tc.before)
			}
			var refused *pgconn.PgError
			if err := exec(tc.sql); !errors.As(err, &refused) || refused.Code != tc.code {
				t.Errorf("%s: %v, want %s", tc.sql, err, tc.code)
			}
			if status := conn.PgConn().TxStatus(); status != tc.status {
				t.Errorf("the transaction is in state %c, want %c", status, tc.status)
			}
			if err := exec("ROLLBACK"); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := conn.QueryRow(ctx, "SELECT count(last_name) FROM individual", pgx.QueryExecModeDescribeExec).Scan(&n); err != nil || n != 3 {
				t.Errorf("there are %d rows, %v", n, err)
			}
		})
	}
}
