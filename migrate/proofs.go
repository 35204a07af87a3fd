package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/store"
)

// prepare does, before a gate is set, what may take longer than a gate may be closed.
func (l *leader) prepare(ctx context.Context, m *move) error {
	if m.request.stays() {
		return nil
	}
	if err := m.request.conflict(ctx, m.subject(l.conn), append(m.parity(), assess.OfBreak)...); err != nil {
		return err
	}
	if m.request.EndSessions && len(leaving(m.migration, m.all, m.To)) > 0 {
		return l.endSessions(ctx, m)
	}
	return nil
}

// prove checks behind the gate, on what the instances reported with their acknowledgement, that nobody is left for whom
// the transition would be an error.
func (l *leader) prove(ctx context.Context, tx pgx.Tx, m *move, c *census) error {
	if m.request.stays() {
		return nil
	}
	if m.request.EndSessions {
		if back := assess.Pinned(clientsOf(c.instances), leaving(m.migration, m.all, m.To)); len(back) > 0 {
			return &setback{reason: "sessions of a version that goes have come back", blockers: back}
		}
	}
	s := m.subject(tx)
	s.Fleet = &clientele{i: l.i, db: tx, id: m.migration.ID, census: c, leave: toLeave}
	return m.request.conflict(ctx, s, append(m.parity(), assess.OfClients)...)
}

// parity is the group of what the new side of a change may have lost since cutover was asked for; none where that is no matter.
func (m *move) parity() []assess.Group {
	if Kind(m.Kind) != Cutover || len(m.migration.Changes()) == 0 {
		return nil
	}
	return []assess.Group{assess.OfTable}
}

// subject is the move as assess looks at it.
func (m *move) subject(db assess.DB) *assess.Subject {
	return &assess.Subject{Migration: m.migration, All: m.all, Catalog: m.catalog, DB: db}
}

// liveFor tells for how long both versions of the migration have been served without interruption, by the server's clock.
func liveFor(ctx context.Context, db store.DB, id string) (time.Duration, error) {
	begins := Activate
	var changes bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM segue.change WHERE migration = $1)`, id).Scan(&changes); err != nil {
		return 0, fmt.Errorf("cannot read segue.change: %w", err)
	}
	if changes {
		begins = Serve // until then no name is old
	}
	since, err := store.SinceEvent(ctx, db, id, eventCommitted, string(begins))
	if err != nil {
		return 0, fmt.Errorf("cannot tell since when migration %q is live: %w", id, err)
	}
	return since, nil
}

// How long a backend may take to end after its connection was closed. Until then it is in pg_stat_activity, and in no
// report any more. A busy server can take a while for it, which a request is given before a gate is closed.
const (
	toLeave          = 300 * time.Millisecond
	toLeaveAtRequest = 3 * time.Second
)

// bypassing lists the sessions on this database that come through no instance, and do not end within the limit.
func bypassing(ctx context.Context, db store.DB, c *census, limit time.Duration) ([]Blocker, error) {
	for end := time.Now().Add(limit); ; pause(ctx, 10*time.Millisecond, nil) {
		found, err := strangers(ctx, db, c)
		if err != nil || len(found) == 0 || time.Now().After(end) || ctx.Err() != nil {
			return found, err
		}
		// A transaction sees what it saw first.
		if _, err := db.Exec(ctx, `SELECT pg_catalog.pg_stat_clear_snapshot()`); err != nil {
			return nil, fmt.Errorf("cannot read pg_stat_activity again: %w", err)
		}
	}
}

// strangers lists the sessions on this database that come through no instance. Sessions that began after the census was
// asked for may be missing in its reports, and are left out where their age may be read; what may not be read counts.
func strangers(ctx context.Context, db store.DB, c *census) ([]Blocker, error) {
	rows, err := db.Query(ctx, `
		SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.query, ''), coalesce(pg_catalog.host(a.client_addr), ''),
		       extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::pg_catalog.float8, a.backend_type IS NULL
		FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
		  AND coalesce(a.backend_type, 'client backend') = 'client backend'
		  AND a.pid <> ALL ($1::pg_catalog.int4[]) AND coalesce(a.backend_start < $2, true)
		ORDER BY a.pid`, signed(pidsOf(c.instances)), c.asked)
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Blocker, error) {
		var b Blocker
		var pid int32
		var age *float64
		var hidden bool
		if err := row.Scan(&pid, &b.User, &b.Application, &b.Query, &b.Address, &age, &hidden); err != nil {
			return b, err
		}
		b.PID, b.Query = uint32(pid), shown(b.Query)
		b.Why = fmt.Sprintf("pid %d (user %s, application_name %q)", b.PID, b.User, b.Application)
		if b.Address != "" {
			b.Why += " from " + b.Address
		}
		if age != nil {
			b.AgeSeconds = *age
		}
		if hidden {
			b.Query = "unknown"
			b.Why += ", of which all else is unknown, because that takes pg_read_all_stats"
		}
		return b, nil
	})
}
