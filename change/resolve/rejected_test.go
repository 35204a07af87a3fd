package resolve_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"

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
