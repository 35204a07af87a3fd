package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// A ledger is the history of the rows that the apps write: what the last acknowledged write left in each. A worker
// takes a row, writes it by compare-and-set from what the ledger says, and gives it back with the new value. Workers of
// both versions take the same rows in turn, so a write that one version made and the other does not find is seen at the
// next write of that row, and at the latest by audit.
type ledger struct {
	rows   []*row
	writes atomic.Int64 // acknowledged
	lost   atomic.Int64 // found missing by a compare-and-set
	orders atomic.Int64 // acknowledged INSERTs into orders
}

// A row is one person; name and writes belong to who has locked mu.
type row struct {
	mu     sync.Mutex
	id     int64
	name   string
	writes int
}

// openLedger picks n rows spread over the table and reads what they hold. The row that is shown at the end is none of
// them, because it is looked at several times, one after the other.
func openLedger(ctx context.Context, conn *pgx.Conn, rows, n int) (*ledger, error) {
	step := max(1, rows/n)
	found, err := conn.Query(ctx, "SELECT id, last_name FROM individual WHERE id % $1 = 0 AND id <> $2 ORDER BY id LIMIT $3", step, shownRow, n)
	if err != nil {
		return nil, err
	}
	l := &ledger{}
	for found.Next() {
		r := &row{}
		if err := found.Scan(&r.id, &r.name); err != nil {
			return nil, err
		}
		l.rows = append(l.rows, r)
	}
	return l, found.Err()
}

// take locks a row that nobody else has; give it back by unlocking mu.
func (l *ledger) take() *row {
	for {
		if r := l.rows[rand.IntN(len(l.rows))]; r.mu.TryLock() {
			return r
		}
	}
}

// acknowledge notes that the compare-and-set of r's name was committed. affected is the number of rows it found: not one
// means that what an earlier, acknowledged write left is not there.
func (l *ledger) acknowledge(r *row, name string, affected int64) {
	if affected != 1 {
		l.lost.Add(1)
		return
	}
	l.writes.Add(1)
	r.name = name
	r.writes++
}

// audit compares the ledger with the database, asked directly, and returns how many writes are lost in all: those that a
// compare-and-set missed, rows that do not hold their last acknowledged write, and orders that are not there. No worker
// may run meanwhile.
func (l *ledger) audit(ctx context.Context, conn *pgx.Conn, table, column string) (lost int64, err error) {
	lost = l.lost.Load()
	for _, r := range l.rows {
		var name string
		err := conn.QueryRow(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE id = $1", column, table), r.id).Scan(&name)
		if err != nil {
			return 0, fmt.Errorf("cannot audit row %d: %w", r.id, err)
		}
		if name != r.name {
			lost++
		}
	}
	var orders int64
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM orders").Scan(&orders); err != nil {
		return 0, fmt.Errorf("cannot count the orders: %w", err)
	}
	if d := l.orders.Load() - orders; d != 0 {
		lost += max(d, -d) // one too many is as wrong as one too few
	}
	return lost, nil
}
