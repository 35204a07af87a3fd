package migrate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seguedb/segue/store"
)

// claimEvery is the time between two looks at an id that another process holds.
const claimEvery = 20 * time.Millisecond

// claim makes sure that no other process runs under the instance's id: two with one row would acknowledge gates for each
// other. The id is held by the control connection, so it is free as soon as the server has seen the end of a process,
// however that ended, and one that was killed comes back at once.
//
// The holder is another process that works when its heartbeat goes on. When it does not for longer than a leader would
// wait for it, its machine has gone without a word, and its connection is ended, as are lost connections of our own.
func (f *follower) claim(ctx context.Context) error {
	id := f.i.cfg.ID
	former := f.claimed
	f.claimed = append(f.claimed, f.conn.PgConn().PID()) // the id may be ours though the answer gets lost
	var seen time.Time                                   // the holder's heartbeat
	var since time.Time                                  // since when it is that
	for beats := 0; ; pause(ctx, claimEvery, nil) {
		holder, err := store.Hold(ctx, f.conn, store.HoldInstance(id))
		if err != nil {
			return err
		}
		if holder == 0 {
			f.claimed = append(f.claimed[:0], f.conn.PgConn().PID())
			return nil
		}
		heartbeat, silence, err := store.InstanceHeartbeat(ctx, f.conn, id)
		if err != nil {
			return err
		}
		if since.IsZero() || !heartbeat.Equal(seen) {
			seen, since, beats = heartbeat, time.Now(), beats+1
		}
		switch limit := patience(f.i.cfg.Lease); {
		case slices.Contains(former, holder) || max(silence, time.Since(since)) > limit:
			if err := store.EndHolder(ctx, f.conn, store.HoldInstance(id), holder); err != nil {
				return err
			}
		case beats > 2: // one may have been on its way when the process was killed
			// This connection is no holder. In time another process may get its number, the one that holds the id, too.
			f.claimed = former
			return fmt.Errorf("another process runs as instance %q: give each one an --instance-id of its own, or none", id)
		}
	}
}
