package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/serve"
)

// The modes in which the suite can be run.
const (
	modeDirect      = "direct"      // no proxy
	modePassthrough = "passthrough" // through a proxy with nothing live
)

// regression is the suite as fetched.
type regression struct {
	suite    string
	schedule string
	tests    []string
}

// outcome is what one run of the suite printed.
type outcome struct {
	outputs map[string]string // by test, the content of results/*.out
	took    time.Duration
	passed  int
	failed  int
}

func (o *outcome) summary() string {
	return fmt.Sprintf("%d of %d files as PostgreSQL expects, in %s", o.passed, o.passed+o.failed, o.took.Round(time.Second))
}

// run runs the suite once on a cluster of its own.
func (r *regression) run(ctx context.Context, mode string) (*outcome, error) {
	c, err := pgcluster.Start(ctx, pgcluster.Options{Settings: map[string]string{
		// What pg_regress sets in its own temporary installations, and what the expected files assume.
		"max_prepared_transactions": "2", "log_autovacuum_min_duration": "0", "timezone": "PST8PDT",
		"dynamic_library_path": "$libdir",
	}})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	work, err := r.copySuite(c)
	if err != nil {
		return nil, err
	}
	address := c.Address()
	if mode != modeDirect {
		running, err := startProxy(ctx, c, mode)
		if err != nil {
			return nil, err
		}
		defer func() {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_ = running.Stop(stop)
		}()
		address = running.Addr()
	}
	return r.pgRegress(ctx, c, work, address)
}

func startProxy(ctx context.Context, c *pgcluster.Cluster, mode string) (*serve.Running, error) {
	if mode != modePassthrough {
		return nil, fmt.Errorf("unknown mode %q", mode)
	}
	return serve.Start(ctx, serve.Config{Upstream: c.URL("postgres"), Listen: "127.0.0.1:0"})
}

// copySuite gives the server's account a copy that it may write in.
func (r *regression) copySuite(c *pgcluster.Cluster) (string, error) {
	work := filepath.Join(c.Dir, "regress")
	if err := os.CopyFS(work, os.DirFS(filepath.Join(r.suite, "regress"))); err != nil {
		return "", err
	}
	err := filepath.WalkDir(work, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.Own(path)
	})
	return work, err
}

// pgRegress runs pg_regress against the address and gathers what it left.
func (r *regression) pgRegress(ctx context.Context, c *pgcluster.Cluster, work, address string) (*outcome, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	program, err := pgRegressProgram(ctx, c)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--bindir=" + c.Bin, "--dlpath=" + work, "--inputdir=" + work, "--outputdir=" + work,
		"--host=" + host, "--port=" + port, "--user=" + c.Superuser, "--max-concurrent-tests=20",
	}
	if len(r.tests) > 0 {
		args = append(append(args, "test_setup"), r.tests...)
	} else {
		args = append(args, "--schedule="+filepath.Join(work, r.schedule))
	}
	cmd := c.Command(ctx, program, args...)
	cmd.Dir = work
	began := time.Now()
	log, runErr := cmd.CombinedOutput()
	o := &outcome{took: time.Since(began), outputs: map[string]string{}}
	for line := range strings.SplitSeq(string(log), "\n") {
		switch {
		case strings.Contains(line, "... ok") || strings.Contains(line, " ok   "):
			o.passed++
		case strings.Contains(line, "FAILED") && !strings.Contains(line, "tests failed"):
			o.failed++
		}
	}
	if o.passed+o.failed == 0 {
		return nil, fmt.Errorf("pg_regress ran no test: %w\n%s", runErr, log)
	}
	files, err := filepath.Glob(filepath.Join(work, "results", "*.out"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		// The folder and the port are the only parts of the output that belong to the run.
		text := strings.ReplaceAll(string(b), work, "REGRESS")
		text = strings.ReplaceAll(text, "port "+port, "port PORT")
		o.outputs[strings.TrimSuffix(filepath.Base(f), ".out")] = text
	}
	return o, nil
}

// pgRegressProgram finds pg_regress of the installed client package.
func pgRegressProgram(ctx context.Context, c *pgcluster.Cluster) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(c.Bin, "pg_config"), "--pkglibdir").Output()
	if err != nil {
		return "", fmt.Errorf("pg_config: %w", err)
	}
	program := filepath.Join(strings.TrimSpace(string(out)), "pgxs/src/test/regress/pg_regress")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("pg_regress is not installed: %w", err)
	}
	return program, nil
}
