package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/store"
)

// How often a brake looks, and what it takes for too much where the operator has not said.
const (
	brakeEvery    = time.Second
	aroundEvery   = time.Second / 4       // at who is at work
	recently      = 10 * time.Millisecond // is a moment ago
	throttleTime  = time.Second           // that the throttle query may take
	mostLag       = 10                    // seconds that a replica may be behind
	mostSlotBytes = 1 << 30               // of the log that an active slot may keep back
	mostAge       = 1_200_000_000         // transactions; at 2,000,000,000 the server takes no more
)

// A brake slows a backfill down where others suffer.
type brake struct {
	throttle string // SQL of the instance's operator; "" for none

	// The last look, and what it found.
	looked    time.Time
	migration string
	operation int
	waits     string

	around time.Time // when was looked for others
	load   float64   // of those that were at work, the mean of some looks, of which the last counts most
	others int       // that, as a number of sessions

	counted time.Time // when written was read
	written float64   // bytes of log that the server had written
	rate    float64   // of them in a second, before that
	now     func() time.Time
}

// look says what a backfill has to wait for; "" lets it go on.
func (b *brake) look(ctx context.Context, conn *pgx.Conn, of *store.Backfill) (waits string, err error) {
	if b.migration == of.Migration && b.operation == of.Operation && b.now().Sub(b.looked) < brakeEvery {
		return b.waits, nil
	}
	limits, err := brakesOf(ctx, conn, of)
	if err != nil {
		return "", err
	}
	var lag, slot, age, written float64
	err = conn.QueryRow(ctx, `
		SELECT coalesce((SELECT pg_catalog.max(extract(epoch FROM replay_lag)) FROM pg_catalog.pg_stat_replication), 0)::pg_catalog.float8,
			coalesce((SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)) FROM pg_catalog.pg_replication_slots WHERE active), 0)::pg_catalog.float8,
			(SELECT pg_catalog.age(datfrozenxid) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())::pg_catalog.float8,
			pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::pg_catalog.float8`).Scan(&lag, &slot, &age, &written)
	if err != nil {
		return "", fmt.Errorf("cannot look at the load of the server: %w", err)
	}
	b.count(written)
	b.looked, b.migration, b.operation, b.waits = b.now(), of.Migration, of.Operation, limits.exceeded(lag, slot, b.rate)
	if b.waits == "" && age > mostAge {
		b.waits = fmt.Sprintf("the oldest transaction of the database is %.1f thousand million old: autovacuum has to freeze rows first", age/1e9)
	}
	if b.waits == "" {
		if b.waits, err = limits.closed(ctx, conn); err != nil {
			return "", err
		}
	}
	if b.waits == "" && b.throttle != "" {
		b.waits, err = throttled(ctx, conn, b.throttle)
	}
	return b.waits, err
}

// count makes a rate of what the server has written, over a second at least.
func (b *brake) count(written float64) {
	since := b.now().Sub(b.counted)
	if since < brakeEvery {
		return
	}
	if !b.counted.IsZero() {
		b.rate = (written - b.written) / since.Seconds()
	}
	b.counted, b.written = b.now(), written
}

// throttled asks what the instance's operator has given. No value of the answer is shown: who may read the state of a migration may
// not read everything.
func throttled(ctx context.Context, conn *pgx.Conn, query string) (waits string, err error) {
	var answer []byte
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL statement_timeout = %d`, throttleTime.Milliseconds())); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query, pgx.QueryResultFormats{pgx.TextFormatCode})
		if err != nil {
			return err
		}
		if rows.Next() && len(rows.RawValues()) > 0 {
			answer = append(answer, rows.RawValues()[0]...)
		}
		rows.Close()
		return rows.Err()
	})
	if wrong, ok := errors.AsType[*pgconn.PgError](err); ok && lost(err) == "" {
		return fmt.Sprintf("the throttle query fails with SQLSTATE %s", wrong.Code), nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot ask the throttle query: %w", err)
	}
	switch string(answer) {
	case "", "f", "0":
		return "", nil
	}
	return "the throttle query says so", nil
}

// lookAround counts the sessions that are at work, or were a moment ago: those whose statements take a millisecond are seen, too, and one
// that asks for something now and then is not taken for load. What may not be read of other users' sessions is not counted.
func (b *brake) lookAround(ctx context.Context, conn *pgx.Conn) error {
	now := b.now()
	if now.Sub(b.around) < aroundEvery {
		return nil
	}
	first := b.around.IsZero()
	b.around = now
	seen := 0
	err := conn.QueryRow(ctx, `
		SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_get_activity(NULL)
		WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid() AND application_name <> $1
			AND (state = 'active' OR state_change > pg_catalog.clock_timestamp() - $2 * interval '1 ms')`,
		applicationName, recently.Milliseconds()).Scan(&seen)
	if err != nil {
		return fmt.Errorf("cannot look at who is at work: %w", err)
	}
	if first {
		b.load = float64(seen)
	} else {
		b.load += (float64(seen) - b.load) / 4
	}
	b.others = int(b.load + 0.5)
	return nil
}

// batchTime is how long a batch is to take: who is at work has to wait for its processor, for its rows, and behind its log.
func (b *brake) batchTime() time.Duration {
	if b.others > 0 {
		return busyBatchTime
	}
	return batchTime
}

// longestRest is for a batch that took long because the machine has too much to do: it has to come to an end, too.
const longestRest = time.Second / 4

// rest is how long to do nothing after a batch that took so long: the more sessions are at work, the longer.
func (b *brake) rest(took time.Duration) time.Duration {
	return min(longestRest, took*time.Duration(min(b.others, 4)))
}
