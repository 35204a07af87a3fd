package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// An app is one build of the shop's software: it was written for one schema version and knows no other names. It is
// deployed several times, over every instance and every way of speaking the protocol.
type app struct {
	title   string // as people call it
	version string // as segue calls it
	table   string
	column  string   // of the family name
	urls    []string // one for each instance, pinned to the version
	ledger  *ledger

	mu      sync.Mutex
	workers []*worker
	stop    context.CancelFunc
	running sync.WaitGroup
}

// modes are the ways in which the workers of each app speak, in turn: the simple protocol, prepared statements that
// stay open for good, statements whose description is remembered, and the unnamed statement every time anew.
var modes = []pgx.QueryExecMode{
	pgx.QueryExecModeSimpleProtocol,
	pgx.QueryExecModeCacheStatement,
	pgx.QueryExecModeCacheDescribe,
	pgx.QueryExecModeExec,
}

// run starts one worker for each mode, on the instances in turn, and returns when all are connected. They work until
// halt is called or ctx ends.
func (a *app) run(ctx context.Context) error {
	ctx, a.stop = context.WithCancel(ctx)
	for i, mode := range modes {
		w := &worker{app: a, mode: mode, url: a.urls[i%len(a.urls)]}
		if err := w.connect(ctx); err != nil {
			return fmt.Errorf("the %s cannot connect: %w", a.title, err)
		}
		a.mu.Lock()
		a.workers = append(a.workers, w)
		a.mu.Unlock()
		a.running.Go(func() { w.work(ctx) })
	}
	return nil
}

// halt lets every worker finish what it is doing, and closes the connections.
func (a *app) halt() {
	if a.stop != nil {
		a.stop()
	}
	a.running.Wait()
}

// counts sums up what the workers have done so far.
func (a *app) counts() (statements, errs int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.workers {
		statements += w.statements.Load()
		errs += w.errors.Load()
	}
	return statements, errs
}

// byMode is the number of statements of the workers of that mode.
func (a *app) byMode(mode pgx.QueryExecMode) (n int64) {
	for _, w := range a.workers {
		if w.mode == mode {
			n += w.statements.Load()
		}
	}
	return n
}

// spans lists all statements with their times; the app must have been halted.
func (a *app) spans() (out []span) {
	for _, w := range a.workers {
		out = append(out, w.spans...)
	}
	return out
}

// failures joins the first error of each worker; the app must have been halted.
func (a *app) failures() error {
	var errs []error
	for _, w := range a.workers {
		if w.first != nil {
			errs = append(errs, fmt.Errorf("%s, %v: %w", a.title, w.mode, w.first))
		}
	}
	return errors.Join(errs...)
}

// longTransaction holds a transaction open for the given time: first an order, whose foreign key locks the person's
// row, then the person's name, a pause, and the name again. started is closed when the transaction holds its locks. It goes
// on until named is closed.
func (a *app) longTransaction(ctx context.Context, pause time.Duration, started chan<- struct{}, named <-chan struct{}) error {
	w := &worker{app: a, mode: pgx.QueryExecModeCacheStatement, url: a.urls[len(a.urls)-1], long: pause, started: started, named: named}
	if err := w.connect(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	a.workers = append(a.workers, w)
	a.mu.Unlock()
	defer w.close()
	w.step(ctx, w.order)
	return w.first
}
