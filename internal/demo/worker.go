package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// think is the time between two pieces of work of one worker, so that the demo's load leaves some of a small machine
// to the server.
const think = time.Millisecond

// A worker is one connection of an app. Only statements and errors may be read while it runs.
type worker struct {
	app     *app
	mode    pgx.QueryExecMode
	url     string
	conn    *pgx.Conn
	long    time.Duration   // how long order pauses inside its transaction
	started chan<- struct{} // closed by order when the pause begins
	named   <-chan struct{} // closed when the operator knows who is in the way, until when the pause lasts

	statements atomic.Int64
	errors     atomic.Int64
	first      error // the first of them
	spans      []span
	serial     int
}

func (w *worker) connect(ctx context.Context) error {
	cfg, err := pgx.ParseConfig(w.url)
	if err != nil {
		return err
	}
	cfg.DefaultQueryExecMode = w.mode
	w.conn, err = pgx.ConnectConfig(ctx, cfg)
	return err
}

func (w *worker) close() {
	if w.conn == nil { // whoever ends the demo can be in the way of a connection
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.conn.Close(ctx) // the server may be gone already, and then there is nothing left to close
}

// work does one thing after the other until ctx ends. What it has begun it finishes.
func (w *worker) work(ctx context.Context) {
	defer w.close()
	jobs := []func(context.Context) error{w.read, w.star, w.join, w.rename, w.rename, w.order}
	tick := time.NewTicker(think)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.step(context.WithoutCancel(ctx), jobs[rand.IntN(len(jobs))])
	}
}

// step does one job. After an error, which the demo should never see, the worker goes on with a new connection.
func (w *worker) step(ctx context.Context, job func(context.Context) error) {
	err := job(ctx)
	if err == nil {
		return
	}
	w.errors.Add(1)
	if w.first == nil {
		w.first = err
	}
	w.close()
	if err := w.connect(ctx); err != nil {
		w.errors.Add(1)
	}
}

// timed runs one statement and notes how long its client waited for it.
func (w *worker) timed(f func() error) error {
	start := time.Now()
	err := f()
	w.spans = append(w.spans, span{start, time.Now()})
	w.statements.Add(1)
	return err
}

// exec runs one statement and returns the number of rows that it affected.
func (w *worker) exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = w.timed(func() error {
		tag, err := w.conn.Exec(ctx, sql, args...)
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

// one runs a query of one row and scans it.
func (w *worker) one(ctx context.Context, sql string, args []any, into ...any) error {
	return w.timed(func() error { return w.conn.QueryRow(ctx, sql, args...).Scan(into...) })
}

// read finds in a row what was last written to it, by whichever version.
func (w *worker) read(ctx context.Context) error {
	r := w.app.ledger.take()
	defer r.mu.Unlock()
	var first, name, city string
	sql := fmt.Sprintf("SELECT first_name, %s, city FROM %s WHERE id = $1", w.app.column, w.app.table)
	if err := w.one(ctx, sql, []any{r.id}, &first, &name, &city); err != nil {
		return err
	}
	if name != r.name {
		return fmt.Errorf("row %d holds %q, last written was %q", r.id, name, r.name)
	}
	return nil
}

// star reads a whole row, which must have the columns of the app's own schema and of no other.
func (w *worker) star(ctx context.Context) error {
	sql := fmt.Sprintf("SELECT * FROM %s WHERE id = $1", w.app.table)
	return w.timed(func() error {
		rows, err := w.conn.Query(ctx, sql, int64(shownRow))
		if err != nil {
			return err
		}
		labels, _, err := readRows(rows)
		if want := []string{"id", "first_name", w.app.column, "street", "house_number", "city"}; err == nil && !slices.Equal(labels, want) {
			return fmt.Errorf("SELECT * has the columns %v, not %v", labels, want)
		}
		return err
	})
}

// join reads a person with the number of orders; the GROUP BY needs the primary key of the real table.
func (w *worker) join(ctx context.Context) error {
	var name string
	var orders int64
	sql := fmt.Sprintf(`SELECT p.%s, count(o.id) AS orders FROM %s p LEFT JOIN orders o ON o.individual_id = p.id
		WHERE p.id = $1 GROUP BY p.id`, w.app.column, w.app.table)
	return w.one(ctx, sql, []any{int64(shownRow)}, &name, &orders)
}

// rename writes a row by compare-and-set, in a transaction of its own.
func (w *worker) rename(ctx context.Context) error {
	r := w.app.ledger.take()
	defer r.mu.Unlock()
	name := w.newName()
	n, err := w.compareAndSet(ctx, r.id, r.name, name)
	if err != nil {
		return err
	}
	w.app.ledger.acknowledge(r, name, n)
	return nil
}

// compareAndSet changes the name of a person if it still is what it was.
func (w *worker) compareAndSet(ctx context.Context, id int64, from, to string) (int64, error) {
	return w.exec(ctx, fmt.Sprintf("UPDATE %s SET %s = $1 WHERE id = $2 AND %s = $3", w.app.table, w.app.column, w.app.column), to, id, from)
}

// newName is one that was never written before.
func (w *worker) newName() string {
	w.serial++
	return fmt.Sprintf("%s %s %d", w.app.column, w.mode, w.serial)
}
