package proxy

import (
	"context"
	"errors"
	"strconv"

	"github.com/seguedb/segue/proxy/wire"
)

// A lateError is an error of the server that is held back until it is decided whether its group is sent once more. It
// belongs to the server's goroutine.
type lateError struct {
	frame     wire.Frame // in memory of its own
	verdict   verdict
	outdated  bool // there is a newer snapshot than the group was bound in
	cancelled bool // the client has cancelled the statement since, and gets the error for that
}

// postpones tells whether the error that answers e is one after which the group that is kept may be sent once more, and
// takes note of it. That is the first answer to the group, so nothing before it was executed; and an error that has a
// position and no internal query comes from the analysis of the client's own text, so nothing of that was executed either.
func (r *retry) postpones(e *expect, body []byte) bool {
	if r.state != retryKept || e.inj != nil {
		return false
	}
	fields, err := wire.DecodeError(body)
	if err != nil || fields.Get(wire.FieldSeverityFixed) != "ERROR" ||
		fields.Get(wire.FieldPosition) == "" || fields.Get(wire.FieldInternalQuery) != "" {
		return false
	}
	code := fields.Get(wire.FieldCode)
	if !unknownName(code) {
		return false
	}
	// What the client would get: a stand-in fails with 42703 whatever it stands for.
	if e.fail != nil {
		code = e.fail.Code
	} else if e.text != nil {
		position, _ := strconv.Atoi(fields.Get(wire.FieldPosition))
		if f := e.text.FailureAt(code, fields.Get(wire.FieldMessage), position); f != nil {
			code = f.Code
		}
	}
	if !unknownName(code) {
		return false
	}
	r.state = retryDeciding
	return true
}

// unknownName tells whether a code is undefined_column or undefined_table.
func unknownName(code string) bool { return code == "42703" || code == "42P01" }

// postpone holds an error back until its group's ReadyForQuery has come. Where the group is open none will come before
// the client has had its answer; then it is decided at once.
func (s *session) postpone(f wire.Frame, v verdict) error {
	s.late = &lateError{frame: own(f), verdict: v}
	q := &s.queue
	q.mu.Lock()
	due := q.ring.readies > 0
	q.mu.Unlock()
	if due {
		return nil
	}
	s.srv.noteLanding()
	return s.decideLate(nil)
}

// decideLate sees to it that the group of the error is sent once more if there is a newer snapshot, and else delivers the
// error, and the ReadyForQuery behind it if that has come.
//
// It is called by the server's goroutine, which reads nothing meanwhile. That blocks nobody: the server owes nothing, the
// client's goroutine sends nothing, and what the group had in flight has landed, so that a gate does not wait for it.
func (s *session) decideLate(ready *wire.Frame) error {
	_ = s.seeTo(s.outdated())
	q := &s.queue
	q.mu.Lock()
	if s.late.outdated && q.stop == nil {
		s.late = nil
		q.retry.state = retryDue
		s.wakeReader()
		q.mu.Unlock()
		return nil
	}
	q.mu.Unlock()
	if err := s.deliverLate(); err != nil || ready == nil {
		return err
	}
	if err := s.deliver(*ready); err != nil {
		return err
	}
	return s.leaveIfDraining()
}

// deliverLate gives the client the error that was held back, if there is one.
func (s *session) deliverLate() error {
	late := s.late
	if late == nil {
		return nil
	}
	s.late = nil
	q := &s.queue
	q.mu.Lock()
	q.retry.drop()
	q.notify()
	q.mu.Unlock()
	switch {
	case late.cancelled:
		if _, err := s.client.Out.Write(cancelError().AppendTo(s.client.Out.AvailableBuffer())); err != nil {
			return clientError{err}
		}
		return nil
	case late.verdict.action == mend:
		return s.mend(late.frame, late.verdict.expect)
	}
	return s.rewordUnseen(late.frame)
}

// outdated asks for the newest snapshot, to know whether it is another one than the group was bound in. Without an answer in
// time, or when the session ends, there is none.
func (s *session) outdated() *question {
	return &question{kind: newestSnapshot, then: func(err error) error {
		switch {
		case errors.Is(err, errCancelled):
			s.late.cancelled = true
			return nil
		case errors.Is(err, errEnded):
			return nil
		case err != nil:
			s.srv.log.Warn("the newest names could not be read after a statement has failed", "error", err)
		}
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		s.late.outdated = s.srv.epoch.Load().binder != s.queue.retry.binder
		return nil
	}}
}

// errCancelled says that the client has cancelled what is waited for.
var errCancelled = errors.New("the client has cancelled the statement")

// catchUp has the newest snapshot installed. It blocks, and does so no longer than the client waits for it.
func (s *session) catchUp() error {
	ctx, stop := context.WithTimeout(context.Background(), s.srv.cfg.CatchUpTimeout)
	defer stop()
	cancel := s.held.begin()
	defer s.held.end()
	done := make(chan error, 1)
	go func() { done <- s.srv.cfg.CatchUp(ctx) }()
	why := errEnded
	select {
	case err := <-done:
		return err
	case <-cancel:
		why = errCancelled
	case <-s.queue.stopped:
	}
	stop()
	<-done
	return why
}
