package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/seguedb/segue/store"
)

// How often a brake looks, and what it takes for too much.
const (
	brakeEvery    = time.Second
	brakeRest     = 200 * time.Millisecond
	mostLag       = 10      // seconds that a replica may be behind
	mostSlotBytes = 1 << 30 // of the log that an active slot may keep back
)

// A brake slows a backfill down where others suffer.
type brake struct {
	looked time.Time
	active int    // sessions of others that were at work
	waits  string // what it found at the last look
}

// look says what the backfill has to wait for, and when to look again; "" lets it go on.
func (b *brake) look(ctx context.Context, db store.DB) (waits string, again time.Duration, err error) {
	if time.Since(b.looked) < brakeEvery {
		return b.waits, brakeRest, nil
	}
	var lag, slot float64
	// What may not be read of other users' sessions is not counted.
	err = db.QueryRow(ctx, `
		SELECT coalesce((SELECT pg_catalog.max(extract(epoch FROM replay_lag)) FROM pg_catalog.pg_stat_replication), 0)::pg_catalog.float8,
			coalesce((SELECT pg_catalog.max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)) FROM pg_catalog.pg_replication_slots WHERE active), 0)::pg_catalog.float8,
			(SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
				WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid() AND application_name <> $1)`, applicationName).Scan(&lag, &slot, &b.active)
	if err != nil {
		return "", 0, fmt.Errorf("cannot look at the load of the server: %w", err)
	}
	b.looked, b.waits = time.Now(), ""
	switch {
	case lag > mostLag:
		b.waits = fmt.Sprintf("a replica is %.0f s behind", lag)
	case slot > mostSlotBytes:
		b.waits = fmt.Sprintf("a replication slot keeps %.1f GB of the log back", slot/(1<<30))
	}
	return b.waits, brakeRest, nil
}

// rest is how long to do nothing after a batch that took so long: the more sessions are at work, the longer.
func (b *brake) rest(took time.Duration) time.Duration {
	return took * time.Duration(min(b.active, 4)) / 2
}
