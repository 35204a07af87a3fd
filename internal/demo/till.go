package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A till is one build of the software that sells: it was written for a column of one type and unit, and knows no other. It is
// deployed several times, over every instance and every way of speaking the protocol.
type till struct {
	title, version string
	column         string
	money          func(cents int64) string // a number of cents as the column has it
	urls           []string                 // one for each instance, pinned to the version
	takings        *takings

	statements atomic.Int64
	mu         sync.Mutex
	failed     error
	spans      []span
	stop       context.CancelFunc
	running    sync.WaitGroup
}

// takings are what was sold by all tills.
type takings struct {
	cents atomic.Int64 // acknowledged
	sales atomic.Int64 // acknowledged INSERTs
	next  atomic.Int64 // id of the next sale
}

// sharedSales are the rows to which both versions add.
const sharedSales = 50

// run starts one clerk for each mode. They sell until halt is called or ctx ends.
func (l *till) run(ctx context.Context) error {
	ctx, l.stop = context.WithCancel(ctx)
	for i, mode := range modes {
		cfg, err := pgx.ParseConfig(l.urls[i%len(l.urls)])
		if err != nil {
			return err
		}
		cfg.DefaultQueryExecMode = mode
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			return fmt.Errorf("the %s cannot connect: %w", l.title, err)
		}
		l.running.Go(func() { l.work(ctx, conn) })
	}
	return nil
}

// halt lets every clerk finish what it is doing, and closes the connections.
func (l *till) halt() {
	if l.stop != nil {
		l.stop()
	}
	l.running.Wait()
}

// work sells until ctx ends, or something fails, which the demo should never see.
func (l *till) work(ctx context.Context, conn *pgx.Conn) {
	bg := context.WithoutCancel(ctx)
	var spans []span
	defer func() {
		_ = conn.Close(bg)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.spans = append(l.spans, spans...)
	}()
	tick := time.NewTicker(think)
	defer tick.Stop()
	jobs := []func(context.Context, *pgx.Conn) error{l.add, l.sell, l.read}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		start := time.Now()
		err := jobs[n%len(jobs)](bg, conn)
		spans = append(spans, span{start, time.Now()})
		l.statements.Add(1)
		if err != nil {
			l.mu.Lock()
			if l.failed == nil {
				l.failed = fmt.Errorf("%s: %w", l.title, err)
			}
			l.mu.Unlock()
			return
		}
	}
}

// add adds to a row to which the other version adds, too. What is there afterwards is more than what was added.
func (l *till) add(ctx context.Context, conn *pgx.Conn) error {
	cents := 1 + rand.Int64N(500)
	var enough bool
	sql := fmt.Sprintf("UPDATE sale SET %[1]s = %[1]s + %[2]s WHERE id = $1 RETURNING %[1]s > %[2]s", l.column, l.money(cents))
	if err := conn.QueryRow(ctx, sql, 1+rand.Int64N(sharedSales)).Scan(&enough); err != nil {
		return err
	}
	l.takings.cents.Add(cents)
	if !enough {
		return fmt.Errorf("after %s was added there is less", l.money(cents))
	}
	return nil
}

// sell makes a sale, which comes back as it was made.
func (l *till) sell(ctx context.Context, conn *pgx.Conn) error {
	cents := 1 + rand.Int64N(99_999)
	var as string
	sql := fmt.Sprintf("INSERT INTO sale (id, item, %[1]s) VALUES ($1, 'tea', %[2]s) RETURNING %[1]s::text", l.column, l.money(cents))
	if err := conn.QueryRow(ctx, sql, l.takings.next.Add(1)).Scan(&as); err != nil {
		return err
	}
	l.takings.cents.Add(cents)
	l.takings.sales.Add(1)
	if as != l.money(cents) {
		return fmt.Errorf("a sale of %s has come back as %s", l.money(cents), as)
	}
	return nil
}

// read reads a whole row, which must have the columns of the build's own schema and of no other.
func (l *till) read(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "SELECT * FROM sale WHERE id = $1", int64(shownRow))
	if err != nil {
		return err
	}
	labels, _, err := readRows(rows)
	if err == nil && (len(labels) != 3 || labels[0] != "id" || labels[1] != "item" || labels[2] != l.column) {
		return fmt.Errorf("SELECT * has the columns %v", labels)
	}
	return err
}

// inCents and inAmount write money as either column has it.
func inCents(cents int64) string  { return fmt.Sprint(cents) }
func inAmount(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
