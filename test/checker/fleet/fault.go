package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// A fault does harm, waits, and mends it as far as it does not mend by itself. Target is an instance, often the one that leads.
type fault struct {
	name  string
	aims  bool // at the target
	stale bool // sessions may go on with names of before
	waits bool // by itself, for a moment
	do    func(ctx context.Context, r *Round, c choices) error
}

// choices of a fault, made before it comes.
type choices struct {
	rand   *rand.Rand
	target *instance
}

// between is a duration, short ones more often than long ones.
func (c choices) between(least, most time.Duration) time.Duration {
	x := c.rand.Float64()
	return least + time.Duration(x*x*float64(most-least))
}

var faults = []fault{
	{name: "kill", aims: true, do: func(ctx context.Context, _ *Round, c choices) error {
		c.target.end()
		rest(ctx, c.between(0, lease))
		return c.target.start()
	}},
	{name: "kill all", do: func(ctx context.Context, r *Round, c choices) error {
		for _, i := range r.instances {
			i.end()
		}
		rest(ctx, c.between(0, lease/2))
		for _, i := range r.instances {
			if err := i.start(); err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "freeze", aims: true, stale: true, do: func(ctx context.Context, _ *Round, c choices) error {
		c.target.signal(syscall.SIGSTOP)
		rest(ctx, c.between(lease/10, 2*lease))
		c.target.signal(syscall.SIGCONT)
		return nil
	}},
	{name: "kill at statement", waits: true, do: func(ctx context.Context, r *Round, c choices) error {
		return r.wait(ctx, "killed", c, func(ctx context.Context, h *hit, release func()) error {
			h.instance.end()
			h.lost = true
			release()
			rest(ctx, c.between(0, lease))
			return h.instance.start()
		})
	}},
	{name: "freeze at statement", waits: true, stale: true, do: func(ctx context.Context, r *Round, c choices) error {
		return r.wait(ctx, "frozen", c, func(ctx context.Context, h *hit, release func()) error {
			h.instance.signal(syscall.SIGSTOP)
			if c.rand.IntN(2) == 0 { // otherwise what it has sent is not there either
				release()
			}
			rest(ctx, c.between(lease/10, 2*lease))
			h.instance.signal(syscall.SIGCONT)
			return nil
		})
	}},
	{name: "crash", do: func(ctx context.Context, r *Round, c choices) error {
		r.Cluster.Halt()
		rest(ctx, c.between(0, lease))
		return r.Cluster.Resume(ctx)
	}},
	{name: "cut clients", do: func(_ context.Context, r *Round, c choices) error {
		for _, m := range r.members {
			if c.rand.IntN(2) == 0 {
				m.Cut()
			}
		}
		return nil
	}},
	{name: "end backends", do: func(ctx context.Context, r *Round, c choices) error {
		return r.end(ctx, "application_name <> 'segue' AND pg_catalog.hashint4(pid) % 2 = 0")
	}},
	{name: "end control", do: func(ctx context.Context, r *Round, c choices) error {
		return r.end(ctx, []string{"application_name = 'segue'", "application_name = 'segue' AND pg_catalog.hashint4(pid) % 2 = 0"}[c.rand.IntN(2)])
	}},
	{name: "lock table", do: func(ctx context.Context, r *Round, c choices) error {
		table := r.crew.Here()
		mode := []string{"ACCESS SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "ACCESS EXCLUSIVE"}[c.rand.IntN(5)]
		return r.lock(ctx, table, mode, c.between(drainLimit/5, 4*drainLimit))
	}},
	{name: "lock store", do: func(ctx context.Context, r *Round, c choices) error {
		table := []string{"epoch", "transition", "instance", "migration", "change", "backfill", "audit", "holder"}[c.rand.IntN(8)]
		mode := []string{"SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE"}[c.rand.IntN(3)]
		return r.lock(ctx, "segue."+table, mode, c.between(drainLimit/5, 2*lease))
	}},
}

// rest waits, unless ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// end ends server processes of the round's database.
func (r *Round) end(ctx context.Context, which string) error {
	return execute(ctx, r.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() "+
		"AND backend_type = 'client backend' AND "+which)
}

// lock holds a lock for so long, once it has it. It is not held if others do not let go in time, or the table has another name now.
func (r *Round) lock(ctx context.Context, table, mode string, d time.Duration) error {
	conn, err := pgx.Connect(ctx, r.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE %s IN %s MODE", table, mode)); err == nil {
		rest(ctx, d)
	}
	return nil
}
