package fleet_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/fleet"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

var (
	seed   = flag.Uint64("seed", 0, "seed of the first round's choices; 0: a new one each time")
	rounds = flag.Int("rounds", 1, "migrations, each of another kind than the last one")
	steps  = flag.Int("steps", 4, "what is asked for in each, beside what takes it to its end")
	binary = flag.String("segue", "", "the program; empty: it is built")
	race   = flag.Bool("race-instances", false, "build the instances with the race detector")
)

func TestMain(m *testing.M) {
	code := m.Run()
	if program.path != "" {
		_ = os.RemoveAll(filepath.Dir(program.path))
	}
	os.Exit(code)
}

// program is segue, built once.
var program struct {
	once sync.Once
	path string
	err  error
}

func build(t *testing.T) string {
	t.Helper()
	if *binary != "" {
		return *binary
	}
	program.once.Do(func() {
		dir, err := os.MkdirTemp("", "segue-faults-")
		if err != nil {
			program.err = err
			return
		}
		program.path = filepath.Join(dir, "segue")
		args := []string{"build", "-o", program.path}
		if *race {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, "../../../cmd/segue")...).CombinedOutput(); err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// cluster is a server for one test, which may crash it.
func cluster(t *testing.T) *pgcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*pgtest.Patience)
	defer cancel()
	settings := wal.Settings()
	settings["deadlock_timeout"] = "100ms"
	c, err := pgcluster.Start(ctx, pgcluster.Options{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestNoFaultBreaksAPromise(t *testing.T) {
	t.Parallel()
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	program, server, pairs := build(t), cluster(t), new(fleet.Pairs)
	kinds := checker.Migrations()
	for n := range *rounds {
		s := first + uint64(n)
		m := kinds[s%uint64(len(kinds))]
		t.Logf("round %d: %s, -seed %d -rounds 1 -steps %d", n+1, m.Shape(), s, *steps)
		found, err := (&fleet.Round{Migration: m, Cluster: server, Program: program, Seed: s, Instances: 1 + int(s/8%3+1)/2, Steps: *steps, Rows: 2000, Pairs: pairs, Log: t.Logf}).Do(t.Context())
		for _, a := range proof.Samples(found) {
			t.Error(a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d different pairs of step and fault were met:\n%s", pairs.Different(), pairs)
}
