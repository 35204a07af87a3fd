package migrate

import (
	"context"
	"fmt"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/store"
)

// sightings remembers when a transaction whose age may not be read was first seen with a lock. It holds those that were
// there at the last look.
type sightings map[string]time.Time

// next keeps, of what was seen before, the one of that key, or has it seen now for the first time.
func (s sightings) next(before sightings, key string) time.Time {
	first, seen := before[key]
	if !seen {
		first = time.Now()
	}
	s[key] = first
	return first
}

// lookAgain is how often a transaction of unknown age is looked for.
const lookAgain = 50 * time.Millisecond

// old lists the holders of locks that an attempt would wait for in vain: older than the drain limit, or prepared.
// A transaction of unknown age that was there at the first look is looked for again until it has gone or been there for
// longer than the limit; those that come meanwhile are younger. So it returns within little more than the limit.
// With them come those who wait for a lock, because then they are not what is in the way: see ranked.
func (l *leader) old(ctx context.Context, tables []catalog.OID) ([]holder, error) {
	limit := l.i.cfg.DrainLimit.Seconds()
	for first := (time.Time{}); ; pause(ctx, lookAgain, nil) {
		holders, err := l.holders(ctx, tables)
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if first.IsZero() {
			first = time.Now()
		}
		var old, waiting []holder
		wait := false
		for _, b := range holders {
			switch {
			case b.PID == 0 || b.AgeSeconds > limit:
				old = append(old, b)
			case b.waits:
				waiting = append(waiting, b)
			case b.unread && !b.seen.After(first):
				wait = true
			}
		}
		if len(old) > 0 || !wait {
			return withWaiting(old, waiting), nil
		}
	}
}

// withWaiting adds those who wait to those who are in the way, if somebody is.
func withWaiting(old, waiting []holder) []holder {
	if len(old) == 0 {
		return nil
	}
	return append(old, waiting...)
}

// assign names the instance through which each holder comes, and has the age of one that could not be read from the
// instance, which has to be asked for it.
func (l *leader) assign(ctx context.Context, holders []holder) error {
	if len(holders) == 0 {
		return nil
	}
	fleet, err := l.fleet(ctx, holders)
	if err != nil {
		return err
	}
	for i := range holders {
		b := &holders[i]
		b.Instance = instanceOf(fleet, b.PID)
		b.Direct = b.Direct && b.Instance == ""
		if s := sessionOf(fleet, &b.Blocker); b.unread && s != nil {
			b.unread, b.AgeSeconds = false, s.TransactionSeconds
			b.Since = time.Now().Add(-time.Duration(s.TransactionSeconds * float64(time.Second)))
			b.Why = fmt.Sprintf("%s in a transaction of %.1f s", b.holds, b.AgeSeconds)
		}
	}
	return nil
}

// fleet is the instances with their sessions: as they say now where an age is asked of them, else as they reported last.
func (l *leader) fleet(ctx context.Context, holders []holder) ([]member, error) {
	rows, err := store.LoadInstances(ctx, l.conn, false)
	if err != nil {
		return nil, err
	}
	fleet, err := members(ctx, l.conn, rows)
	if err != nil {
		return nil, err
	}
	for i := range holders {
		if holders[i].unread && sessionOf(fleet, &holders[i].Blocker) != nil {
			c, err := l.i.count(ctx, l.i.cfg.Lease/2)
			if err != nil {
				return nil, err
			}
			return c.instances, nil
		}
	}
	return fleet, nil
}

// sessionOf is the session of an instance that is the blocker; nil when it is none, or its instance was lost. A number
// that a pooler has made up may be that of another backend; its user seldom is.
func sessionOf(fleet []member, b *Blocker) *SessionInfo {
	for _, m := range fleet {
		for i, s := range m.sessions {
			if s.PID == b.PID && s.User == b.User && !m.Expired {
				return &m.sessions[i]
			}
		}
	}
	return nil
}
