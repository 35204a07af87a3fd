package checker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A worker is a client that does random things to one table.
type worker struct {
	*client
	table *table
	side  proof.Side
	past  bool // past the proxy
}

// kinds of work. Those that are named twice are done twice as often.
var kinds = []func(*worker, context.Context, writer) error{
	(*worker).update, (*worker).update, (*worker).update, (*worker).updateSome, (*worker).save, (*worker).save, (*worker).touch,
	(*worker).insert, (*worker).insertDefaults, (*worker).insertAndDelete, (*worker).upsert, (*worker).merge, (*worker).savepoints, (*worker).queue, (*worker).repeatable,
	(*worker).read, (*worker).read, (*worker).move, (*worker).copyIn, (*worker).disabled, (*worker).applied, (*worker).cascade, (*worker).followed,
}

// step does one thing, and reports whether there was something that it could do.
func (w *worker) step(ctx context.Context) (did bool, err error) {
	kind := kinds[w.rand.IntN(len(kinds))]
	if !w.past {
		w.table.gate.RLock()
		defer w.table.gate.RUnlock()
	}
	s := w.table.state.Load()
	switch {
	case s.serves[w.side]:
	case w.past && w.side == proof.New && (s.phase == filling || s.phase == completing):
		kind = (*worker).half
	default:
		return false, nil
	}
	if w.table.Defer && w.table.sparing.Load() && (w.side == proof.Old || w.past) && w.rand.IntN(3) == 0 {
		kind = (*worker).mend
	}
	return true, kind(w, ctx, w.writer(s))
}

// writer chooses how the statements are written.
func (w *worker) writer(s *state) writer {
	form := Plain
	switch {
	case w.past || s.lens.Marker == "":
	case w.table.Inline && !s.lens.Defers && w.rand.IntN(2) == 0:
		form = Flip
	default:
		form = Code
	}
	return w.table.writer(w.side, form)
}

// op makes an operation that has an effect on the rows in keys, or on any row if there are none.
func (w *worker) op(effect func(before proof.Tuple) proof.Tuple) *proof.Op {
	op := &proof.Op{ID: w.history.Number(), Rule: w.table.Name, Side: w.side, Blind: w.table.Unprinted[w.side]}
	if effect != nil {
		op.Effect = func(_ string, before proof.Tuple) proof.Tuple { return effect(before) }
	}
	if w.past {
		op.Allowed = []string{"42703", "42P01"} // names change under it
	}
	if w.table.Rule.Reads != "" {
		op.Allowed = append(op.Allowed, checkViolation) // who saves what was read can be overtaken by a change of what is looked up
	}
	if w.table.Parent != "" {
		op.Allowed = append(op.Allowed, "23503") // the row that is referred to may be gone for a moment
	}
	return op
}

func (w *worker) write() Write {
	all := w.table.Writes[w.side]
	for {
		write := all[w.rand.IntN(len(all))](w.rand)
		if !w.spares() || !write.Spoils {
			return write
		}
	}
}

// values are those of a new row. Past the proxy nobody says which side is given, so that a row without values is one that the
// other side's defaults are for.
func (w *worker) values() proof.Tuple {
	for {
		t := w.table.Values(w.rand, w.side)
		if (!w.past || !slices.Contains(t, wal.Null)) && (!w.spares() || w.table.computed(t)) {
			return t
		}
	}
}

func byKey(id int64) string { return fmt.Sprintf("t.id = %d", id) }

// update changes one row by a statement.
func (w *worker) update(ctx context.Context, sql writer) error {
	write := w.write()
	op := w.op(write.Effect)
	return w.once(ctx, op, sql.update(write, op.ID, byKey(w.table.key(w.rand))))
}

// half writes columns of the new side of a row that may have none yet, knowing nothing of how the change goes.
func (w *worker) half(ctx context.Context, sql writer) error {
	write := w.write()
	if !write.Absolute {
		return nil
	}
	op := w.op(write.Effect)
	return w.once(ctx, op, strings.TrimSuffix(sql.update(write, op.ID, byKey(w.table.key(w.rand))), sql.returning()))
}

// updateSome changes several rows by one statement.
func (w *worker) updateSome(ctx context.Context, sql writer) error {
	write := w.write()
	op := w.op(write.Effect)
	from := w.table.key(w.rand)
	return w.once(ctx, op, sql.update(write, op.ID, fmt.Sprintf("t.id BETWEEN %d AND %d", from, from+3)))
}

// unchanged is a write of all columns of a side with the values that were read.
func unchanged(types []string, read proof.Tuple) Write {
	w := set(types, read)
	w.Effect = func(proof.Tuple) proof.Tuple { return read }
	return w
}

// itself assigns each column to itself.
func (w *worker) itself() Write {
	write := Write{Exprs: map[int]string{}, Effect: func(before proof.Tuple) proof.Tuple { return before }}
	for i := range w.table.Types[w.side] {
		write.Exprs[i] = fmt.Sprintf("{%d}", i)
	}
	return write
}

// save reads a row and writes all of it back, as an object-relational mapper does that has changed nothing or one thing.
func (w *worker) save(ctx context.Context, sql writer) error {
	where := byKey(w.table.key(w.rand))
	return w.transact(ctx, "", func(b *block) error {
		read := w.op(nil)
		if err := b.run(ctx, read, sql.read(where, "")); err != nil || len(read.Reads) == 0 {
			return err
		}
		got := read.Reads[0]
		write := unchanged(w.table.Types[w.side], got.Tuple)
		if read.Blind { // the session has not seen all of it, and would write less
			write = w.itself()
		}
		op := w.op(write.Effect)
		// Optimistic locking: if somebody else was faster, nothing is written.
		return b.run(ctx, op, sql.update(write, op.ID, where+" AND t.tag IS NOT DISTINCT FROM "+tagLiteral(got.Tag)))
	})
}

