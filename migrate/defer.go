package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// mostDeferred is how many rows are left for later at most: more are no matter of rows.
const mostDeferred = 1000

// shownDeferred is how many of them a status has.
const shownDeferred = 5

// Deferred are rows for which up could not be computed, and which are left until it can.
type Deferred struct {
	Rows  int64         `json:"rows"`  // that are listed in segue.deferred
	First []DeferredRow `json:"first"` // the first few
}

// A DeferredRow is one of them. It has no value of the row but the primary key.
type DeferredRow struct {
	Table    string `json:"table"`
	Key      string `json:"key"`
	SQLState string `json:"sqlstate"`
	Message  string `json:"message"`
}

// String is the rows in a few words, without what to do.
func (d *Deferred) String() string {
	words := make([]string, len(d.First))
	for i, r := range d.First {
		words[i] = fmt.Sprintf("%s %s: %s", r.Table, r.Key, r.Message)
	}
	out := plural(int(d.Rows), "row is left for which up cannot be computed", "rows are left for which up cannot be computed") + ": " + strings.Join(words, "; ")
	if more := d.Rows - int64(len(d.First)); more > 0 {
		out += fmt.Sprintf("; and %d more, which segue.deferred lists", more)
	}
	return out
}

// deferredOf are the rows of a migration that are left for later; nil where there are none.
func deferredOf(ctx context.Context, db store.DB, id string, rows int64) (*Deferred, error) {
	if rows == 0 {
		return nil, nil
	}
	keys, err := changeKeys(ctx, db, id)
	if err != nil {
		return nil, err
	}
	first, err := store.LoadDeferred(ctx, db, keys, shownDeferred)
	if err != nil || len(first) == 0 {
		return nil, err
	}
	out := &Deferred{Rows: max(rows, int64(len(first)))}
	for _, d := range first {
		out.First = append(out.First, DeferredRow{Table: d.Table, Key: d.Key, SQLState: d.SQLState, Message: d.Message})
	}
	return out, nil
}

// changeKeys are the keys of the changes that are stored of a migration.
func changeKeys(ctx context.Context, db store.DB, id string) (keys []string, err error) {
	err = db.QueryRow(ctx, `SELECT coalesce(pg_catalog.array_agg(description->>'Key'), '{}') FROM segue.change WHERE migration = $1`, id).Scan(&keys)
	if err != nil {
		err = fmt.Errorf("cannot read segue.change: %w", err)
	}
	return keys, err
}

// noneDeferred checks behind the lock on the tables that no row has come to be left since the last was filled. Whoever leaves one tells
// of it in the same transaction.
func (m *move) noneDeferred(ctx context.Context, tx pgx.Tx) error {
	if Kind(m.Kind) != Complete {
		return nil
	}
	keys, err := changeKeys(ctx, tx, m.migration.ID)
	if err != nil {
		return err
	}
	listed, told, err := store.CountDeferred(ctx, tx, keys)
	if err == nil && (listed > 0 || told) {
		return &ConflictError{Message: fmt.Sprintf("%s of %q is not due: rows were written meanwhile for which up cannot be computed", m.Kind, m.migration.ID)}
	}
	return err
}

// defers reports whether rows for which up cannot be computed are left for later.
func (b *backfill) defers() bool { return b.stage == rules.Filling && b.changes.Defers() }

// begin is what comes before a pass: what writers have told of until now, it will find.
func (b *backfill) begin(ctx context.Context) error {
	if !b.defers() || b.Table != 0 || b.Page != 0 {
		return nil
	}
	return store.TakeTold(ctx, b.conn, b.changes.Keys())
}

// leave lists a row for later. It reports whether to go on.
func (b *backfill) leave(ctx context.Context, p part, r suspect, cause error) (bool, error) {
	keys := b.changes.Keys()
	listed, _, err := store.CountDeferred(ctx, b.conn, keys)
	if err != nil {
		return false, err
	}
	if b.Deferred = listed; listed >= b.i.cfg.deferLimit {
		return false, b.stop(ctx, b.account, fmt.Sprintf("up cannot be computed for more than %d rows, which are too many to be left for later; the first are in segue.deferred, and another one is of %s with the key %s: %s",
			b.i.cfg.deferLimit, rules.Name{Schema: p.name.Schema, Name: p.name.Name}, r.key, resolve.WithoutValues(cause)))
	}
	d := &store.Deferred{Change: keys[0], Relation: p.oid, Key: r.key, Address: r.address, SQLState: sqlstate(cause), Message: resolve.WithoutValues(cause)}
	if r.address == nil {
		d.Place = r.ctid
	}
	goOn := false
	err = pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) (err error) {
		if goOn, err = b.due(ctx, tx); err != nil || !goOn {
			return err
		}
		return store.SetDeferred(ctx, tx, d)
	})
	return goOn && err == nil, err
}

