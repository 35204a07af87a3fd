package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	drainLimit = time.Second            // how long a gate may be closed
	roundTrip  = 100 * time.Millisecond // at least, of the control connections
	longPause  = 3 * time.Second        // inside the long transaction, at least
	patience   = time.Minute            // for what takes far less on any machine
	ledgerRows = 256                    // rows that the apps write
)

// Options of a demo. The zero value of each but Out means its default.
type Options struct {
	Out      io.Writer
	Terminal bool          // Out understands carriage return and erase line
	Rows     int           // in the table that is renamed, and in the one of which a column changes; default 100,000
	Stage    time.Duration // how long the apps work in each phase; default 3s
	Log      hclog.Logger  // of the instances; default none
}

// Run shows the life of a rename, and then that of a change of type and unit, and returns nil only if no statement failed, no write was lost, each version saw
// its own columns, and nobody waited longer than the drain limit.
func Run(ctx context.Context, o Options) (err error) {
	if o.Rows == 0 {
		o.Rows = 100_000
	}
	if o.Stage == 0 {
		o.Stage = 3 * time.Second
	}
	d := &display{out: o.Out, terminal: o.Terminal, start: time.Now()}
	d.step("start", "a throw-away PostgreSQL, a web shop with %d people, and two instances of segue", o.Rows)
	f, err := startFleet(ctx, 2, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.stop()) }()
	s, err := newStory(ctx, f, d, o)
	if err != nil {
		return err
	}
	// The HTTP client keeps connections to the instances, which would wait for them when they stop.
	defer s.operator.http.CloseIdleConnections()
	if err := s.tell(ctx); err != nil {
		return err
	}
	r, err := s.report(ctx)
	if err != nil {
		return err
	}
	r.print(o.Out)
	if err := r.verdict(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.Out, "\nNo error and no lost write; the longest pause of any client was %v, and the drain limit is %v.\n\n",
		r.longest().Round(time.Millisecond), drainLimit)
	if err != nil {
		return err
	}
	if err := playSecond(ctx, f, d, o); err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.Out, "\nNo error, and not a cent is missing.")
	return err
}
