package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// parse makes a migration of operations in short: "public.t.a > b" renames a column, "public.t > u" a table.
func parse(t failer, id string, ops ...string) *rules.Migration {
	t.Helper()
	var file strings.Builder
	fmt.Fprintf(&file, "id: %s\noperations:\n", id)
	for _, op := range ops {
		from, to, _ := strings.Cut(op, " > ")
		if parts := strings.Split(from, "."); len(parts) == 3 {
			fmt.Fprintf(&file, "- rename_column: {table: '%s.%s', from: '%s', to: '%s'}\n", parts[0], parts[1], parts[2], to)
		} else {
			fmt.Fprintf(&file, "- rename_table: {from: '%s', to: '%s'}\n", from, to)
		}
	}
	m, err := rules.Parse(id+".yaml", []byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A failer is a test, or a run of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// stored is parse with what the store adds.
func stored(t testing.TB, seq int64, phase rules.Phase, id string, ops ...string) *rules.Migration {
	t.Helper()
	m := parse(t, id, ops...)
	m.Seq, m.Phase = seq, phase
	return m
}

func load(t testing.TB, conn *pgx.Conn) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(context.Background(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// database runs the statements in a fresh database and returns a connection to it.
func database(t testing.TB, sql ...string) *pgx.Conn {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, sql...)
	return pgtest.Connect(t, url)
}

func exec(t testing.TB, conn *pgx.Conn, sql ...string) {
	t.Helper()
	for _, s := range sql {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}
