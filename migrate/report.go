package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// own is what this instance reports of its connections.
func (i *Instance) own() (rules.Report, error) {
	sessions := i.traffic.Sessions()
	if sessions == nil {
		sessions = []SessionInfo{}
	}
	text, err := json.Marshal(sessions)
	if err != nil {
		return rules.Report{}, fmt.Errorf("cannot list the sessions: %w", err)
	}
	r := rules.Report{Sessions: text, PIDs: i.lines.backends()}
	for _, s := range sessions {
		r.PIDs = append(r.PIDs, s.PID)
	}
	return r, nil
}

// report writes down the sessions and the uses of this instance.
func (i *Instance) report(ctx context.Context, db rules.DB) error {
	if err := i.storeUses(ctx, db); err != nil {
		return err
	}
	r, err := i.own()
	if err != nil {
		return err
	}
	return rules.ReportInstance(ctx, db, i.cfg.ID, r)
}

// acknowledge tells the leader that nothing is in flight on the tables of that attempt, and what the proofs of contract
// and rollback need to know, as of now.
func (i *Instance) acknowledge(ctx context.Context, attempt, epoch int64) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	if err := i.storeUses(ctx, pool); err != nil {
		return err
	}
	r, err := i.own()
	if err != nil {
		return err
	}
	_, err = rules.Acknowledge(ctx, pool, i.cfg.ID, attempt, epoch, r)
	return err
}

func (i *Instance) withdraw(ctx context.Context, attempt int64) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	return rules.Withdraw(ctx, pool, i.cfg.ID, attempt)
}

func signed(pids []uint32) []int32 {
	out := make([]int32, len(pids))
	for i, pid := range pids {
		out[i] = int32(pid)
	}
	return out
}

func numbers(tables []catalog.OID) []uint32 {
	out := make([]uint32, len(tables))
	for i, oid := range tables {
		out[i] = uint32(oid)
	}
	return out
}

// A census is the whole fleet as of one moment.
type census struct {
	asked     time.Time // by the server's clock; every report is later
	instances []member
	silent    []string // instances that have not reported, so that their sessions are not known
}

// A member is an instance that has not expired, with its sessions.
type member struct {
	*rules.InstanceRow
	sessions []SessionInfo
}

// members are the rows that have not expired, with their sessions decoded.
func members(rows []*rules.InstanceRow) ([]member, error) {
	var out []member
	for _, r := range rows {
		if r.Expired {
			continue
		}
		m := member{InstanceRow: r}
		if err := json.Unmarshal(r.Sessions, &m.sessions); err != nil {
			return nil, fmt.Errorf("the sessions of instance %s cannot be read: %w", r.ID, err)
		}
		out = append(out, m)
	}
	return out, nil
}

// count asks all instances to report, and waits for them, but not for longer than limit.
func count(ctx context.Context, pool *pgxpool.Pool, limit time.Duration) (*census, error) {
	c := new(census)
	err := pool.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp() FROM pg_catalog.pg_notify($1, $2)`,
		rules.Channel, payloadReport).Scan(&c.asked)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the instances for their sessions: %w", err)
	}
	for end := time.Now().Add(limit); ; pause(ctx, 5*time.Millisecond, nil) {
		rows, err := rules.LoadInstances(ctx, pool, false)
		if err != nil {
			return nil, err
		}
		if c.instances, err = members(rows); err != nil {
			return nil, err
		}
		c.silent = c.silent[:0]
		for _, m := range c.instances {
			if m.Reported.Before(c.asked) {
				c.silent = append(c.silent, m.ID)
			}
		}
		if len(c.silent) == 0 || time.Now().After(end) {
			return c, ctx.Err()
		}
	}
}

// pids lists the backends of all instances.
func pidsOf(instances []member) []uint32 {
	var all []uint32
	for _, m := range instances {
		all = append(all, m.PIDs...)
	}
	return all
}

// instanceOf tells through which instance the session of that backend comes; "" when through none.
func instanceOf(instances []member, pid uint32) string {
	for _, m := range instances {
		if slices.Contains(m.PIDs, pid) {
			return m.ID
		}
	}
	return ""
}
