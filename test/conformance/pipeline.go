package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/seguedb/segue/internal/pgcluster"
)

// pipeline is PostgreSQL's program that tries the pipelines of libpq. It traces each message that is sent and received.
func pipeline(dir string) *suite {
	// When these read answers depends on how much fits in a buffer at a time: what counts is whether they pass.
	untraced := map[string]bool{"pipelined_insert": true, "uniqviol": true}
	return &suite{name: "libpq_pipeline", run: func(ctx context.Context, c *pgcluster.Cluster, address string) (results, error) {
		program := filepath.Join(dir, "libpq_pipeline")
		names, err := exec.CommandContext(ctx, program, "tests").Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", program, err)
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		server := fmt.Sprintf("host=%s port=%s user=%s dbname=%s", host, port, c.Superuser, database)
		got := make(results)
		for _, name := range strings.Fields(string(names)) {
			args := []string{"-r", "700", name, server}
			trace := filepath.Join(c.Dir, name+".trace")
			if !untraced[name] {
				args = append([]string{"-t", trace}, args...)
			}
			said, runErr := exec.CommandContext(ctx, program, args...).CombinedOutput()
			output := fmt.Sprintln(runErr)
			if !untraced[name] {
				output += string(said)
				messages, err := os.ReadFile(trace)
				if err != nil {
					return nil, err
				}
				output += string(messages)
			}
			got[name] = outcomeOf{passed: runErr == nil, output: output}
		}
		return got, nil
	}}
}
