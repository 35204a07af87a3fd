package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	becomeAnchor()
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "how often each side is measured in each combination")
	flag.DurationVar(&o.length, "length", 4*time.Second, "how long pgbench runs each time, in whole seconds")
	flag.IntVar(&o.scale, "scale", 10, "of pgbench's tables: 100,000 rows each")
	flag.StringVar(&o.clients, "clients", "1,8,32,128", "numbers of clients")
	flag.StringVar(&o.modes, "modes", "simple,extended,prepared", "of the protocol")
	flag.StringVar(&o.loads, "loads", "select,tpcb", "select-only, and like TPC-B")
	flag.StringVar(&o.only, "sides", "", "measure only those whose names begin with one of these, by commas; PgBouncer in mode session is always among them")
	flag.IntVar(&o.idle, "idle", 500, "how many idle connections are held to measure their memory; 0 leaves out all but transactions")
	flag.StringVar(&o.out, "out", "", "a folder for result.json, result.md and charts; without one the table is only printed")
	flag.StringVar(&o.base, "base", "", "a result.json of an earlier run: what is slower than there, by ratios, is listed, and the exit code is 3")
	flag.StringVar(&o.again, "result", "", "do not measure; take this result.json")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, &o)
	if errors.Is(err, errSlower) {
		os.Exit(3)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "versus:", err)
		os.Exit(1)
	}
}

type options struct {
	rounds, scale, idle         int
	length                      time.Duration
	clients, modes, loads, only string
	out, base, again            string
}

// combinations are all that were asked for.
func (o *options) combinations() ([]combination, error) {
	var all []combination
	for _, load := range strings.Split(o.loads, ",") {
		for _, mode := range strings.Split(o.modes, ",") {
			for _, n := range strings.Split(o.clients, ",") {
				clients, err := strconv.Atoi(n)
				if err != nil || clients < 1 {
					return nil, fmt.Errorf("-clients: %q is no number of clients", n)
				}
				if !slices.Contains([]string{"select", "tpcb"}, load) || !slices.Contains([]string{"simple", "extended", "prepared"}, mode) {
					return nil, fmt.Errorf("there is no load %q or no mode %q", load, mode)
				}
				all = append(all, combination{Load: load, Mode: mode, Clients: clients})
			}
		}
	}
	return all, nil
}

func run(ctx context.Context, o *options) error {
	var before *result
	if o.base != "" {
		var err error
		if before, err = read(o.base); err != nil {
			return err
		}
	}
	r, err := o.result(ctx)
	if err != nil {
		return err
	}
	fmt.Print(r.markdown())
	if o.out != "" {
		if err := r.write(o.out); err != nil {
			return err
		}
	}
	if before == nil {
		return nil
	}
	slower := r.slowerThan(before)
	for _, what := range slower {
		fmt.Println("slower:", what)
	}
	if len(slower) > 0 {
		return errSlower
	}
	fmt.Println("nothing is slower than in", o.base)
	return nil
}

// result measures, or reads what was measured.
func (o *options) result(ctx context.Context) (r *result, err error) {
	if o.again != "" {
		return read(o.again)
	}
	all, err := o.combinations()
	if err != nil {
		return nil, err
	}
	if o.rounds < 1 || o.length < time.Second {
		return nil, errors.New("-rounds has to be 1 or more, and -length a second or more")
	}
	st, err := build(ctx, o.scale, o.idle)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	bench, err := exec.LookPath(filepath.Join(st.cluster.Bin, "pgbench"))
	if err != nil {
		return nil, err
	}
	r = &result{Machine: machine(), Rounds: o.rounds, Seconds: o.length.Seconds()}
	for _, s := range st.sides {
		if o.wants(s.Name) {
			r.Sides = append(r.Sides, s.Name)
		}
	}
	for _, c := range all {
		cell, err := o.measure(ctx, bench, c, st.sides)
		if err != nil {
			return nil, err
		}
		r.Cells = append(r.Cells, cell)
		fmt.Fprintln(os.Stderr, cell.line(r.Sides))
	}
	if o.idle > 0 {
		for _, what := range others(o.idle) {
			c, err := o.measureOther(ctx, what, st.sides)
			if err != nil {
				return nil, err
			}
			r.Others = append(r.Others, c)
		}
	}
	return r, nil
}

// wants tells whether the side is to be measured.
func (o *options) wants(name string) bool {
	return o.only == "" || name == reference || name == referenceTLS && o.wants("Segue, TLS") || slices.ContainsFunc(strings.Split(o.only, ","), func(s string) bool { return strings.HasPrefix(name, s) })
}

// measure measures all sides in one combination.
func (o *options) measure(ctx context.Context, bench string, c combination, sides []*side) (*cell, error) {
	out := &cell{combination: c, Rounds: make(map[string][]measurement)}
	fit := slices.DeleteFunc(slices.Clone(sides), func(s *side) bool { return s.unfit != nil && s.unfit(c) != "" })
	return out, o.inTurn(fit, func(s *side) error {
		m, err := c.round(ctx, bench, s, o.length)
		out.Rounds[s.Name] = append(out.Rounds[s.Name], m)
		return err
	})
}

// measureOther measures something else on all sides.
func (o *options) measureOther(ctx context.Context, what other, sides []*side) (*otherCell, error) {
	out := &otherCell{Name: what.name, Unit: what.unit, Rounds: make(map[string][]float64)}
	return out, o.inTurn(sides, func(s *side) error {
		v, err := what.once(ctx, s)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", s.Name, what.name, err)
		}
		out.Rounds[s.Name] = append(out.Rounds[s.Name], v)
		return nil
	})
}

// inTurn does something with each side, round by round. Each round begins with another side, because who comes first may find
// the server in another state.
func (o *options) inTurn(sides []*side, do func(*side) error) error {
	wanted := slices.DeleteFunc(slices.Clone(sides), func(s *side) bool { return !o.wants(s.Name) })
	for n := range o.rounds {
		for i := range wanted {
			if err := do(wanted[(i+n)%len(wanted)]); err != nil {
				return err
			}
		}
	}
	return nil
}
