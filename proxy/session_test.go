package proxy

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestPgxWorksThroughTheProxy(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	conn := pgtest.Connect(t, p.url)
	var sum int
	if err := conn.QueryRow(context.Background(), "SELECT sum(n)::int FROM generate_series(1, $1::int) n", 100).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if sum != 5050 {
		t.Errorf("sum is %d", sum)
	}
}

func TestPgbenchWorksThroughTheProxy(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	bench := func(args ...string) {
		t.Helper()
		cmd := exec.Command(pgtest.Bin("pgbench"), append(args, p.url)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("pgbench %v: %v\n%s", args, err, out)
		}
		if strings.Contains(string(out), "failed transactions: 0 ") == false && strings.Contains(string(out), "processed") {
			t.Errorf("pgbench %v:\n%s", args, out)
		}
	}
	bench("-i", "-q")
	for _, mode := range []string{"simple", "extended", "prepared"} {
		bench("-M", mode, "-n", "-c", "4", "-t", "50")
	}
}
