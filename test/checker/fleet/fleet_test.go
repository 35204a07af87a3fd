package fleet_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker/wal"
)

var (
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
