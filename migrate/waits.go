package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Bounds of the question who waits for whom. pg_blocking_pids takes all locks of the lock manager (GetBlockerStatusData in
// lock.c), as pg_locks does, so it is put for a few sessions only, and once for each attempt that came to nothing.
const (
	maxAsked    = 32 // sessions that are asked about in all
	maxChain    = 8  // how far a chain of waits is followed
	maxBlockers = 20 // that are stored and shown, those at the head of a queue first
)

// A wait is one session that waits for a lock of another, or of a prepared transaction.
type wait struct {
	waiter uint32
	by     string // the key of the other
}

// A queue is holders with the waits between them.
type lockQueue struct {
	holders map[string]*holder
	by      map[string][]string // for whom each waits; without an entry it waits for nobody, or was not asked about
	order   []string            // keys, in the order in which they were found
}

// ranked lists those who are in the way: first those who wait for nobody, then the others, each of which says for whom it
// waits in the end. To the holders it adds those whom they wait for, who need not hold a lock on the tables.
func (l *leader) ranked(ctx context.Context, holders []holder) ([]Blocker, error) {
	q := &lockQueue{holders: make(map[string]*holder), by: make(map[string][]string)}
	ask := q.add(holders)
	for depth, asked := 0, 0; len(ask) > 0 && depth < maxChain && asked < maxAsked; depth++ {
		ask = ask[:min(len(ask), maxAsked-asked)]
		asked += len(ask)
		waits, err := l.waits(ctx, ask)
		if err != nil {
			return nil, err
		}
		var unknown []string
		for _, w := range waits {
			key := fmt.Sprint(w.waiter)
			q.by[key] = append(q.by[key], w.by)
			if q.holders[w.by] == nil && !slices.Contains(unknown, w.by) {
				unknown = append(unknown, w.by)
			}
		}
		found, err := l.describe(ctx, unknown)
		if err != nil {
			return nil, err
		}
		ask = q.add(found)
	}
	return q.blockers(), nil
}

// add takes holders that are new, and lists those of them that wait for somebody.
func (q *lockQueue) add(holders []holder) (waiting []int32) {
	for i := range holders {
		h := &holders[i]
		if q.holders[h.key] != nil {
			continue
		}
		q.holders[h.key] = h
		q.order = append(q.order, h.key)
		if h.waits {
			waiting = append(waiting, int32(h.PID))
		}
	}
	return waiting
}

// roots are the keys at the ends of the chains from key on. Where a chain is cut short it is what was reached last; in a
// circle, which the server will break, everybody is his own.
func (q *lockQueue) roots(key string) []string {
	var out []string
	seen := map[string]bool{}
	for todo := []string{key}; len(todo) > 0; todo = todo[1:] {
		k := todo[0]
		if seen[k] || q.holders[k] == nil {
			continue
		}
		seen[k] = true
		if len(q.by[k]) == 0 {
			out = append(out, k)
		}
		todo = append(todo, q.by[k]...)
	}
	if len(out) == 0 {
		return []string{key}
	}
	return out
}

// blockers lists the heads of the queues, and behind them who waits.
func (q *lockQueue) blockers() []Blocker {
	var heads, others []Blocker
	waiting := map[string]int{}
	roots := map[string][]string{}
	for _, key := range q.order {
		roots[key] = q.roots(key)
		for _, root := range roots[key] {
			if root != key {
				waiting[root]++
			}
		}
	}
	for _, key := range q.order {
		b := q.holders[key].Blocker
		if slices.Equal(roots[key], []string{key}) {
			b.Waiting = waiting[key]
			heads = append(heads, b)
			continue
		}
		b.End = "" // it is a victim
		for _, root := range roots[key] {
			b.WaitsFor = append(b.WaitsFor, q.holders[root].PID)
		}
		others = append(others, b)
	}
	slices.SortStableFunc(heads, func(a, b Blocker) int { return b.Waiting - a.Waiting })
	all := append(heads, others...)
	return all[:min(len(all), maxBlockers)]
}

// waits asks for whom these sessions wait. A prepared transaction has no pid (0 in the answer of pg_blocking_pids); which one
// it is, the lock says that is waited for.
func (l *leader) waits(ctx context.Context, pids []int32) ([]wait, error) {
	rows, err := l.conn.Query(ctx, `
		WITH asked AS MATERIALIZED (SELECT pid, pg_catalog.pg_blocking_pids(pid) AS by FROM pg_catalog.unnest($1::pg_catalog.int4[]) AS pid),
		     locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks)
		SELECT a.pid, b.pid::pg_catalog.text FROM asked a, pg_catalog.unnest(a.by) AS b (pid)
		WHERE b.pid <> 0 AND b.pid <> pg_catalog.pg_backend_pid()
		UNION
		SELECT a.pid, `+preparedKey+`
		FROM asked a
		JOIN locks w ON w.pid = a.pid AND NOT w.granted
		JOIN locks h ON h.pid IS NULL AND h.granted AND h.locktype = w.locktype
		  AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid::pg_catalog.text, h.classid, h.objid, h.objsubid)
		      IS NOT DISTINCT FROM
		      (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid::pg_catalog.text, w.classid, w.objid, w.objsubid)
		JOIN locks x ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = h.virtualtransaction
		JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
		WHERE 0 = ANY (a.by)`, pids)
	if err != nil {
		return nil, fmt.Errorf("cannot ask who waits for whom: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w wait, err error) {
		var pid int32
		err = row.Scan(&pid, &w.by)
		w.waiter = uint32(pid)
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask who waits for whom: %w", err)
	}
	return found, nil
}

// preparedKey is the key of the prepared transaction p.
const preparedKey = `'PREPARE TRANSACTION ' || pg_catalog.quote_literal(p.gid)`

// describe tells what can be known of sessions and prepared transactions that hold no lock on the tables.
func (l *leader) describe(ctx context.Context, keys []string) ([]holder, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := l.conn.Query(ctx, `
		SELECT coalesce(a.pid, 0), '', a.pid IS NULL, coalesce(a.usename, p.owner, ''), coalesce(a.application_name, ''),
		       CASE WHEN a.pid IS NULL THEN k.key WHEN a.xact_start IS NULL THEN 'unknown' ELSE a.query END,
		       coalesce(a.state, ''), coalesce(a.xact_start, p.prepared),
		       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::pg_catalog.float8,
		       coalesce(a.backend_type, ''), '',
		       EXISTS (SELECT FROM pg_catalog.pg_locks w WHERE w.pid = a.pid AND NOT w.granted)
		FROM pg_catalog.unnest($1::pg_catalog.text[]) AS k (key)
		LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid::pg_catalog.text = k.key
		LEFT JOIN pg_catalog.pg_prepared_xacts p ON `+preparedKey+` = k.key
		WHERE a.pid IS NOT NULL OR p.gid IS NOT NULL`, keys)
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (holder, error) { return l.holder(row, l.seen) })
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	return found, l.assign(ctx, found)
}