// after says what becomes of the backfill after a pass that has left so many rows: it is done, begins another pass at once, or
// waits for those that are listed.
func (b *backfill) after(ctx context.Context, left int64) (done, wait bool, err error) {
	keys := b.changes.Keys()
	if left == 0 {
		if err := store.ForgetDeferred(ctx, b.conn, keys); err != nil {
			return false, false, err
		}
	}
	listed, told, err := store.CountDeferred(ctx, b.conn, keys)
	if err != nil {
		return false, false, err
	}
	b.Deferred = listed
	switch {
	case left == 0:
		return !told, false, b.save(ctx, b.conn)
	case listed == 0: // others had locked rows, or have written some since
		return false, false, b.save(ctx, b.conn)
	}
	b.Waiting, b.Waits, b.ETA, b.Retry = true, "", 0, time.Now().Add(b.i.cfg.DeferredRetry)
	return false, true, b.save(ctx, b.conn)
}

// revisit looks after the rows that are listed once a pass is over. It reports whether another pass is due.
func (b *backfill) revisit(ctx context.Context, parts []part) (due bool, err error) {
	keys := b.changes.Keys()
	for _, p := range parts {
		key, err := resolve.Key(ctx, b.conn, p.oid)
		if err != nil {
			return false, err
		}
		if _, err := b.conn.Exec(ctx, b.changes.Stale(p.name, key.Columns), p.oid, keys); err != nil {
			return false, b.otherwise(err)
		}
	}
	again := time.Now().After(b.Retry)
	if again {
		if goOn, err := b.retry(ctx, parts); err != nil || !goOn {
			return false, err
		}
	}
	listed, told, err := store.CountDeferred(ctx, b.conn, keys)
	if err != nil {
		return false, err
	}
	due = listed == 0 || told && again
	if listed == b.Deferred && !again && !due {
		return false, nil
	}
	b.Deferred, b.Waiting = listed, !due
	if again {
		b.Retry = time.Now().Add(b.i.cfg.DeferredRetry)
	}
	return due, b.save(ctx, b.conn)
}

// retry tries to fill the rows that are listed. It reports whether it came to the last of them.
func (b *backfill) retry(ctx context.Context, parts []part) (bool, error) {
	all, err := store.LoadDeferred(ctx, b.conn, b.changes.Keys(), int(b.i.cfg.deferLimit))
	if err != nil {
		return false, err
	}
	for _, d := range all {
		p, there := partOf(parts, d.Relation)
		if !there { // it was detached or dropped
			if err := store.DropDeferred(ctx, b.conn, &d); err != nil {
				return false, err
			}
			continue
		}
		key, err := resolve.Key(ctx, b.conn, p.oid)
		if err != nil {
			return false, err
		}
		sql, at := b.changes.BackfillRow(p.name, b.quiet), any(d.Place)
		if d.Address != nil {
			if len(key.Columns) == 0 { // the primary key has gone; the next pass finds the row
				if err := store.DropDeferred(ctx, b.conn, &d); err != nil {
					return false, err
				}
				continue
			}
			sql, at = b.changes.BackfillAt(p.name, b.quiet, key.Columns), string(d.Address)
		}
		became, err := b.fillOne(ctx, p, sql, at, func(tx pgx.Tx) error { return store.DropDeferred(ctx, tx, &d) })
		switch {
		case became == rejected:
			if now := resolve.WithoutValues(err); d.Message != now {
				d.SQLState, d.Message = sqlstate(err), now
				err = store.SetDeferred(ctx, b.conn, &d)
			} else {
				err = nil
			}
		case became == halted:
			return false, err
		case became == slow:
			return false, b.stopAt(ctx, p, []string{d.Key}, err, true)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func partOf(parts []part, oid uint32) (part, bool) {
	for _, p := range parts {
		if p.oid == oid {
			return p, true
		}
	}
	return part{}, false
}

// deferring reports whether rows of a migration are left for later: then a step that was refused is asked for again when there are none.
func (f *filler) deferring(ctx context.Context, m *rules.Migration) (bool, error) {
	if m.Unfinished() != rules.Filling {
		return false, nil
	}
	keys, err := changeKeys(ctx, f.conn, m.ID)
	if err != nil {
		return false, err
	}
	listed, told, err := store.CountDeferred(ctx, f.conn, keys)
	return listed > 0 || told, err
}
