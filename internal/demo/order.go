package demo

import (
	"context"
	"time"
)

// order is a transaction of several statements that meets the table under migration from behind: the INSERT into the
// child comes first and locks the parent through the foreign key, and only then is the parent named.
func (w *worker) order(ctx context.Context) error {
	r := w.app.ledger.take()
	defer r.mu.Unlock()
	if _, err := w.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if _, err := w.exec(ctx, "INSERT INTO orders (individual_id, item) VALUES ($1, $2)", r.id, "tea"); err != nil {
		return err
	}
	name := w.newName()
	n, err := w.compareAndSet(ctx, r.id, r.name, name)
	if err != nil {
		return err
	}
	if w.long > 0 {
		// The pause is the app's own, so it is no statement that anybody waits for.
		close(w.started)
		if _, err := w.conn.Exec(ctx, "SELECT pg_sleep($1)", w.long.Seconds()); err != nil {
			return err
		}
		w.linger(ctx)
		from := name
		name = w.newName()
		again, err := w.compareAndSet(ctx, r.id, from, name)
		if err != nil {
			return err
		}
		n *= again
	}
	if _, err := w.exec(ctx, "COMMIT"); err != nil {
		return err
	}
	w.app.ledger.orders.Add(1)
	w.app.ledger.acknowledge(r, name, n)
	return nil
}

// linger waits until the operator has been told who is in the way, which takes longer than the pause on a slow machine.
func (w *worker) linger(ctx context.Context) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-w.named:
	case <-limit.C:
	case <-ctx.Done():
	}
}
