package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

// A report is what the demo has found.
type report struct {
	old, new *app
	pauses   []pause
	calm     time.Duration // the longest that any waited at other times
	views    []view
	writes   int64
	orders   int64
	lost     int64
}

// A pause is the longest that any client waited for a statement while a transition was under way.
type pause struct {
	transition string
	took       time.Duration // the transition, from the request until it was reported done
	longest    time.Duration
}

// report halts the apps and asks the database itself what is there.
func (s *story) report(ctx context.Context) (*report, error) {
	s.old.halt()
	s.new.halt()
	conn, err := pgx.Connect(ctx, s.fleet.url())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	r := &report{old: s.old, new: s.new, views: s.views, writes: s.ledger.writes.Load(), orders: s.ledger.orders.Load()}
	spans := append(s.old.spans(), s.new.spans()...)
	for _, w := range s.windows {
		r.pauses = append(r.pauses, pause{w.name, w.end.Sub(w.start), w.longest(spans)})
	}
	r.calm = calm(s.windows, spans)
	r.lost, err = s.ledger.audit(ctx, conn, s.new.table, s.new.column)
	return r, err
}

// print writes the report as tables.
func (r *report) print(out io.Writer) {
	line := func(label string, cells ...any) {
		fmt.Fprintf(out, "  %-20s"+strings.Repeat("%22v", len(cells))+"\n", append([]any{label}, cells...)...)
	}
	oldN, oldErrs := r.old.counts()
	newN, newErrs := r.new.counts()
	fmt.Fprintln(out)
	line("", r.old.title, r.new.title)
	line("schema version", r.old.version, r.new.version)
	line("statements", oldN, newN)
	for _, m := range modes {
		line("  "+modeName(m), r.old.byMode(m), r.new.byMode(m))
	}
	line("errors", oldErrs, newErrs)

	fmt.Fprintln(out)
	line("", "took", "longest pause")
	for _, p := range r.pauses {
		line(p.transition, p.took.Round(time.Millisecond), p.longest.Round(time.Millisecond))
	}
	line("at other times", "", r.calm.Round(time.Millisecond))

	fmt.Fprintln(out)
	line("acknowledged writes", r.writes)
	line("acknowledged orders", r.orders)
	line("lost", r.lost)

	fmt.Fprintln(out, "\nOne row, as each saw it after the cutover:")
	for _, v := range r.views {
		v.print(out)
	}
}

// modeName says in words how a mode speaks the protocol.
func modeName(m pgx.QueryExecMode) string {
	switch m {
	case pgx.QueryExecModeSimpleProtocol:
		return "simple protocol"
	case pgx.QueryExecModeCacheStatement:
		return "prepared once"
	case pgx.QueryExecModeCacheDescribe:
		return "described once"
	default:
		return "unnamed statement"
	}
}

// print writes the row as psql would.
func (v view) print(out io.Writer) {
	fmt.Fprintf(out, "\n  %s: %s\n", v.who, v.sql)
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "    %s\n", strings.Join(v.labels, "\t"))
	fmt.Fprintf(t, "    %s\n", strings.Join(v.values, "\t"))
	t.Flush()
}

// longest is the longest pause of any client during any transition.
func (r *report) longest() (out time.Duration) {
	for _, p := range r.pauses {
		out = max(out, p.longest)
	}
	return out
}

// limit is how long a client may wait: while a gate is closed, for the statements that close and open it, and for its own.
// None of these takes longer than the slowest does while no gate is closed, which is much on a machine that is busy.
func (r *report) limit() time.Duration { return drainLimit + max(roundTrip, 3*r.calm) }

// verdict is nil if all is as it must be, else it lists what is not.
func (r *report) verdict() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, a := range []*app{r.old, r.new} {
		n, failed := a.counts()
		if failed > 0 {
			wrong("%d errors in the %s, the first of each worker: %w", failed, a.title, a.failures())
		}
		for _, m := range modes {
			if a.byMode(m) == 0 {
				wrong("the %s has run no statement by way of %s, of %d in all", a.title, modeName(m), n)
			}
		}
	}
	if r.lost > 0 {
		wrong("%d writes are lost", r.lost)
	}
	for _, p := range r.pauses {
		if p.longest > r.limit() {
			wrong("a client waited %v during %s, and the limit is %v", p.longest, p.transition, r.limit())
		}
	}
	return errors.Join(append(errs, r.compareViews())...)
}

// compareViews checks that each sees the same values under its own names.
func (r *report) compareViews() error {
	for i, want := range []string{r.old.column, r.new.column, r.new.column} {
		v := r.views[i]
		if !slices.Equal(v.labels, []string{"id", "first_name", want, "street", "house_number", "city"}) {
			return fmt.Errorf("%s sees the columns %v", v.who, v.labels)
		}
		if !slices.Equal(v.values, r.views[0].values) {
			return fmt.Errorf("%s sees %v, and %s %v", v.who, v.values, r.views[0].who, r.views[0].values)
		}
	}
	return nil
}
