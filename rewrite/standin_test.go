package rewrite

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// serverError sends a text as it is, and returns what the server says of it.
func serverError(t *testing.T, conn *pgx.Conn, sql string) *pgconn.PgError {
	t.Helper()
	_, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		t.Fatalf("%s: %v, want an error of the server's", sql, err)
	}
	return pgErr
}

func TestTheServerRejectsStandInsInTheStateThatTheStatementWouldHaveLeft(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Database(t))
	b := plainBinder()
	s := pinned("surname")

	t.Run("a statement of a string fails after those before it", func(t *testing.T) {
		text := mustRewrite(t, b, s, "BEGIN; SELECT 1; SELECT puzzle FROM individual; SELECT 2")
		e := serverError(t, conn, text.SQL)
		if f := text.FailureAt(e.Code, e.Message, int(e.Position)); f == nil || f.Message != "a puzzle" {
			t.Errorf("FailureAt(%s) = %v", e.Message, f)
		}
		if status := conn.PgConn().TxStatus(); status != 'E' {
			t.Errorf("the transaction is in state %c", status)
		}
	})
	t.Run("in a failed transaction it is the transaction that counts", func(t *testing.T) {
		text := mustRewrite(t, b, s, "SELECT puzzle FROM individual")
		e := serverError(t, conn, text.SQL)
		if e.Code != "25P02" || text.FailureAt(e.Code, e.Message, int(e.Position)) != nil {
			t.Errorf("the server says %s", e.Code)
		}
	})
	t.Run("but a text that cannot be read is noticed even there", func(t *testing.T) {
		text := mustRewrite(t, b, s, "SELECT FROM FROM individual")
		e := serverError(t, conn, text.SQL)
		if f := text.FailureAt(e.Code, e.Message, int(e.Position)); f == nil || f.Message != `syntax error at or near "FROM"` {
			t.Errorf("FailureAt(%s) = %v", e.Message, f)
		}
		if _, err := conn.Exec(context.Background(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("one that was never sent", func(t *testing.T) {
		e := serverError(t, conn, StandIn)
		if !IsStandIn(e.Code, e.Message) {
			t.Errorf("%s: %s is not recognized", e.Code, e.Message)
		}
	})
	t.Run("the extended protocol fails at Parse", func(t *testing.T) {
		text := mustRewrite(t, b, s, "SELECT puzzle FROM individual WHERE id = $1")
		_, err := conn.PgConn().Prepare(context.Background(), "", text.SQL, nil)
		var e *pgconn.PgError
		if !errors.As(err, &e) || text.FailureAt(e.Code, e.Message, int(e.Position)) == nil {
			t.Errorf("Prepare: %v", err)
		}
	})
}

func TestTheParserAndTheServerAgreeOnSyntaxErrors(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Database(t))
	b := plainBinder()
	for _, sql := range []string{
		"SELECT FROM FROM individual", "SELECT 'é' individual individual", "SELECT * FROM individual WHERE", "SELEKT individual",
		"SELECT 'individual", `SELECT "individual`, "SELECT /* individual", "INSERT INTO individual VALUES (1", "SELECT 1; SELEC individual",
	} {
		e := serverError(t, conn, sql)
		f := mustRewrite(t, b, pinned("surname"), sql).Statements[0].Failure
		if f.Code != e.Code || f.Message != e.Message || f.Position != int(e.Position) {
			t.Errorf("%s\n  parser: %s %s at %d\n  server: %s %s at %d", sql, f.Code, f.Message, f.Position, e.Code, e.Message, e.Position)
		}
	}
}
