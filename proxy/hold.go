package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
)

// errMoved says that the epoch is no longer the one that a text was chosen for.
var errMoved = errors.New("the epoch has changed")

// errSkipped says that the server discards messages until Sync, because of an error that the client gets.
var errSkipped = errors.New("the server discards messages until Sync")

// enterTables registers a text that is about to be sent as in flight on the tables under migration that it names; ends
// says that it has several statements, one of which may end a transaction. The gate is checked in the same step, under the lock
// that Hold takes to see what is in flight: so either Hold waits for it, or it waits for the gate. Once it is registered the text
// must be sent, and nothing may be asked before.
//
// Where the gate holds a table of the text, it is to be waited for, unless the session's backend holds a lock on one: such a
// session is being drained, and holding it would deadlock. errMoved: choose again.
func (s *session) enterTables(e *epoch, tables []catalog.OID, ends bool) error {
	passes := s.at.lockAt == e && s.at.holdsLock
	s.queue.mu.Lock()
	closed, err := s.takeOff(e, tables, ends, passes)
	s.queue.mu.Unlock()
	if err != nil || !closed {
		return err
	}
	return s.waitFor(e)
}

// mayPass is enterTables without registering anything: the gate is open for the tables, or the session passes it.
func (s *session) mayPass(e *epoch, tables []catalog.OID) error {
	now := s.srv.epoch.Load()
	switch {
	case s.moved(e):
		return errMoved
	case !now.holds(tables):
		return nil
	case now != e:
		return errMoved
	case s.at.lockAt == e && s.at.holdsLock:
		return nil
	}
	return s.waitFor(e)
}

// waitFor asks whether the session passes the gate of e, and then for another epoch.
func (s *session) waitFor(e *epoch) error {
	if err := s.answered(); err != nil {
		return err
	}
	if _, err := s.drains(e); err != nil {
		return err
	}
	return &question{kind: theGate, epoch: e}
}

// takeOff registers the tables if e is still in force and its gate is open for it, or draining says that it may pass. queue.mu is
// held.
func (s *session) takeOff(e *epoch, tables []catalog.OID, ends, draining bool) (closed bool, err error) {
	q := &s.queue
	now := s.srv.epoch.Load()
	switch {
	case q.stop != nil:
		return false, q.stop
	case now.binder != e.binder || now.made != e.made || now != e && (draining || now.holds(tables)):
		return false, errMoved // who waits or drains must go by the gate that is closed now
	case now.holds(tables) && !draining:
		return true, nil
	case len(tables) > 0:
		q.flights = append(q.flights, flight{tables, q.readyDue(), q.groupEnds || ends})
	}
	return false, nil
}

// drains tells whether the session's backend holds a lock that the gate of e waits for. All that was sent has been answered.
func (s *session) drains(e *epoch) (bool, error) {
	s.queue.mu.Lock()
	open := s.queue.unsynced || s.queue.status != wire.Idle
	failed := s.queue.status == wire.Failed && !s.queue.unsynced
	skipping := s.queue.skipping
	s.queue.mu.Unlock()
	switch {
	case skipping:
		return false, errSkipped
	case !open:
		return false, nil // outside a transaction no lock is held
	case s.at.lockAt == e:
		return s.at.holdsLock, nil
	case e.suspended && failed:
		return false, nil
	case e.suspended && s.beforeSnapshot():
		return false, nil // it cannot be asked
	case e.suspended:
		return false, s.locksAny(e)
	}
	q := &question{kind: locks, epoch: e}
	q.then = func(err error) error {
		if err != nil {
			// Waiting is safe: the gate opens at the drain limit whoever holds a lock.
			s.srv.log.Warn("cannot ask for locks at a closed gate", "error", err)
		}
		s.at.lockAt, s.at.holdsLock = e, err == nil && q.yes
		return nil
	}
	return false, q
}

// askForLocks tells whether the session holds a lock that the gate of e waits for. It blocks.
func (s *session) askForLocks(e *epoch) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.srv.cfg.HoldTimeout)
	defer cancel()
	locks, err := e.holdsLock(ctx, []uint32{s.link.PID}, e.tables)
	return locks[s.link.PID], err
}

// locksAny asks the session's own server, for want of a control connection, whether it holds a lock on a table.
func (s *session) locksAny(e *epoch) error {
	var list strings.Builder
	for i, oid := range e.binder.Snapshot().Tables {
		if i > 0 {
			list.WriteByte(',')
		}
		fmt.Fprint(&list, uint32(oid))
	}
	return s.ask(`SELECT pg_catalog.count(*)::pg_catalog.text FROM pg_catalog.pg_locks l`+
		` WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.granted`+
		` AND l.locktype OPERATOR(pg_catalog.=) 'relation'`+
		` AND l.relation OPERATOR(pg_catalog.=) ANY ('{`+list.String()+`}'::pg_catalog.oid[])`, func(count []byte) error {
		s.at.lockAt, s.at.holdsLock = e, string(count) != "0"
		return nil
	})
}

// wait blocks until the epoch is replaced. It returns a *wire.Error when the statement is cancelled, or has waited for
// too long in an instance that cannot serve it; and another error when the client has gone or the session must stop.
func (s *session) wait(e *epoch) error {
	// A Flush ends the server's timers for idle sessions until its next ReadyForQuery (PostgresMain in postgres.c): who is held
	// is not idle.
	if _, err := s.server.Out.Write(wire.AppendFlush(nil)); err != nil {
		return err
	}
	if err := s.server.Out.Flush(); err != nil {
		return err
	}
	cancel := s.held.begin()
	defer s.held.end()
	start := time.Now()
	s.srv.metrics.held.Inc()
	defer func() { s.srv.metrics.holdSeconds.Observe(time.Since(start).Seconds()) }()

	gone, unwatch := s.watchClient()
	defer unwatch()
	var timeout <-chan time.Time
	if e.suspended {
		timer := time.NewTimer(s.srv.cfg.HoldTimeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-e.changed:
		return nil
	case <-cancel:
		return cancelError()
	case <-timeout:
		return raise(&wire.Error{
			Code:    "55P03",
			Message: fmt.Sprintf("statement was held for %v: %s", s.srv.cfg.HoldTimeout, e.outage.Reason),
			Hint:    e.outage.Hint(),
		})
	case err := <-gone:
		return err
	case <-s.queue.stopped:
		return s.queue.why()
	}
}

// cancelError is what the server says of a statement that was cancelled.
func cancelError() *wire.Error {
	return raise(&wire.Error{Code: "57014", Message: "canceling statement due to user request"})
}

// watchClient notices that the client goes away while it is not read from. The function that it returns ends the watch
// and must be called before the client is read again.
func (s *session) watchClient() (gone <-chan error, unwatch func()) {
	s.frame = own(s.frame)
	result := make(chan error, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			err := s.client.In.Wait()
			switch {
			case err == nil:
				continue
			case isTimeout(err), errors.Is(err, wire.ErrFull):
				return
			}
			result <- err
			return
		}
	}()
	return result, func() {
		_ = s.client.SetReadDeadline(time.Unix(1, 0))
		<-over
		_ = s.client.SetReadDeadline(time.Time{})
	}
}
