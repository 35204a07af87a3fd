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

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
)

// regression is the suite as fetched.
type regression struct {
	suite        string
	schedule     string
	tests        []string
	renameTables bool
}

// outcome is what one run of the suite printed.
type outcome struct {
	outputs map[string]string // by test, the content of results/*.out
	files   map[string]*fileRecord
	refused []refusal
	skipped []string // columns that could not be renamed
	took    time.Duration
	passed  []string // as PostgreSQL expects
	failed  []string
}

func (o *outcome) summary() string {
	return fmt.Sprintf("%d of %d files as PostgreSQL expects, in %s", len(o.passed), len(o.passed)+len(o.failed), o.took.Round(time.Second))
}

// run runs the suite once on a cluster of its own. fail is what is to fail in mode control.
func (r *regression) run(ctx context.Context, mode string, fail []refusal) (*outcome, error) {
	c, err := pgcluster.Start(ctx, pgcluster.Options{Settings: map[string]string{
		// What pg_regress sets in its own temporary installations, and what the expected files assume.
		"max_prepared_transactions": "2", "log_autovacuum_min_duration": "0", "timezone": "PST8PDT",
		"dynamic_library_path": "$libdir",
	}})
	if err != nil {
		return nil, err
	}
	defer c.Stop()
	if err := createDatabase(ctx, c); err != nil {
		return nil, err
	}
	work, err := r.copySuite(c)
	if err != nil {
		return nil, err
	}
	s, err := startStage(ctx, c, mode, r.renameTables, fail)
	if err != nil {
		return nil, err
	}
	o, err := r.pgRegress(ctx, c, work, s)
	refused := s.stop(ctx)
	if err != nil {
		return nil, err
	}
	o.files, o.skipped, o.refused = s.files, s.renamer.skipped, refused
	return o, nil
}

// createDatabase does what pg_regress does itself when it is not told to use an existing one.
func createDatabase(ctx context.Context, c *pgcluster.Cluster) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		`CREATE DATABASE regression TEMPLATE = template0`,
		`ALTER DATABASE regression SET lc_messages TO 'C'`,
		`ALTER DATABASE regression SET lc_monetary TO 'C'`,
		`ALTER DATABASE regression SET lc_numeric TO 'C'`,
		`ALTER DATABASE regression SET lc_time TO 'C'`,
		`ALTER DATABASE regression SET bytea_output TO 'hex'`,
		`ALTER DATABASE regression SET timezone_abbreviations TO 'Default'`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// copySuite gives the server's account a copy that it may write in, with the scripts instrumented.
func (r *regression) copySuite(c *pgcluster.Cluster) (string, error) {
	work := filepath.Join(c.Dir, "regress")
	if err := os.CopyFS(work, os.DirFS(filepath.Join(r.suite, "regress"))); err != nil {
		return "", err
	}
	scripts, err := filepath.Glob(filepath.Join(work, "sql", "*.sql"))
	if err != nil {
		return "", err
	}
	for _, path := range scripts {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		if err := os.WriteFile(path, []byte(instrument(name, string(b))), 0o644); err != nil {
			return "", err
		}
	}
	err = filepath.WalkDir(work, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.Own(path)
	})
	return work, err
}

// pgRegress runs pg_regress on the stage and gathers what it left. Where the harness follows what scripts do, they run
// one by one.
func (r *regression) pgRegress(ctx context.Context, c *pgcluster.Cluster, work string, s *stage) (*outcome, error) {
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return nil, err
	}
	program, err := pgxsProgram(ctx, c, "regress/pg_regress")
	if err != nil {
		return nil, err
	}
	concurrency := "--max-connections=1"
	step := "SEGUE_STEP=:"
	if s.mode == modePassthrough {
		concurrency = "--max-concurrent-tests=20"
	} else {
		st, err := openSteps(c.Dir)
		if err != nil {
			return nil, err
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			st.serve(ctx, s.take)
		}()
		defer func() {
			st.close()
			<-served
		}()
		step = st.environment()
	}
	args := []string{
		"--bindir=" + c.Bin, "--dlpath=" + work, "--inputdir=" + work, "--outputdir=" + work, "--use-existing",
		"--host=" + host, "--port=" + port, "--user=" + c.Superuser, concurrency,
	}
	if len(r.tests) > 0 {
		args = append(append(args, "test_setup"), r.tests...)
	} else {
		args = append(args, "--schedule="+filepath.Join(work, r.schedule))
	}
	cmd := c.Command(ctx, program, args...)
	cmd.Dir = work
	cmd.Env = append(cmd.Env, step)
	began := time.Now()
	log, runErr := cmd.CombinedOutput()
	o := &outcome{took: time.Since(began), outputs: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(work, "results", "*.out"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("pg_regress ran no test: %w\n%s", runErr, log)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(f), ".out")
		if asExpected(work, name, string(b)) {
			o.passed = append(o.passed, name)
		} else {
			o.failed = append(o.failed, name)
		}
		// The folder and the port are the only parts of the output that belong to the run.
		text := strings.ReplaceAll(string(b), work, "REGRESS")
		text = strings.ReplaceAll(text, "port "+port, "port PORT")
		o.outputs[name] = text
	}
	return o, nil
}

// asExpected tells whether an output, without our own lines, is one of those that the suite accepts.
func asExpected(work, name, output string) bool {
	output = withoutSteps(output)
	expected, _ := filepath.Glob(filepath.Join(work, "expected", name+"*.out"))
	for _, path := range expected {
		alternative := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), name), ".out")
		if alternative != "" && (len(alternative) != 2 || alternative[0] != '_') {
			continue
		}
		if want, err := os.ReadFile(path); err == nil && string(want) == output {
			return true
		}
	}
	return false
}

// pgxsProgram finds a program for tests, by its path below src/test, in what is installed for building extensions.
func pgxsProgram(ctx context.Context, c *pgcluster.Cluster, path string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(c.Bin, "pg_config"), "--pkglibdir").Output()
	if err != nil {
		return "", fmt.Errorf("pg_config: %w", err)
	}
	program := filepath.Join(strings.TrimSpace(string(out)), "pgxs/src/test", path)
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%s is not installed: %w", filepath.Base(path), err)
	}
	return program, nil
}
