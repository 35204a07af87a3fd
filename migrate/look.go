package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// look finds out, before anybody is held back, whether the attempt can succeed at all.
func (l *leader) look(ctx context.Context, m *move) error {
	rows, err := store.LoadInstances(ctx, l.conn, false)
	if err != nil {
		return err
	}
	if err := l.i.expire(ctx, l.conn, rows); err != nil {
		return err
	}
	for _, r := range rows {
		switch {
		case r.Expired:
		case r.Silence > r.Lease/2:
			return &setback{reason: fmt.Sprintf("instance %s is silent; it is waited for until its lease of %s has run out", r.ID, r.Lease)}
		case r.Epoch != m.epoch:
			return &setback{reason: fmt.Sprintf("instance %s serves epoch %d and not %d yet", r.ID, r.Epoch, m.epoch)}
		}
	}
	if rules.Gated(m.steps) {
		late, err := l.signsOfLife(ctx)
		if err != nil {
			return err
		}
		if len(late) > 0 {
			return &setback{reason: strings.Join(late, ", ") + " gives no sign of life; it is waited for until its lease has run out"}
		}
	}
	if err := l.prepare(ctx, m); err != nil {
		return err
	}
	if len(m.sql) == 0 {
		return nil
	}
	held, err := l.old(ctx, m.tables)
	if err != nil || len(held) == 0 {
		return err
	}
	old, err := l.ranked(ctx, held)
	if err != nil {
		return err
	}
	if len(old) > 0 {
		return &setback{reason: "a lock on the tables is held for longer than the drain limit" + named(old), blockers: old}
	}
	return nil
}

// maxNamed is how many blockers a message names; all are listed beside it.
const maxNamed = 5

