package proxy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A cancel request comes on another connection than the statement that it is for, and must not be there before it.
func TestACancelRequestDoesNotOvertakeTheStatement(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		loops int
		mode  pgx.QueryExecMode
	}{
		"in a loop":                {1, pgx.QueryExecModeSimpleProtocol},
		"in goroutines":            {0, pgx.QueryExecModeSimpleProtocol},
		"of the extended protocol": {1, pgx.QueryExecModeExec},
		"of the extended protocol, in goroutines": {0, pgx.QueryExecModeExec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := openShop(t, func(c *Config) { c.Loops = tc.loops })
			for range 20 {
				cancelAtOnce(t, p, tc.mode)
			}
		})
	}
}

// cancelAtOnce begins a session with a statement that takes long, and cancels that as soon as the proxy has it.
func cancelAtOnce(t *testing.T, p *running, mode pgx.QueryExecMode) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname%20-c%20statement_timeout%3D20s")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT surname, pg_sleep(60) FROM (SELECT 'x' AS surname UNION ALL SELECT surname FROM individual) AS i", mode)
		failed <- err
	}()
	for begun := false; !begun; { // it may have been read, and may not have been sent
		for _, s := range p.list() {
			begun = begun || s.link.PID == conn.PgConn().PID() && s.messages.Load() > 0
		}
	}
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var cancelled *pgconn.PgError
	if err := <-failed; !errors.As(err, &cancelled) || !strings.Contains(cancelled.Message, "user request") {
		t.Errorf("the statement ends with %v", err)
	}
}
