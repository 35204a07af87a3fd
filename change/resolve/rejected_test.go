package resolve_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

// An ender ends the session before its n-th statement.
type ender struct {
	n   int
	end func(pid uint32)
}

func (e *ender) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if e.n--; e.n == 0 {
		e.end(conn.PgConn().PID())
	}
	return ctx
}

func (*ender) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// stride is how many statements lie between two ends. Where the first one comes is another place each time that the test runs.
const stride = 3

func TestTheEndOfASessionIsNoProblemOfAnExpression(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := database(t)
	admin := pgtest.Connect(t, url)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for n := 1 + rand.N(stride); ; n += stride {
		e := &ender{n: n, end: func(pid uint32) {
			if _, err := admin.Exec(ctx, "SELECT pg_terminate_backend($1, 10000)", pid); err != nil {
				t.Error(err)
			}
		}}
		config.Tracer = e
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = resolve.Expressions(ctx, conn, column("integer", "numeric(12,2)", "a / 100.0", "(b * 100)::integer"))
		_ = conn.Close(ctx)
		if e.n > 0 {
			break
		}
		ended++
		if problems := resolve.Lines(err); len(problems) > 0 {
			t.Errorf("the session has ended before statement %d, and the problem is said to be %v", n, problems[0])
		}
		if _, rejected := resolve.Rejected(err); rejected {
			t.Errorf("the session has ended before statement %d, and the server is said to have rejected it: %v", n, err)
		}
	}
	if ended < 10 {
		t.Errorf("only %d sessions were ended", ended)
	}
}

func TestWhatMayNotComeAnotherTimeIsNoProblemOfAnExpression(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"42883": true, "22P02": true, "42501": true, "57014": true, "XX000": true,
		"55P03": false, "40P01": false, "40001": false, "53200": false, "53100": false, "58030": false,
	} {
		if _, got := resolve.Rejected(fmt.Errorf("trying: %w", &pgconn.PgError{SeverityUnlocalized: "ERROR", Severity: "FEHLER", Code: code})); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
	if _, got := resolve.Rejected(&pgconn.PgError{SeverityUnlocalized: "FATAL", Severity: "FATAL", Code: "42883"}); got {
		t.Error("the end of a session is taken for a problem")
	}
}

// A CHECK that cannot be looked at because somebody holds a lock is not taken for one that there is no need of.
func TestALockIsNoProblemOfAnExpression(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	url := database(t)
	holder, conn := pgtest.Connect(t, url), pgtest.Connect(t, url)
	pgtest.Exec(t, url, "CREATE FUNCTION rate() RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 100.0'")
	o := column("integer", "numeric(12,2)", "a / rate()", "(b * rate())::integer")
	tx, err := holder.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, "LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE")
	}
	if err == nil {
		_, err = conn.Exec(ctx, "SET lock_timeout = 50")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = resolve.Expressions(ctx, conn, o)
	if problems := resolve.Lines(err); len(problems) > 0 || err == nil {
		t.Errorf("a lock gives %v, %v", problems, err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err = resolve.Expressions(ctx, conn, o); err != nil {
		t.Errorf("without the lock: %v", err)
	}
}

// A rule, as whose action an assignment is looked at, has rows that are called old and new.
func TestATableMayBeCalledAsTheRowsOfARule(t *testing.T) {
	t.Parallel()
	url := database(t)
	for _, name := range []string{"new", "old", "excluded"} {
		for _, up := range []string{"a / 100.0", name + ".a / 100.0"} {
			o := column("integer", "numeric(12,2)", up, "("+name+".b * 100)::integer")
			o.Table.Name = name
			if _, err := resolve.Expressions(t.Context(), pgtest.Connect(t, url), o); err != nil {
				t.Errorf("%s, %s: %v", name, up, resolve.Lines(err))
			}
		}
	}
	for _, cols := range [][2]string{{"new", "old"}, {"old", "new"}} {
		o := column("integer", "numeric(12,2)", "", "")
		o.Old[0].Name, o.New[0].Name = cols[0], cols[1]
		o.Up, o.Down = change.Map{cols[1]: cols[0] + " / 100.0"}, change.Map{cols[0]: "(" + cols[1] + " * 100)::integer"}
		if _, err := resolve.Expressions(t.Context(), pgtest.Connect(t, url), o); err != nil {
			t.Errorf("columns %v: %v", cols, resolve.Lines(err))
		}
	}
}
