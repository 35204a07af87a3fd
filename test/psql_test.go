package test

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// run runs a client program and returns all that it printed, errors included.
func run(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*pgtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{"PGTZ=UTC", "LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "PSQLRC=/dev/null"}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

func psql(t *testing.T, connString, input string) string {
	t.Helper()
	return run(t, input, pgtest.Bin("psql"), "-X", "-a", "-d", connString)
}

func TestPsqlSeesTheSchemaOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		script := e.script(t, "psql.sql")
		e.same(t, func(connString string) string { return psql(t, connString, script) })
	})
}

func TestPsqlDescribesTables(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		// \d asks the catalogs, which hold the physical names; it must work, whatever the names are, and other tables must be
		// as ever.
		script := "\\d orders\n\\dt\n\\d individual\n\\d person\n\\d+ orders\n\\df\n"
		if pgtest.Cluster().Major <= 16 { // an older psql asks for columns of pg_database that version 17 has under another name
			script += "\\l\n"
		}
		out := psql(t, e.through, script)
		for _, want := range []string{`Table "public.orders"`, "orders_of_somebody", "List of relations"} {
			if !strings.Contains(out, want) {
				t.Errorf("\\d does not show %q:\n%s", want, out)
			}
		}
		if strings.Contains(out, "ERROR") {
			t.Errorf("\\d fails:\n%s", out)
		}
	})
}
