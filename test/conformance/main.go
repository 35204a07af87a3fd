// Conformance runs PostgreSQL's own regression suite through the proxy and compares what every statement prints with what
// it prints on the same server without a proxy. The suite is fetched by fetch.sh and is no part of the project.
//
//	go run ./test/conformance -suite DIR [-suites regress,isolation,libpq_pipeline,pgproto] [-modes passthrough,parsed,renamed] [-tests "boolean char …"] [-out DIR]
//
// passthrough has nothing live; in parsed a rename is live of a table that the suite does not use, and every statement
// is bound all the same; in renamed the columns of every table are renamed physically as soon as a script has made it,
// and the scripts go on as clients of version base. What is refused then fails with the same words in one more run, without
// rename and proxy, so that all that follows from a refusal is known and not guessed. It exits 0 only if no statement's
// output differs, but for those in accepted.txt, and the binder predicted every result.
//
// Other suites run directly and in passthrough and parsed, and each of their tests has to come out as it does directly, but for
// those in accepted_suites.txt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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

func run(ctx context.Context) (err error) {
	dir := flag.String("suite", "", "folder that fetch.sh has filled")
	schedule := flag.String("schedule", "parallel_schedule", "schedule to run, of the suite's own")
	suites := flag.String("suites", "regress,isolation,libpq_pipeline,pgproto", "which suites to run, separated by commas")
	tests := flag.String("tests", "", "of regress and isolation, run these tests instead of the schedule (of regress, behind test_setup)")
	modes := flag.String("modes", "passthrough,parsed,renamed", "what to compare with direct, separated by commas")
	telling := flag.Bool("telling", true, "find out which files fail on renamed tables without a proxy, to report on them")
	renameTables := flag.Bool("rename-tables", false, "in mode renamed, rename every fourth table too")
	out := flag.String("out", "", "folder for outputs and reports; default: a temporary one")
	reuse := flag.String("reuse", "", "modes of which an earlier run with this -out folder has left the outputs, and which are not run again")
	flag.Parse()
	if *dir == "" {
		return fmt.Errorf("-suite is missing: fetch it with test/conformance/fetch.sh DIR")
	}
	if *out == "" {
		dir, err := os.MkdirTemp("", "conformance-")
		if err != nil {
			return err
		}
		*out = dir
	}
	c := &comparison{
		suite: &regression{suite: *dir, schedule: *schedule, tests: strings.Fields(*tests), renameTables: *renameTables},
		out:   *out, reuse: byComma(*reuse),
	}
	list, err := suiteAcceptances(acceptedSuitesText)
	if err != nil {
		return err
	}
	others := map[string]*suite{"isolation": isolation(*dir, *tests), "libpq_pipeline": pipeline(*dir), "pgproto": pgproto(*dir)}
	for _, name := range byComma(*suites) {
		if other := others[name]; other != nil {
			err = errors.Join(err, other.compare(ctx, whole(byComma(*modes)), list, *tests == "", *out))
		} else if name == "regress" {
			err = errors.Join(err, c.run(ctx, byComma(*modes), *telling))
		} else {
			err = errors.Join(err, fmt.Errorf("there is no suite %q", name))
		}
	}
	return err
}

// whole are the modes in which a suite runs as it is, and not step by step.
func whole(modes []string) []string {
	return slices.DeleteFunc(modes, func(mode string) bool { return mode != modePassthrough && mode != modeParsed })
}

func byComma(s string) []string { return strings.FieldsFunc(s, func(c rune) bool { return c == ',' }) }

// A comparison runs the suite directly and in other modes.
type comparison struct {
	suite *regression
	out   string
	reuse []string
}

func (c *comparison) run(ctx context.Context, modes []string, tell bool) error {
	list, err := acceptances(acceptedText)
	if err != nil {
		return err
	}
	direct, err := c.outcome(ctx, modeDirect, nil)
	if err != nil {
		return err
	}
	scripts, err := c.suite.scripts(direct)
	if err != nil {
		return err
	}
	fmt.Printf("direct: %s\n", direct.summary())
	var telling []string
	if tell && slices.Contains(modes, modeRenamed) {
		bare, err := c.outcome(ctx, modeBare, nil)
		if err != nil {
			return err
		}
		telling = tellingFiles(direct, bare)
	}
	bad := 0
	for _, mode := range modes {
		got, err := c.outcome(ctx, mode, nil)
		if err != nil {
			return err
		}
		want := direct
		if len(got.refused) > 0 {
			if want, err = c.outcome(ctx, modeControl, got.refused); err != nil {
				return err
			}
		}
		r := judge(mode, scripts, direct, want, got, list)
		if !r.ok() {
			bad++
		}
		if err := c.report(r, telling); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d modes differ from direct; reports and outputs are in %s", bad, c.out)
	}
	for _, a := range list {
		if a.used == 0 && slices.Contains(modes, a.mode) && len(c.suite.tests) == 0 {
			return fmt.Errorf("accepted.txt: nothing differs any more for %s %s %s", a.mode, a.file, a.part)
		}
	}
	fmt.Println("every statement prints what it prints without a proxy")
	return nil
}

// tellingFiles are those that are as PostgreSQL expects, but not when test_setup's tables are renamed and nobody
// translates.
func tellingFiles(direct, bare *outcome) []string {
	var out []string
	for _, file := range slices.Sorted(slices.Values(direct.passed)) {
		if file != "test_setup" && withoutSteps(normal(direct.outputs[file])) != withoutSteps(normal(bare.outputs[file])) {
			out = append(out, file)
		}
	}
	return out
}

// outcome runs a mode, or reads what an earlier run has saved of it.
func (c *comparison) outcome(ctx context.Context, mode string, fail []refusal) (*outcome, error) {
	dir := filepath.Join(c.out, mode)
	if slices.Contains(c.reuse, mode) {
		return load(dir)
	}
	o, err := c.suite.run(ctx, mode, fail)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mode, err)
	}
	return o, o.save(dir)
}

// report writes the whole report to a file, and what matters most of it to standard output.
func (c *comparison) report(r *result, telling []string) error {
	path := filepath.Join(c.out, r.mode+".txt")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if r.mode != modeRenamed {
		telling = nil
	}
	r.write(f, telling)
	r.writeFigures(os.Stdout)
	if telling != nil {
		r.writeTelling(os.Stdout, telling)
	}
	return f.Close()
}
