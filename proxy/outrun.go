package proxy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// A session whose texts are bound by the catalog as its own server shows it can see a rename before the instance has taken
// it: what has been committed is visible at once, the epoch that goes with it a moment later. The same contradiction comes
// of a rename that the session itself has made in its open transaction, and no epoch will ever go with that.

// contradicted takes note that the catalog as the session sees it contradicts the snapshot of e.
func (s *session) contradicted(e *epoch, contradiction error) {
	s.at.contradicts, s.at.contradiction = e.binder, contradiction
	s.at.deadline = time.Now().Add(s.srv.cfg.CatchUpTimeout)
}

// outrun asks for another epoch where the session's catalog contradicts the snapshot of this one. errMoved: it is to be read
// again, since the epoch has moved. A *wire.Error is for the client: nothing newer is stored, or that could not be read in time.
//
// All that was sent has been answered, and what may be held here is not in flight, so no gate waits for it.
func (s *session) outrun(e *epoch) error {
	now := s.srv.epoch.Load()
	switch {
	case now.binder != e.binder:
		return errMoved
	case now.closed():
		// A lock that the session holds is one that the rename would have had to wait for: so that was its own.
		own, err := s.drains(now)
		switch {
		case err != nil:
			return err
		case own:
			return contradicts(s.at.contradiction)
		}
		return &question{kind: theGate, epoch: now}
	case s.srv.cfg.CatchUp == nil:
		return contradicts(s.at.contradiction)
	}
	return &question{kind: news, epoch: now, deadline: s.at.deadline, then: func(err error) error {
		switch {
		case errors.Is(err, errNoNews) && s.srv.epoch.Load() == now:
			return contradicts(s.at.contradiction)
		case errors.Is(err, errNoNews):
			return nil
		}
		return err
	}}
}

// errNoNews says that what is stored is what is in force, or could not be read in time.
var errNoNews = errors.New("nothing newer is known to be stored")

// askForNews has the newest snapshot installed. It returns nil when another epoch has taken the place of e; else the errors
// are errNoNews, and those of wait.
func (s *session) askForNews(e *epoch, deadline time.Time) error {
	ctx, stop := context.WithDeadline(s.srv.ctx, deadline)
	defer stop()
	cancel := s.held.begin()
	defer s.held.end()
	gone, unwatch := s.watchClient()
	defer unwatch()
	done := make(chan error, 1)
	go func() { done <- s.srv.cfg.CatchUp(ctx) }()
	for {
		select {
		case err := <-done:
			if err == nil {
				return errNoNews
			}
			// Out of touch: news may come all the same, or the gate be closed for that.
			s.srv.log.Warn("the newest names could not be read after a session has seen others", "error", err)
			done = nil
		case <-e.changed:
			return nil
		case <-ctx.Done():
			return errNoNews
		case <-cancel:
			return cancelError()
		case err := <-gone:
			return err
		case <-s.queue.stopped:
			return s.queue.why()
		}
	}
}

// contradicts is what the client gets when its own schema is what does not fit.
func contradicts(contradiction error) *wire.Error {
	return raise(&wire.Error{
		Code:    "0A000",
		Message: fmt.Sprintf("the schema as this session sees it does not fit the migrations that are live: %v", contradiction),
		Hint:    "Try again, or end the transaction in which the schema was changed.",
	})
}
