package proxy

import (
	"context"
	"slices"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// An epoch is what all sessions go by at one time: the binder of the snapshot in force, and what the gate holds. It is
// immutable; a session that finds another one in its place looks at its statement again.
type epoch struct {
	binder    *rewrite.Binder // nil before the first Open
	since     time.Time       // when the binder was installed
	live      bool            // some migration is live, so texts are looked at
	made      *made           // what the binder's catalog does not have yet; nil: nothing
	gated     map[catalog.OID]bool
	tables    []catalog.OID // those of gated
	suspended bool
	outage    *migrate.Outage // why it is suspended
	holdsLock migrate.HoldsLock
	changed   chan struct{} // closed when another epoch takes its place
}

// closed tells whether any gate is closed.
func (e *epoch) closed() bool { return e.suspended || e.gated != nil }

// holds tells whether statements that name these tables must wait.
func (e *epoch) holds(tables []catalog.OID) bool {
	if e.suspended {
		return len(tables) > 0
	}
	for _, oid := range tables {
		if e.gated[oid] {
			return true
		}
	}
	return false
}

// replace installs what change makes of the epoch.
func (s *Server) replace(change func(*epoch)) {
	s.epochMu.Lock()
	defer s.epochMu.Unlock()
	old := s.epoch.Load()
	next := *old
	change(&next)
	next.changed = make(chan struct{})
	s.epoch.Store(&next)
	close(old.changed)
}

// Open implements migrate.Traffic.
//
// What is in flight when a table comes under migration was sent without a look at it, so a later Hold waits for all of it.
func (s *Server) Open(snap *rules.Snapshot) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.dismissStrays(snap) // before any of them is served by it
	next := s.epoch.Load().binder
	if next == nil || next.Snapshot() != snap {
		next = s.binderAfter(next, snap) // which may take long, and loops replace the epoch, too
	}
	var added []catalog.OID
	s.replace(func(e *epoch) {
		var before []catalog.OID
		if e.binder != nil {
			before = e.binder.Snapshot().Tables
		}
		added = slices.DeleteFunc(slices.Clone(snap.Tables), func(oid catalog.OID) bool { return slices.Contains(before, oid) })
		if e.binder != next {
			e.binder, e.since = next, time.Now()
		}
		*e = epoch{binder: e.binder, since: e.since, live: snap.Live(), made: e.made}
	})
	s.dismissStrays(snap) // which have come meanwhile
	s.strangers.forget()
	s.warnOfVersions()
	if len(added) == 0 {
		return
	}
	for _, sess := range s.list() {
		sess.queue.unseen(added)
	}
}

// makeBinder makes the binder of a snapshot that takes the place of another's; nil: of none.
func (s *Server) makeBinder(old *rewrite.Binder, snap *rules.Snapshot) *rewrite.Binder {
	if old == nil {
		return rewrite.NewBinder(snap, s.cfg.Rewrite)
	}
	return old.Successor(snap, s.cfg.Rewrite)
}

// Suspend implements migrate.Traffic.
func (s *Server) Suspend(why *migrate.Outage) {
	s.replace(func(e *epoch) { e.suspended, e.outage = e.live, why })
}

// Slowest and fastest pace at which pg_locks is asked for sessions that have statements in flight.
const (
	minLockPoll = 5 * time.Millisecond
	maxLockPoll = 50 * time.Millisecond
)

// Hold implements migrate.Traffic.
//
// A session counts as drained when nothing of it is in flight on the tables, or when all that is in flight is answered
// by the next ReadyForQuery, nothing in it ends a transaction, and its backend holds a lock on a table: then the lock
// keeps the DDL away until it is done.
func (s *Server) Hold(ctx context.Context, tables []catalog.OID, holdsLock migrate.HoldsLock) error {
	gated := make(map[catalog.OID]bool, len(tables))
	for _, oid := range tables {
		gated[oid] = true
	}
	s.replace(func(e *epoch) { e.gated, e.tables, e.holdsLock = gated, tables, holdsLock })

	poll := minLockPoll
	timer := time.NewTimer(poll)
	defer timer.Stop()
	for {
		drained, asked, err := s.drained(ctx, gated, tables, holdsLock)
		if err != nil || drained {
			return err
		}
		var again <-chan time.Time
		if asked {
			timer.Reset(poll)
			again = timer.C
			poll = min(2*poll, maxLockPoll)
		}
		select {
		case <-s.landed:
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drained tells whether all sessions are, and whether it had to ask for locks to know.
func (s *Server) drained(ctx context.Context, gated map[catalog.OID]bool, tables []catalog.OID, holdsLock migrate.HoldsLock) (done, asked bool, err error) {
	type candidate struct {
		session *session
		mark    flightMark
	}
	var candidates []candidate
	var pids []uint32
	done = true
	for _, sess := range s.list() {
		switch state, mark := sess.queue.flying(gated); {
		case state == flyingNone:
		case state == flyingOneGroup && sess.link.PID != 0:
			candidates = append(candidates, candidate{sess, mark})
			pids = append(pids, sess.link.PID)
		default:
			done = false
		}
	}
	if len(pids) == 0 {
		return done, false, nil
	}
	locks, err := holdsLock(ctx, pids, tables)
	if err != nil {
		return false, true, err
	}
	for _, c := range candidates {
		state, mark := c.session.queue.flying(gated)
		if state != flyingNone && !(locks[c.session.link.PID] && mark == c.mark) {
			done = false
		}
	}
	return done, true, nil
}
