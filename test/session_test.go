package test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestNotificationsReachTheSession(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		ctx, cancel := context.WithTimeout(t.Context(), pgtest.Patience)
		defer cancel()
		listener := dial(t, e.through, pgx.QueryExecModeExec)
		sender := dial(t, e.through, pgx.QueryExecModeExec)
		if _, err := listener.Exec(ctx, "LISTEN shop"); err != nil {
			t.Fatal(err)
		}
		if _, err := sender.Exec(ctx, "SELECT pg_notify('shop', "+e.Column+") FROM "+e.Table+" WHERE id = 2"); err != nil {
			t.Fatal(err)
		}
		n, err := listener.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n.Channel != "shop" || n.Payload != "Hopper" || n.PID != sender.PgConn().PID() {
			t.Errorf("got %+v", n)
		}
	})
}

func TestAContextThatEndsCancelsTheStatement(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		conn := dial(t, e.through, pgx.QueryExecModeExec)
		monitor := pgtest.Connect(t, e.twin)
		running := func() (n int) {
			err := monitor.QueryRow(context.Background(),
				"SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event = 'PgSleep'", conn.PgConn().PID()).Scan(&n)
			if err != nil {
				t.Error(err)
			}
			return n
		}
		failed := make(chan error, 1)
		go func() {
			_, err := conn.PgConn().ExecParams(context.Background(),
				"SELECT "+e.Column+", pg_sleep(60) FROM "+e.Table+" WHERE id = 1", nil, nil, nil, nil).Close()
			failed <- err
		}()
		pgtest.Eventually(t, func() bool { return running() == 1 }, "the statement runs")
		ctx, cancel := context.WithTimeout(t.Context(), pgtest.Patience)
		defer cancel()
		if err := conn.PgConn().CancelRequest(ctx); err != nil {
			t.Fatal(err)
		}
		pg, ok := errors.AsType[*pgconn.PgError](<-failed)
		if !ok || pg.Code != "57014" {
			t.Errorf("the statement ended with %v, not as cancelled", pg)
		}
		var name string
		if err := conn.QueryRow(ctx, "SELECT "+e.Column+" FROM "+e.Table+" WHERE id = 1").Scan(&name); err != nil || name != "Lovelace" {
			t.Errorf("afterwards the session answers %q, %v", name, err)
		}
	})
}

func TestASessionCanChooseItsVersionBySet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	f.phase(t, "surname", "cutover")
	conn := f.connect(t, 0, "", pgx.QueryExecModeSimpleProtocol)
	read := func(sql string) string {
		var name string
		err := conn.QueryRow(t.Context(), sql).Scan(&name)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
			return pg.Code
		}
		return name
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const old, renamed = "SELECT last_name FROM individual WHERE id = 1", "SELECT surname FROM person WHERE id = 1"
	for _, step := range []struct{ sql, old, renamed string }{
		{"SET segue.version = 'base'", "Lovelace", "42P01"},
		{"SET segue.version = 'surname'", "42P01", "Lovelace"},
		{"BEGIN; SET LOCAL segue.version = 'base'; COMMIT", "42P01", "Lovelace"},
		{"BEGIN; SET segue.version = 'base'; ROLLBACK", "42P01", "Lovelace"},
		{"BEGIN; SET segue.version = 'base'; COMMIT", "Lovelace", "42P01"},
		{"SET segue.version = 'surname'", "42P01", "Lovelace"},
		{"RESET segue.version", "Lovelace", "Lovelace"}, // unpinned: the one version that binds the whole statement
		{"SELECT set_config('segue.version', 'surname', false)", "42P01", "Lovelace"},
		{"DISCARD ALL", "Lovelace", "Lovelace"},
	} {
		exec(step.sql)
		if got := read(old); got != step.old {
			t.Errorf("after %s the old names give %s, want %s", step.sql, got, step.old)
		}
		if got := read(renamed); got != step.renamed {
			t.Errorf("after %s the new names give %s, want %s", step.sql, got, step.renamed)
		}
	}
}

func TestAnUnknownVersionIsRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	refusal := func(version string) string {
		conn, err := pgx.Connect(t.Context(), f.url(t, 0, version))
		if err == nil {
			conn.Close(t.Context())
		}
		return sqlState(err)
	}
	pgtest.Eventually(t, func() bool { return refusal("surname") == "57P03" }, "the draft is known, and not served yet")
	if got := refusal("nothing"); got != "22023" {
		t.Errorf("a version that nobody knows is answered with %q, want 22023", got)
	}
	f.transition(t, "surname", activate)
	if got := refusal("surname"); got != "" {
		t.Errorf("a version that is served is answered with %q", got)
	}
}

func TestPreparedBySQLSurvivesCutoverAndRollback(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	old := f.connect(t, 0, "base", pgx.QueryExecModeSimpleProtocol)
	prepare := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, conn *pgx.Conn) {
		t.Helper()
		var name string
		if err := conn.QueryRow(t.Context(), "EXECUTE by_id(2)").Scan(&name); err != nil || name != "Hopper" {
			t.Errorf("%s: EXECUTE gives %q, %v", when, name, err)
		}
	}
	prepare(old, "PREPARE by_id(int) AS SELECT last_name FROM individual WHERE id = $1")
	check("before anything is live", old)
	f.phase(t, "surname", "active")
	check("old, active", old)
	renamed := f.connect(t, 0, "surname", pgx.QueryExecModeSimpleProtocol)
	prepare(renamed, "PREPARE by_id(int) AS SELECT surname FROM person WHERE id = $1")
	check("new, active", renamed)
	f.transition(t, "surname", cutover)
	check("old, after cutover", old)
	check("new, after cutover", renamed)
	f.transition(t, "surname", backToActive)
	check("old, back in active", old)
	check("new, back in active", renamed)
}