// named lists blockers for a message: those that wait for another one only by their number.
func named(blockers []Blocker) string {
	var parts []string
	more := 0
	for _, b := range blockers {
		switch {
		case len(b.WaitsFor) > 0:
		case len(parts) == maxNamed:
			more++
		case b.Waiting > 0:
			parts = append(parts, b.Why+", and "+plural(b.Waiting, "more session waits", "more sessions wait")+" for it")
		default:
			parts = append(parts, b.Why)
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// plural is the number with the word for one or for any other number.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// signsOfLife asks every instance for a heartbeat, and lists those that do not give one within the time for which a gate would
// be closed: it would be closed for nothing.
func (l *leader) signsOfLife(ctx context.Context) ([]string, error) {
	var asked time.Time
	err := l.conn.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp() FROM pg_catalog.pg_notify($1, '')`, store.Channel).Scan(&asked)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the instances for a sign of life: %w", err)
	}
	end := time.Now().Add(l.i.cfg.DrainLimit)
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		rows, err := store.LoadInstances(ctx, l.conn, false)
		if err != nil {
			return nil, err
		}
		late := lagging(rows, func(r *store.InstanceRow) bool { return !r.Heartbeat.Before(asked) })
		if len(late) == 0 || time.Now().After(end) || ctx.Err() != nil {
			return late, ctx.Err()
		}
		pause(ctx, wait, nil)
	}
}

// A holder is a transaction that holds a lock.
type holder struct {
	Blocker
	key    string    // its pid, or PREPARE TRANSACTION 'gid'
	waits  bool      // for a lock
	holds  string    // the beginning of Why
	unread bool      // its age may not be read: AgeSeconds counts from seen
	seen   time.Time // when the leader has seen it first
}

// blockers lists those who are in the way; see ranked.
func (l *leader) blockers(ctx context.Context, tables []catalog.OID) ([]Blocker, error) {
	holders, err := l.holders(ctx, tables)
	if err != nil {
		return nil, err
	}
	return l.ranked(ctx, holders)
}

// holders lists the transactions that hold a lock on one of the tables, prepared ones included (with PID 0).
// What the owner of the tables may not read of other users' sessions is reported as unknown. The age of such a transaction
// is what its instance knows, or, of one that comes through none, is counted from when it was first seen.
func (l *leader) holders(ctx context.Context, tables []catalog.OID) ([]holder, error) {
	// A prepared transaction has no pid; what leads to its name is that it goes on holding the lock on its own xid.
	rows, err := l.conn.Query(ctx, `
		WITH locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks)
		SELECT coalesce(l.pid, 0), l.virtualtransaction, l.pid IS NULL, coalesce(a.usename, p.owner, ''), coalesce(a.application_name, ''),
		       CASE WHEN l.pid IS NULL THEN coalesce(`+preparedKey+`, 'PREPARE TRANSACTION unknown')
		            WHEN a.xact_start IS NULL THEN 'unknown' ELSE a.query END,
		       coalesce(a.state, ''), coalesce(a.xact_start, p.prepared),
		       extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, p.prepared))::pg_catalog.float8,
		       coalesce(a.backend_type, ''), l.tables, EXISTS (SELECT FROM locks w WHERE w.pid = l.pid AND NOT w.granted)
		FROM (SELECT pid, virtualtransaction, pg_catalog.string_agg(DISTINCT relation::pg_catalog.regclass::pg_catalog.text, ', ') AS tables
		      FROM locks
		      WHERE granted AND locktype = 'relation' AND relation = ANY($1::pg_catalog.oid[])
		        AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
		        AND pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
		      GROUP BY 1, 2) AS l
		LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		LEFT JOIN locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction
		LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
		ORDER BY 9 DESC NULLS FIRST`, numbers(tables))
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_locks: %w", err)
	}
	before := l.seen
	l.seen = make(sightings)
	holders, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (holder, error) { return l.holder(row, before) })
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_locks: %w", err)
	}
	return holders, l.assign(ctx, holders)
}

// holder makes a holder of a row of holders. before is what was seen at the last look.
func (l *leader) holder(row pgx.CollectableRow, before sightings) (holder, error) {
	var b holder
	var pid int32
	var transaction, backend, tables string
	var prepared bool
	var since *time.Time
	var age *float64
	if err := row.Scan(&pid, &transaction, &prepared, &b.User, &b.Application, &b.Query, &b.State, &since, &age, &backend, &tables, &b.waits); err != nil {
		return b, err
	}
	b.PID, b.key = uint32(pid), fmt.Sprint(pid)
	b.End = fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid)
	what := fmt.Sprintf("pid %d (user %s, application_name %q)", b.PID, orUnknown(b.User), b.Application)
	switch {
	case prepared:
		what, b.key = fmt.Sprintf("a prepared transaction of user %s (%s)", orUnknown(b.User), b.Query), b.Query
		b.End = strings.Replace(b.Query, "PREPARE TRANSACTION", "ROLLBACK PREPARED", 1)
	case backend == "autovacuum worker":
		what, b.End = fmt.Sprintf("pid %d (%s)", b.PID, backend), fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid)
	case backend != "" && backend != "client backend":
		what = fmt.Sprintf("pid %d (%s)", b.PID, backend)
	default:
		b.Direct = true // until an instance is found that it comes through
	}
	if !prepared {
		b.Query = shown(b.Query)
	}
	b.holds = fmt.Sprintf("%s holds a lock on %s", what, tables)
	if tables == "" {
		b.holds = what + " keeps others waiting that hold a lock on the tables"
	}
	if age == nil {
		b.seen, b.unread = l.seen.next(before, fmt.Sprint(b.PID, " ", transaction)), true
		b.AgeSeconds = time.Since(b.seen).Seconds()
		b.Why = b.holds + "; for how long is unknown, because that takes pg_read_all_stats"
		return b, nil
	}
	b.AgeSeconds, b.Since = *age, *since
	b.Why = fmt.Sprintf("%s in a transaction of %.1f s", b.holds, b.AgeSeconds)
	return b, nil
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
