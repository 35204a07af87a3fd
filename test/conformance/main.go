// Conformance runs PostgreSQL's own regression suite through the proxy and compares every file's output with that of
// the same server without a proxy. The suite is fetched by fetch.sh and is no part of the project.
//
//	go run ./test/conformance -suite DIR [-schedule parallel_schedule] [-tests "boolean char …"]
//
// It exits 0 only if no file differs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	suite := flag.String("suite", "", "folder that fetch.sh has filled")
	schedule := flag.String("schedule", "parallel_schedule", "schedule to run, of the suite's own")
	tests := flag.String("tests", "", "run test_setup and these tests instead of the schedule")
	modes := flag.String("modes", modePassthrough, "what to compare with direct, separated by commas: passthrough")
	flag.Parse()
	if *suite == "" {
		return fmt.Errorf("-suite is missing: fetch it with test/conformance/fetch.sh DIR")
	}
	r := &regression{suite: *suite, schedule: *schedule, tests: strings.Fields(*tests)}
	direct, err := r.run(ctx, modeDirect)
	if err != nil {
		return fmt.Errorf("direct: %w", err)
	}
	fmt.Printf("direct: %s\n", direct.summary())
	different := 0
	for mode := range strings.FieldsFuncSeq(*modes, func(c rune) bool { return c == ',' }) {
		got, err := r.run(ctx, mode)
		if err != nil {
			return fmt.Errorf("%s: %w", mode, err)
		}
		fmt.Printf("%s: %s\n", mode, got.summary())
		for _, d := range compare(direct, got) {
			different++
			fmt.Printf("  %s differs from direct; first difference:\n%s", d.file, d.excerpt)
		}
	}
	if different > 0 {
		return fmt.Errorf("%d files differ from direct", different)
	}
	fmt.Println("every file is as it is without a proxy")
	return nil
}
