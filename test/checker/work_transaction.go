package checker

import (
	"context"
	"fmt"
)

// What takes a transaction of several statements.

// savepoints writes, takes some of it back, and writes again.
func (w *worker) savepoints(ctx context.Context, sql writer) error {
	return w.transact(ctx, "", func(b *block) error {
		for range 1 + w.rand.IntN(3) {
			err := b.savepoint(ctx, w.rand.IntN(2) == 0, func() error {
				write := w.write()
				op := w.op(write.Effect)
				return b.run(ctx, op, sql.update(write, op.ID, byKey(w.table.key(w.rand))))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// queue takes a row that nobody works on, as a worker of a queue does.
func (w *worker) queue(ctx context.Context, sql writer) error {
	return w.transact(ctx, "", func(b *block) error {
		take := w.op(nil)
		if err := b.run(ctx, take, sql.read(fmt.Sprintf("t.id >= %d", w.table.key(w.rand)), " ORDER BY t.id LIMIT 1 FOR UPDATE SKIP LOCKED")); err != nil || len(take.Reads) == 0 {
			return err
		}
		write := w.write()
		op := w.op(write.Effect)
		return b.run(ctx, op, sql.update(write, op.ID, "t.id = "+take.Reads[0].ID))
	})
}

// repeatable reads rows twice, and then perhaps writes one, in one snapshot.
func (w *worker) repeatable(ctx context.Context, sql writer) error {
	return w.transact(ctx, "REPEATABLE READ", func(b *block) error {
		for range 2 {
			read := w.op(nil)
			if err := b.run(ctx, read, sql.read(fmt.Sprintf("t.id <= %d", w.table.key(w.rand)), "")); err != nil {
				return err
			}
		}
		if w.rand.IntN(2) == 0 {
			return nil
		}
		write := w.write()
		op := w.op(write.Effect)
		return b.run(ctx, op, sql.update(write, op.ID, byKey(w.table.key(w.rand))))
	})
}
