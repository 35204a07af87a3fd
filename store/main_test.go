package store_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var ctx = context.Background()

// database runs the statements in a fresh database and returns a connection to it.
func database(t *testing.T, sql ...string) *pgx.Conn {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, sql...)
	return pgtest.Connect(t, url)
}

// installed is a database with the schema segue.
func installed(t *testing.T) *pgx.Conn {
	t.Helper()
	conn := database(t)
	if err := store.Install(ctx, conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql ...string) {
	t.Helper()
	for _, s := range sql {
		if _, err := conn.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// parse makes a migration that renames one table, or one column if from has three parts.
func parse(t *testing.T, id, from, to string) *rules.Migration {
	t.Helper()
	operation := fmt.Sprintf("rename_table: {from: '%s', to: '%s'}", from, to)
	if parts := strings.Split(from, "."); len(parts) == 3 {
		operation = fmt.Sprintf("rename_column: {table: '%s.%s', from: '%s', to: '%s'}", parts[0], parts[1], parts[2], to)
	}
	m, err := rules.Parse(id+".yaml", []byte("id: "+id+"\noperations: [ "+operation+" ]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// check compares an error with a pattern in which … stands for anything; "" means that there is none.
func check(t *testing.T, err error, want string) {
	t.Helper()
	pattern := regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + ")$")
	switch {
	case err == nil && want != "":
		t.Errorf("no error, want %s", want)
	case err != nil && (want == "" || !pattern.MatchString(err.Error())):
		t.Errorf("\ngot  %v\nwant %s", err, want)
	}
}
