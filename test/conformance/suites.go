package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seguedb/segue/internal/pgcluster"
)

// A suite is one besides the regression suite. It need not pass whole: what holds is that each of its tests comes out as it does
// without a proxy.
type suite struct {
	name     string
	settings map[string]string // of the server
	// run runs all tests against the address, and tells by the test what came out. It is called once for a cluster that
	// has an empty database.
	run func(ctx context.Context, c *pgcluster.Cluster, address string) (results, error)
}

// results are what came out of each test of a suite: all of it that must be equal, such as its output.
type results map[string]outcomeOf

// An outcomeOf is what came out of one test.
type outcomeOf struct {
	passed bool // as the suite itself sees it
	output string
}

func (r results) passed() (n int) {
	for _, one := range r {
		if one.passed {
			n++
		}
	}
	return n
}

// others names the tests that came out otherwise in got than in r, or are in one of the two alone.
func (r results) others(got results) []string {
	names := maps.Clone(r)
	maps.Copy(names, got)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		want, inWant := r[name]
		have, inGot := got[name]
		return inWant && inGot && want == have
	})
}

// compare runs the suite directly and in the modes. Outputs of tests that differ are left in a folder of the suite's in out. Of
// a suite that runs whole each accepted difference has to occur.
func (s *suite) compare(ctx context.Context, modes []string, list []*suiteAcceptance, runsWhole bool, out string) error {
	direct, err := s.in(ctx, modeDirect)
	if err != nil {
		return err
	}
	if direct.passed() == 0 {
		return fmt.Errorf("%s: not one test passes without a proxy", s.name)
	}
	var errs []error
	differ := 0
	for _, mode := range modes {
		got, err := s.in(ctx, mode)
		if err != nil {
			return err
		}
		names, accepted := sift(list, s.name, mode, direct, got)
		if accepted > 0 {
			fmt.Printf("%s, %s: %d accepted differences\n", s.name, mode, accepted)
		}
		for _, name := range names {
			differ++
			fmt.Printf("%s, %s: %s is otherwise than without a proxy\n", s.name, mode, name)
			if err := keep(filepath.Join(out, s.name), map[string]string{
				name + "." + modeDirect: direct[name].output, name + "." + mode: got[name].output,
			}); err != nil {
				return err
			}
		}
	}
	if differ > 0 {
		errs = append(errs, fmt.Errorf("%s: %d tests are otherwise than without a proxy; outputs are in %s", s.name, differ, filepath.Join(out, s.name)))
	}
	if runsWhole {
		errs = append(errs, outlived(list, s.name, modes)...)
	}
	return errors.Join(errs...)
}

// in runs the suite in a mode, on a cluster of its own.
func (s *suite) in(ctx context.Context, mode string) (results, error) {
	c, err := pgcluster.Start(ctx, pgcluster.Options{Settings: s.settings})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	if err := createDatabase(ctx, c); err != nil {
		return nil, err
	}
	st, err := startStage(ctx, c, mode, false, nil)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	got, err := s.run(ctx, c, st.address)
	st.stop(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", s.name, mode, err)
	}
	fmt.Printf("%s, %s: %d of %d tests pass, in %s\n", s.name, mode, got.passed(), len(got), time.Since(began).Round(time.Second))
	return got, nil
}

func keep(dir string, outputs map[string]string) error {
	for name, output := range outputs {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(output), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyFor gives the server's account a copy of a folder that it may write in.
func copyFor(c *pgcluster.Cluster, from, name string) (string, error) {
	work := filepath.Join(c.Dir, name)
	if err := os.CopyFS(work, os.DirFS(from)); err != nil {
		return "", err
	}
	return work, filepath.WalkDir(work, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.Own(path)
	})
}
