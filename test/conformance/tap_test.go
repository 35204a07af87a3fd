package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// asPsql connects through a tap to the database.
func asPsql(t *testing.T, x *tap, url string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Host, cfg.Port = "127.0.0.1", uint16(x.listener.Addr().(*net.TCPAddr).Port)
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// messagesOf runs texts one by one and returns the words of their errors, "" for none.
func messagesOf(t *testing.T, conn *pgx.Conn, texts ...string) (out []string) {
	t.Helper()
	for _, text := range texts {
		_, err := conn.Exec(t.Context(), text)
		message := ""
		if pg, ok := err.(*pgconn.PgError); ok {
			message = pg.Message
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, message)
	}
	return out
}

func TestWhatWasRefusedFailsInTheSameWordsWithoutProxy(t *testing.T) {
	t.Parallel()
	const (
		words  = "segue cannot rewrite this statement: it is a test"
		refuse = `DO $$ BEGIN RAISE EXCEPTION 'segue cannot rewrite this statement: it is a test'; END $$`
		other  = "SELECT 1/0"
	)
	url := pgtest.Database(t)
	target, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(target.Host, strconv.Itoa(int(target.Port)))
	file := func() string { return "file" }

	first, err := openTap(address, nil, file)
	if err != nil {
		t.Fatal(err)
	}
	conn := asPsql(t, first, url)
	got := messagesOf(t, conn, refuse, other, refuse, "SELECT 123456")
	conn.Close(t.Context())
	first.close()
	if diff := cmp.Diff([]string{words, "division by zero", words, ""}, got); diff != "" {
		t.Fatalf("recording (-want +got):\n%s", diff)
	}
	var constructs []string
	for _, r := range first.refused {
		constructs = append(constructs, r.construct())
	}
	if diff := cmp.Diff([]string{"it is a test", "it is a test"}, constructs); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}

	// The second time nothing of it runs, but the second of the equal texts fails alone.
	control, err := openTap(address, first.refused[1:], file)
	if err != nil {
		t.Fatal(err)
	}
	conn = asPsql(t, control, url)
	noticed := refuse[:len("DO $$ BEGIN RAISE ")] + "NOTICE" + strings.TrimPrefix(refuse, "DO $$ BEGIN RAISE EXCEPTION")
	got = messagesOf(t, conn, noticed, refuse, refuse, other)
	conn.Close(t.Context())
	control.close()
	if diff := cmp.Diff([]string{"", words, words, "division by zero"}, got); diff != "" {
		t.Errorf("control (-want +got):\n%s", diff)
	}
	if len(control.refused) > 0 {
		t.Errorf("a refusal was written down in mode control: %v", control.refused)
	}
}
