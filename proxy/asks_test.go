package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// manyQuestions is a statement of which each part makes the server be asked for something else.
func manyQuestions(t *testing.T, url string, n int) string {
	t.Helper()
	var views, asks strings.Builder
	for i := range n {
		fmt.Fprintf(&views, "CREATE VIEW asked_%d AS SELECT last_name FROM individual; ", i)
		fmt.Fprintf(&asks, ", pg_get_viewdef('asked_%d'::regclass)", i)
	}
	pgtest.Exec(t, url, views.String())
	return "SELECT 1" + asks.String()
}

func TestAStatementThatAsksTheServerForMuchCanBeCancelled(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	sql := manyQuestions(t, p.direct, 300)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		failed <- err
	}()
	asking := func() bool {
		p.Server.mu.Lock()
		defer p.Server.mu.Unlock()
		for s := range p.Server.sessions {
			if s.asks.is() {
				return true
			}
		}
		return false
	}
	pgtest.Eventually(t, asking, "the server to be asked")
	began := time.Now()
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var refused *pgconn.PgError
	if err := <-failed; !errors.As(err, &refused) || refused.Code != "57014" {
		t.Errorf("after %s the cancelled statement ends with %v", time.Since(began), err)
	}
	if _, err := conn.Exec(ctx, "SELECT surname FROM individual", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Errorf("the session goes on with %v", err)
	}
}
