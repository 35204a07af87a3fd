package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/seguedb/segue/rules"
)

// claimEvery is the time between two looks at an id that another process holds.
const claimEvery = 20 * time.Millisecond

// claim makes sure that no other process runs under the instance's id: two with one row would acknowledge gates for each
// other. The id is held by a lock of the control connection, so it is free as soon as the server has seen the end of a
// process, however that ended, and one that was killed comes back at once.
//
// The holder is another process that works when its heartbeat goes on. When it does not for longer than a leader would
// wait for it, its machine has gone without a word, and its connection is ended.
func (f *follower) claim(ctx context.Context) error {
	id := f.i.cfg.ID
	var seen time.Time // the holder's heartbeat
	beats := 0
	for {
		holder, err := rules.HoldInstance(ctx, f.conn, id)
		if err != nil {
			return err
		}
		if holder == 0 {
			f.backend = f.conn.PgConn().PID()
			return nil
		}
		heartbeat, silence, err := rules.InstanceHeartbeat(ctx, f.conn, id)
		switch {
		case err != nil:
			return err
		case holder == f.backend, silence > patience(f.i.cfg.Lease): // our own lost connection, or that of a machine that has gone
			if err := rules.EndHolder(ctx, f.conn, id, holder); err != nil {
				return err
			}
		case seen.IsZero():
			seen = heartbeat
		case heartbeat.After(seen):
			seen = heartbeat
			if beats++; beats > 1 { // the first may have been on its way when the process was killed
				return fmt.Errorf("another process runs as instance %q: give each one an --instance-id of its own, or none", id)
			}
		}
		pause(ctx, claimEvery, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
