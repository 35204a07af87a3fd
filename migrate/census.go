package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/store"
)

// A census is the whole fleet as of one moment.
type census struct {
	asked     time.Time // by the server's clock; every report is later
	instances []member
	silent    []*store.InstanceRow // that have not reported, so that their sessions are not known
}

// A member is an instance with its sessions: all of them, or, of one that has expired, those that are left.
type member struct {
	*store.InstanceRow
	sessions []SessionInfo
}

// members are the instances with their sessions. Of one that has expired those count, as it reported them last, whose
// server process is still there; PIDs are those, too. One of which nothing is left is none.
func members(ctx context.Context, db store.DB, rows []*store.InstanceRow) ([]member, error) {
	var out []member
	for _, r := range rows {
		m := member{InstanceRow: r}
		if err := json.Unmarshal(r.Sessions, &m.sessions); err != nil {
			return nil, fmt.Errorf("the sessions of instance %s cannot be read: %w", r.ID, err)
		}
		if r.Expired {
			if err := m.reduce(ctx, db); err != nil {
				return nil, err
			}
			if len(m.PIDs) == 0 {
				continue
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// reduce leaves of an instance's report what is still there. A process that was reported, and whose number is in use, is the
// same one if that began before the report. Where the time may not be read, the user must do.
func (m *member) reduce(ctx context.Context, db store.DB) error {
	rows, err := db.Query(ctx, `
		SELECT pid, coalesce(usename, ''), backend_start IS NOT NULL FROM pg_catalog.pg_stat_activity
		WHERE pid = ANY($1::pg_catalog.int4[]) AND datname = pg_catalog.current_database() AND coalesce(backend_start <= $2, true)`,
		signed(m.PIDs), m.Reported)
	if err != nil {
		return fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	users := make(map[uint32]string)
	for _, s := range m.sessions {
		users[s.PID] = s.User
	}
	left := make(map[uint32]bool)
	var pid int32
	var user string
	var certain bool
	_, err = pgx.ForEachRow(rows, []any{&pid, &user, &certain}, func() error {
		if certain || users[uint32(pid)] == user {
			left[uint32(pid)] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	row := *m.InstanceRow
	row.PIDs = slices.DeleteFunc(slices.Clone(row.PIDs), func(pid uint32) bool { return !left[pid] })
	m.InstanceRow = &row
	m.sessions = slices.DeleteFunc(m.sessions, func(s SessionInfo) bool { return !left[s.PID] })
	return nil
}

// longestCount is how long a request may be kept waiting for a census.
const longestCount = 20 * time.Second

// count asks all instances to report, and waits for them, but not for longer than limit. Those whose time is over it marks
// as expired, and of them counts what is left. An instance that has started after the question was put had no session then.
func (i *Instance) count(ctx context.Context, limit time.Duration) (*census, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	c := new(census)
	err = pool.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp() FROM pg_catalog.pg_notify($1, $2)`,
		store.Channel, payloadReport).Scan(&c.asked)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the instances for their sessions: %w", err)
	}
	for end := time.Now().Add(limit); ; pause(ctx, 5*time.Millisecond, nil) {
		rows, err := store.LoadInstances(ctx, pool, false)
		if err != nil {
			return nil, err
		}
		if err := i.expire(ctx, pool, rows); err != nil {
			return nil, err
		}
		c.silent = slices.DeleteFunc(slices.Clone(rows), func(r *store.InstanceRow) bool {
			return r.Expired || !r.Reported.Before(c.asked) || r.Started.After(c.asked)
		})
		if len(c.silent) == 0 || time.Now().After(end) || ctx.Err() != nil {
			if c.instances, err = members(ctx, pool, rows); err != nil {
				return nil, err
			}
			return c, ctx.Err()
		}
	}
}

// unknown says of which instances the sessions are not known, and until when they are waited for.
func (c *census) unknown() []assess.Silent {
	var out []assess.Silent
	for _, r := range c.silent {
		out = append(out, assess.Silent{Instance: r.ID, Why: fmt.Sprintf("the sessions of instance %s, which has been silent for %s, are unknown; it is taken for lost after %s",
			r.ID, r.Silence.Round(100*time.Millisecond), patience(r.Lease))})
	}
	return out
}
