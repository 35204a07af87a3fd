package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/seguedb/segue/internal/pgcluster"
)

// isolation is PostgreSQL's suite about transactions that run at the same time. It asks the server which session blocks which by
// the numbers of their processes, so that those which clients are told must be the real ones.
func isolation(dir, tests string) *suite {
	return &suite{name: "isolation", run: func(ctx context.Context, c *pgcluster.Cluster, address string) (results, error) {
		program, err := pgxsProgram(ctx, c, "isolation/pg_isolation_regress")
		if err != nil {
			return nil, err
		}
		work, err := copyFor(c, filepath.Join(dir, "isolation"), "isolation")
		if err != nil {
			return nil, err
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		args := []string{
			"--bindir=" + c.Bin, "--inputdir=" + work, "--outputdir=" + work, "--use-existing", "--dbname=" + database,
			"--host=" + host, "--port=" + port, "--user=" + c.Superuser,
		}
		if tests == "" {
			args = append(args, "--schedule="+filepath.Join(work, "isolation_schedule"))
		} else {
			args = append(args, strings.Fields(tests)...)
		}
		cmd := c.Command(ctx, program, args...)
		cmd.Dir = work
		log, runErr := cmd.CombinedOutput() // fails if a test does
		files, err := filepath.Glob(filepath.Join(work, "results", "*.out"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("pg_isolation_regress ran no test: %w\n%s", runErr, log)
		}
		got := make(results, len(files))
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			name := strings.TrimSuffix(filepath.Base(path), ".out")
			got[name] = outcomeOf{passed: asExpected(work, name, string(b)), output: string(b)}
		}
		return got, nil
	}}
}
