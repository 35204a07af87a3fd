package proxy

import (
	"context"
	"errors"

	"github.com/seguedb/segue/proxy/wire"
)

// What is decided is done here, and what is asked is seen to, by the goroutine that serves the client: it blocks. All else of
// what it calls decides.

// maxExpected bounds the answers that may be outstanding before the client is not read from: by then the server has sent
// a good part of them, so waiting cannot block both sides.
const maxExpected = 1 << 16

// errTerminated says that the client has said goodbye.
var errTerminated = errors.New("the client has ended the session")

// handle has it decided what becomes of the message in s.frame, and does that, up to the last message of a series.
func (s *session) handle() error {
	s.begin()
	return s.handleOn()
}

// begin forgets what was found out for the message before.
func (s *session) begin() {
	if s.at.used() {
		s.at = deciding{}
	}
}

// handleOn is handle for a message about which something may have been found out.
func (s *session) handleOn() error {
	var out outcome
	for {
		err := s.decide(&out)
		if err != nil {
			if err = s.see(err); err == nil || errors.Is(err, errMoved) {
				continue
			}
			if out, err = s.settle(err); err != nil {
				return err
			}
		}
		switch err = s.do(&out); {
		case err == nil && s.series == nil:
			return nil
		case err != nil && !errors.Is(err, errMoved):
			return err
		}
	}
}

// see sees to a question, and to those that follow from it. nil and errMoved: what was asked for can be decided again. Another error
// than a question is returned as it is.
func (s *session) see(err error) error {
	for {
		q, asks := err.(*question)
		if !asks {
			return err
		}
		if s.at.rounds++; s.at.rounds > maxRounds {
			return unresolved()
		}
		err = s.perform(q)
		if given, ok := err.(*givenUp); ok {
			return given.error
		}
		err = q.answered(err)
	}
}

// A givenUp is why a question is not asked to its end. It is no answer to it.
type givenUp struct{ error }

// perform waits for what a question is about, and puts the answer into it.
func (s *session) perform(q *question) (err error) {
	switch q.kind {
	case answersDue:
		return s.awaitAnswers()
	case readyDue:
		return s.await(s.queue.pipeline.synced)
	case ownQueries, preparingAgain, trialParse:
		return s.exchangeAll(q.groups)
	case ownCatalog:
		q.catalog, err = s.readCatalog(q.base, q.code)
	case searchPath:
		ctx, cancel := context.WithTimeout(s.srv.ctx, pathTimeout)
		defer cancel()
		q.path, err = s.srv.cfg.SearchPath(ctx, q.role, q.setting)
	case locks:
		q.yes, err = s.askForLocks(q.epoch)
	case theGate:
		return s.wait(q.epoch)
	case news:
		return s.askForNews(q.epoch, q.deadline)
	case moreOfMessage:
		s.frame, err = s.client.In.ReadPart(s.frame, q.bytes)
	case heirs:
		q.yes, err = s.askForHeirs(q.relations, q.tables)
	case newestSnapshot:
		return s.catchUp()
	}
	return err
}

// await sends what is written, and waits until a condition, which is called with queue.mu held, is true.
func (s *session) await(condition func() bool) error {
	if err := s.server.Out.Flush(); err != nil {
		return err
	}
	return s.queue.until(condition)
}

// awaitAnswers waits until all that was sent has been answered.
func (s *session) awaitAnswers() error {
	s.queue.mu.Lock()
	unsynced := s.queue.unsynced
	s.queue.mu.Unlock()
	if unsynced {
		if _, err := s.server.Out.Write(wire.AppendFlush(nil)); err != nil {
			return err
		}
	}
	return s.await(s.queue.pipeline.answered)
}

// manyGroups is how many groups are sent one after the other without a look at whether the client still wants to know.
const manyGroups = 8