func tagLiteral(tag string) string {
	if tag == "" {
		return "NULL"
	}
	return tag
}

// touch writes columns that the change has nothing to do with.
func (w *worker) touch(ctx context.Context, sql writer) error {
	op := w.op(func(before proof.Tuple) proof.Tuple { return before })
	return w.once(ctx, op, sql.update(Write{Exprs: map[int]string{}}, op.ID, byKey(w.table.key(w.rand))))
}

func (w *worker) insert(ctx context.Context, sql writer) error {
	t := w.values()
	op := w.op(func(proof.Tuple) proof.Tuple { return t })
	op.Allowed = append(op.Allowed, "23505") // an upsert can be faster
	return w.once(ctx, op, sql.insert(w.table.fresh.Add(1), t, op.ID))
}

// insertDefaults makes a row of which nothing is given but its key.
func (w *worker) insertDefaults(ctx context.Context, sql writer) error {
	value := w.table.Defaults[w.side]
	if value == "" || w.side == proof.New && !w.past && sql.lens.Marker != "" {
		return nil // who writes codes has no defaults
	}
	op := w.op(func(proof.Tuple) proof.Tuple { return proof.Tuple{wal.Text(value)} })
	op.Allowed = append(op.Allowed, "23505")
	return w.once(ctx, op, fmt.Sprintf("INSERT INTO %s AS t (id, tag) VALUES (%d, %d)", w.table.table(), w.table.fresh.Add(1), op.ID)+sql.returning())
}

// insertAndDelete makes a row, changes it and deletes it, in one transaction or in three.
func (w *worker) insertAndDelete(ctx context.Context, sql writer) error {
	id := w.table.fresh.Add(1)
	t, write := w.values(), w.write()
	steps := func(run func(*proof.Op, string) error) error {
		op := w.op(func(proof.Tuple) proof.Tuple { return t })
		op.Allowed = append(op.Allowed, "23505")
		if err := run(op, sql.insert(id, t, op.ID)); err != nil {
			return err
		}
		op = w.op(write.Effect)
		if err := run(op, sql.update(write, op.ID, byKey(id))); err != nil {
			return err
		}
		op = w.op(func(proof.Tuple) proof.Tuple { return nil })
		return run(op, "DELETE FROM "+w.table.table()+" AS t WHERE "+byKey(id))
	}
	if w.rand.IntN(2) == 0 {
		return steps(func(op *proof.Op, sql string) error { return w.once(ctx, op, sql) })
	}
	return w.transact(ctx, "", func(b *block) error {
		return steps(func(op *proof.Op, sql string) error { return b.run(ctx, op, sql) })
	})
}

// insertOrUpdate is an operation that makes the row or changes it.
func (w *worker) insertOrUpdate(t proof.Tuple, write Write) *proof.Op {
	return w.op(func(before proof.Tuple) proof.Tuple {
		if before == nil {
			return t
		}
		return write.Effect(before)
	})
}

// either is the key of a row that is there, or may be.
func (w *worker) either() int64 {
	switch w.rand.IntN(4) {
	case 0, 1:
		return w.table.key(w.rand)
	case 2:
		return w.table.fresh.Load()
	}
	return w.table.fresh.Add(1)
}

func (w *worker) upsert(ctx context.Context, sql writer) error {
	if w.table.Partitioned {
		return nil // its key is not the primary key
	}
	t, write := w.values(), w.write()
	excluded := w.rand.IntN(2) == 0
	if excluded { // take what would have been inserted
		write = Write{Exprs: map[int]string{}, Effect: func(proof.Tuple) proof.Tuple { return t }}
		for i, c := range sql.columns(w.side) {
			write.Exprs[i] = "EXCLUDED." + c
		}
	}
	op := w.insertOrUpdate(t, write)
	op.Excluded = excluded
	return w.once(ctx, op, sql.upsert(w.either(), t, write, op.ID))
}

func (w *worker) merge(ctx context.Context, sql writer) error {
	t, write := w.values(), w.write()
	op := w.insertOrUpdate(t, write)
	op.Allowed = append(op.Allowed, "23505") // it does not look for rows of others that are not committed
	return w.once(ctx, op, sql.merge(w.either(), t, write, op.ID))
}

func (w *worker) read(ctx context.Context, sql writer) error {
	return w.once(ctx, w.op(nil), sql.read(fmt.Sprintf("t.id <= %d", w.table.key(w.rand)), ""))
}

// move writes the partition key, with or without a column of the change.
func (w *worker) move(ctx context.Context, sql writer) error {
	if !w.table.Partitioned {
		return nil
	}
	write := Write{Effect: func(before proof.Tuple) proof.Tuple { return before }}
	if w.rand.IntN(2) == 0 {
		write = w.write()
	}
	op := w.op(write.Effect)
	text := "UPDATE " + w.table.table() + " AS t SET region = 1 - region, " + sql.sets(write, op.ID) + " WHERE " + byKey(w.table.key(w.rand))
	return w.once(ctx, op, text+sql.returning())
}

// load puts in the rows that are there from the start, as the old version.
func (w *worker) load(ctx context.Context) error {
	sql := w.table.writer(proof.Old, Plain)
	for id := range w.table.keys {
		t := w.table.Values(w.rand, proof.Old)
		op := w.op(func(proof.Tuple) proof.Tuple { return t })
		if err := w.once(ctx, op, sql.insert(id+1, t, op.ID)); err != nil {
			return err
		}
	}
	return nil
}
