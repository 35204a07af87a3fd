package migrate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/store"
)

// A clientele is what is known of the clients of a migration at one moment: assess.Fleet. It is used by one goroutine.
type clientele struct {
	i      *Instance
	db     store.DB
	id     string        // of the migration
	census *census       // nil until it is asked for
	wait   time.Duration // for the instances, to say which sessions they have
	leave  time.Duration // that sessions past the instances have to end
}

// counted is the census, which is taken when it is first asked for.
func (c *clientele) counted(ctx context.Context) (*census, error) {
	if c.census == nil {
		var err error
		if c.census, err = c.i.count(ctx, c.wait); err != nil {
			return nil, err
		}
	}
	return c.census, nil
}

// Clients implements assess.Fleet.
func (c *clientele) Clients(ctx context.Context) ([]assess.Client, []assess.Silent, error) {
	counted, err := c.counted(ctx)
	if err != nil {
		return nil, nil, err
	}
	return clientsOf(counted.instances), counted.unknown(), nil
}

// clientsOf lists the sessions of the instances.
func clientsOf(fleet []member) []assess.Client {
	var out []assess.Client
	for _, m := range fleet {
		for _, s := range m.sessions {
			c := assess.Client{
				PID: s.PID, User: s.User, Application: s.Application, Address: s.Client, Version: s.Version, Needs: s.Needs, Instance: m.ID,
			}
			if s.Refused != nil {
				c.Refused = assess.Refused{Count: s.Refused.Count, Last: s.Refused.Last, Reason: s.Refused.Reason}
			}
			out = append(out, c)
		}
	}
	return out
}

// Direct implements assess.Fleet.
func (c *clientele) Direct(ctx context.Context) ([]Blocker, error) {
	counted, err := c.counted(ctx)
	if err != nil {
		return nil, err
	}
	return bypassing(ctx, c.db, counted, c.leave)
}

// Holders implements assess.Fleet.
func (c *clientele) Holders(ctx context.Context, tables []catalog.OID) (out []Blocker, err error) {
	pool, err := c.i.database()
	if err != nil {
		return nil, err
	}
	return out, pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		l := &leader{i: c.i, conn: conn.Conn(), seen: make(sightings)}
		held, err := l.holders(ctx, tables)
		if err != nil {
			return err
		}
		old := func(b *Blocker) bool { return b.PID == 0 || b.AgeSeconds > c.i.cfg.DrainLimit.Seconds() }
		held = slices.DeleteFunc(held, func(h holder) bool { return !h.waits && !old(&h.Blocker) })
		blockers, err := l.ranked(ctx, held)
		for _, b := range heads(blockers) {
			if old(&b) {
				b.Why = strings.TrimPrefix(named([]Blocker{b}), ": ")
				out = append(out, b)
			}
		}
		return err
	})
}

// LastOldUse implements assess.Fleet.
func (c *clientele) LastOldUse(ctx context.Context) (*assess.Use, error) {
	use, ago, err := store.LastOldUse(ctx, c.db, c.id)
	if use == nil || err != nil {
		return nil, err
	}
	return &assess.Use{
		Version: use.Version, Table: use.Table, Column: use.Column, User: use.User, Application: use.Application, Last: use.Last, Ago: ago,
	}, nil
}

// Uses implements assess.Fleet.
func (c *clientele) Uses(ctx context.Context) ([]assess.Use, error) {
	if err := c.i.storeUses(ctx, c.db); err != nil {
		return nil, err
	}
	rows, err := store.LoadUsage(ctx, c.db, c.id)
	if err != nil {
		return nil, err
	}
	out := make([]assess.Use, len(rows))
	for n, r := range rows {
		out[n] = assess.Use{Version: r.Version, Table: r.Table, Column: r.Column, User: r.User, Application: r.Application, Last: r.Last}
	}
	return out, nil
}

// Watched implements assess.Fleet.
func (c *clientele) Watched(ctx context.Context) (time.Duration, error) {
	return liveFor(ctx, c.db, c.id)
}