// exchangeAll sends groups one after the other. Where they are many it is a *givenUp when the client cancels its statement or goes away in
// between; the server gets the cancel request, too, because the group at work may be what takes long.
func (s *session) exchangeAll(groups []*hiddenGroup) error {
	var cancel <-chan struct{}
	var gone <-chan error
	if len(groups) > manyGroups {
		cancel = s.asks.begin()
		defer s.asks.end()
		var unwatch func()
		gone, unwatch = s.watchClient()
		defer unwatch()
	}
	for _, g := range groups {
		err := s.exchange(g)
		select {
		case <-cancel:
			return &givenUp{cancelError()}
		case err := <-gone:
			return &givenUp{err}
		default:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exchange sends a group of messages that the client does not know of, and waits until it is answered. The error is what the
// answer is, or says why there is none.
func (s *session) exchange(g *hiddenGroup) error {
	q := &s.queue
	q.mu.Lock()
	if q.stop != nil {
		defer q.mu.Unlock()
		return q.stop
	}
	messages, err := g.start(&q.pipeline)
	q.mu.Unlock()
	if err != nil {
		return err
	}
	if _, err := s.server.Out.Write(messages); err != nil {
		return err
	}
	if err := s.await(func() bool { return g.done || g.skipped }); err != nil {
		return err
	}
	return g.answer()
}

// do does what was decided. errMoved: nothing was done, and it is to be decided again.
func (s *session) do(o *outcome) error {
	if o.instead != nil {
		return s.doInstead(o)
	}
	if o.kind == 0 {
		return s.relay()
	}
	full, err := s.pushIn(o.in, o.expect)
	if err != nil {
		return err
	}
	if s.series != nil {
		s.sentOfSeries()
	}
	if err := s.write(&o.sending); err != nil {
		return err
	}
	if o.then != nil {
		return s.send(o.then)
	}
	if full {
		return s.bound()
	}
	return nil
}

func (s *session) doInstead(o *outcome) error {
	switch i := o.instead; {
	case i.passing != nil:
		return s.passBy(o.in, i.passing)
	case i.discard != nil:
		return s.refusePassing(i.discard)
	}
	_ = s.relay()
	return errTerminated
}

// pushIn expects an answer, provided that texts are still looked at as in the epoch, which may be nil: else it does nothing
// and returns errMoved. full tells whether so many answers are due that they must be waited for.
func (s *session) pushIn(now *epoch, e expect) (full bool, err error) {
	q := &s.queue
	q.mu.Lock()
	switch {
	case q.stop != nil:
		defer q.mu.Unlock()
		return false, q.stop
	case now != nil && s.moved(now):
		q.mu.Unlock()
		return false, errMoved
	}
	q.pipeline.push(e)
	full = q.ring.n > maxExpected
	q.mu.Unlock()
	if now != nil && !now.live && !s.blind {
		s.blind = true
		s.doubtVersion()
	}
	return full, nil
}

// moved tells whether texts are to be looked at in another way than in the epoch.
func (s *session) moved(since *epoch) bool {
	now := s.srv.epoch.Load()
	return now.binder != since.binder || now.made != since.made
}

// send expects an answer and writes a message.
func (s *session) send(m *sending) error {
	full, err := s.pushIn(nil, m.expect)
	if err == nil {
		err = s.write(m)
	}
	if err == nil && full {
		err = s.bound()
	}
	return err
}

// write writes a message for the server.
func (s *session) write(m *sending) (err error) {
	if m.as == asItIs {
		return s.relay()
	}
	out := s.server.Out
	b := out.AvailableBuffer()
	switch m.as {
	case asQuery:
		b = wire.AppendQuery(b, m.source)
	case asParse:
		name, _, _ := cutString(s.frame.Body)
		b = wire.AppendParse(b, string(name), m.source, s.types)
	case asParseOfNothing:
		b = wire.AppendParse(b, "", m.source, nil)
	case asParseOfOurs:
		b = wire.AppendParse(b, reserved, m.source, nil)
	case asDescribe:
		b = wire.AppendDescribe(b, wire.StatementOf, s.sentName(m.stmt.Name()))
	case asSync:
		b = wire.AppendSync(b)
	case asCloseOfNothing:
		b = wire.AppendClose(b, wire.StatementOf, "")
	}
	_, err = out.Write(b)
	return err
}

// relay writes the message in s.frame as it is.
func (s *session) relay() error {
	if _, err := s.server.Out.Write(s.frame.Raw); err != nil {
		return err
	}
	if s.frame.Rest == 0 {
		return nil
	}
	return s.client.In.CopyRest(s.server.Out)
}

// bound waits while too many answers are outstanding.
func (s *session) bound() error {
	if s.looping {
		s.crowded = true // the loop has it waited for
		return nil
	}
	q := &s.queue
	return s.await(func() bool { return q.ring.n < maxExpected/2 || q.copyIn })
}
