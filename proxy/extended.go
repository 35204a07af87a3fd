package proxy

import (
	"errors"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// maxParse is the size of a Parse that is not remembered, and hence not held in memory, while nothing is live.
const maxParse = 1 << 20

// A plan is what was found out about a statement's text, for one binder and one view of the session.
type plan struct {
	binder     *rewrite.Binder
	made       *made
	hit        rewrite.Hit
	control    control
	text       *rewrite.Text   // nil until it was bound
	generation uint64          // of the view that it was bound in
	makes      *[]rewrite.Made // of a text with StateWords, once it is known; nil inside: nothing
}

// A portal is what is known of a portal: the zero value stands for one that does not matter.
type portal struct {
	text     *rewrite.Text
	stateful bool // executing it may change what later texts mean
	sets     bool // and segue.version
	makes    *[]rewrite.Made
}

// parse handles a Parse.
func (s *session) parse() error {
	for {
		now := s.srv.epoch.Load()
		err := s.parseIn(now)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

func (s *session) parseIn(now *epoch) error {
	if now.live || s.frame.Size() <= maxParse {
		if err := s.whole(); err != nil {
			return err
		}
	}
	name, rest, ok := cutString(s.frame.Body)
	if !ok {
		return s.pass(expect{kind: wire.Parse})
	}
	sql, rest, ok := cutString(rest)
	if s.frame.Rest > 0 {
		return s.passIn(now, expect{kind: wire.Parse, stmt: s.remember(name, nil, nil, true)})
	}
	if ok {
		s.types, ok = typesOf(s.types[:0], rest)
	}
	if !ok {
		return s.pass(expect{kind: wire.Parse}) // the server finds the same fault
	}
	if !now.live {
		return s.passIn(now, expect{kind: wire.Parse, stmt: s.remember(name, sql, s.types, false)})
	}
	hit := s.matchPrepared(now, sql, s.types)
	if hit != rewrite.Names {
		st := s.remember(name, sql, s.types, false)
		st.plan = plan{binder: now.binder, made: now.made, hit: hit, control: controlOf(sql)}
		return s.passIn(now, expect{kind: wire.Parse, stmt: st})
	}
	text, err := s.choose(sql, s.types, nil)
	var refused *wire.Error
	switch {
	case err == nil:
		return s.parseAs(text)
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return s.pass(expect{kind: wire.Parse, stmt: s.remember(name, sql, s.types, false)})
	case errors.As(err, &refused):
		return s.refuse(refused)
	}
	return err
}

// parseAs sends the Parse in s.frame with the text that was chosen for it.
func (s *session) parseAs(text *rewrite.Text) error {
	name, rest, _ := cutString(s.frame.Body)
	sql, _, _ := cutString(rest)
	st := s.remember(name, sql, s.types, false)
	st.plan = plan{binder: s.view.epoch.binder, made: s.view.epoch.made, hit: rewrite.Names, text: text, generation: s.view.generation}
	e := expect{kind: wire.Parse, stmt: st, text: text}
	if !text.Changed {
		return s.pass(e)
	}
	st.have = served{text: text}
	st.want = st.have
	s.rewrote = true
	s.srv.metrics.rewritten.Inc()
	if err := s.send(e, wire.AppendParse(s.server.out.AvailableBuffer(), string(name), text.SQL, s.types)); err != nil || len(name) == 0 {
		return err
	}
	// The client may know the result from a portal only.
	e = expect{kind: wire.Describe, flags: hidden, stmt: st, text: text}
	return s.send(e, wire.AppendDescribe(s.server.out.AvailableBuffer(), wire.StatementOf, st.slot.name))
}

// refuse makes the server fail where it would have failed at the client's message, with an error of ours.
func (s *session) refuse(refused *wire.Error) error {
	e := expect{kind: wire.Parse, fail: refused}
	return s.send(e, wire.AppendParse(s.server.out.AvailableBuffer(), reserved, rewrite.StandIn, nil))
}

// remember makes the statement of a Parse.
func (s *session) remember(name, sql []byte, types []uint32, lost bool) *statement {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	st := s.queue.stmts.open(name, sql, types)
	st.lost = st.lost || lost
	return st
}

// bind handles a Bind: what is bound has to be prepared in the text that is right now.
func (s *session) bind() error {
	for {
		now := s.srv.epoch.Load()
		if !now.live && !s.rewrote {
			return s.unlessMoved(now, expect{kind: wire.Bind})
		}
		if now.live {
			if err := s.whole(); err != nil {
				return err
			}
		}
		_, name, err := wire.DecodeBind(s.frame.Body)
		if err != nil {
			return s.pass(expect{kind: wire.Bind})
		}
		p, err := s.current(now, name)
		if err == nil {
			portalName, _, _ := cutString(s.frame.Body) // only now, for current may move the frame
			s.setPortal(portalName, p)
			err = s.passChosen(now, expect{kind: wire.Bind, text: p.text})
		}
		if !errors.Is(err, errMoved) {
			return s.answerRefusal(err, expect{kind: wire.Bind})
		}
	}
}

// passChosen is passIn, but what has a text is registered as in flight, and needs no second look.
func (s *session) passChosen(now *epoch, e expect) error {
	if e.text != nil {
		return s.pass(e)
	}
	return s.passIn(now, e)
}

// unlessMoved is passIn for messages that need no second look as long as nothing is live.
func (s *session) unlessMoved(now *epoch, e expect) error {
	err := s.passIn(now, e)
	if errors.Is(err, errMoved) {
		return s.message(s.frame.Type)
	}
	return err
}

// answerRefusal turns an error of current into what becomes of the message in s.frame.
func (s *session) answerRefusal(err error, e expect) error {
	var refused *wire.Error
	switch {
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return s.pass(e)
	case errors.As(err, &refused):
		if err := s.refuse(refused); err != nil {
			return err
		}
		return s.pass(e) // which the server discards
	}
	return err
}

// current sees to it that the server has the statement in the text that is right now, and says what running it means.
// The errors are those of choose.
func (s *session) current(now *epoch, name []byte) (portal, error) {
	q := &s.queue
	q.mu.Lock()
	st := q.stmts.lookup(name)
	var want served
	if st != nil {
		want = st.want
	}
	unsure := q.stmts.unsure
	q.mu.Unlock()
	if st == nil {
		return s.currentBySQL(now, string(name))
	}
	if now.live && st.lost {
		return portal{}, raise(&wire.Error{
			Code:    "0A000",
			Message: "the text of this prepared statement was not kept, so it cannot be adapted to the migration that is live",
			Hint:    "The session has prepared more than can be remembered: close statements that are not needed, or reconnect.",
		})
	}
	if unsure {
		if err := s.recount(now); err != nil {
			return portal{}, err
		}
	}
	if now.live && (st.plan.binder != now.binder || st.plan.made != now.made) {
		st.plan = plan{binder: now.binder, made: now.made, hit: s.matchPrepared(now, st.text, st.types), control: controlOf(st.text)}
	}
	if now.live && st.plan.control != noControl {
		if err := s.controls(now, st.plan.control); err != nil {
			return portal{}, err
		}
	}
	if !now.live || st.plan.hit != rewrite.Names {
		stateful := now.live && st.plan.hit == rewrite.StateWords
		if stateful && st.plan.makes == nil {
			made := now.binder.Makes(s.clientEncoding(), string(st.text))
			st.plan.makes = &made
		}
		p := portal{stateful: stateful, makes: st.plan.makes, sets: stateful && now.binder.MaySetVersion(st.text)}
		if want.is(nil) {
			return p, nil
		}
		failed, err := s.inFailed(true)
		if failed || err != nil {
			return portal{}, err
		}
		return p, s.reprepare(st, nil)
	}
	text, err := s.choose(st.text, st.types, &st.plan)
	if err != nil {
		return portal{}, err
	}
	if !want.is(text) {
		err = s.reprepare(st, text)
	}
	return portal{text: text}, err
}

// recount asks the server which statements are left, when one of which the name is not known was deallocated. In a failed
// transaction nothing can be asked, nor prepared again.
func (s *session) recount(now *epoch) error {
	failed, err := s.inFailed(true)
	switch {
	case err != nil:
		return err
	case failed:
		return errAborted
	}
	if err := s.refresh(now); err != nil {
		return err
	}
	return errMoved // look at the name again
}

// controls prepares for a statement that begins or may end a transaction, of the extended protocol or alone in a Query.
//
// Before one that begins, the view is read if it is not fresh. Else it would be read by a query inside the transaction,
// which takes the snapshot that a client at REPEATABLE READ means to take after a LOCK.
func (s *session) controls(now *epoch, c control) error {
	if c == ends {
		s.queue.groupMayEnd()
		return nil
	}
	s.rebase(now)
	if fresh, err := s.fresh(); fresh && !s.view.aged || err != nil {
		return err
	}
	s.queue.mu.Lock()
	outside := s.queue.quiet() && s.queue.status == wire.Idle
	s.queue.mu.Unlock()
	if !outside {
		return nil
	}
	err := s.refresh(now)
	var refused *wire.Error
	if errors.As(err, &refused) {
		s.view.stale = true
		return nil // the first statement that needs the view will say so
	}
	return err
}

// currentBySQL is current for a name that no Parse has made, but perhaps a PREPARE.
func (s *session) currentBySQL(now *epoch, name string) (portal, error) {
	if !now.live || name == "" || !s.mayExecute() {
		return portal{}, nil
	}
	// It is what EXECUTE would do.
	_, err := s.choose([]byte("EXECUTE "+quoteName(name)), nil, nil)
	return portal{}, err
}

// describe handles a Describe.
func (s *session) describe() error {
	for {
		now := s.srv.epoch.Load()
		what, name, err := wire.DecodeTarget(s.frame.Body)
		switch {
		case err != nil:
			return s.pass(expect{kind: wire.Describe})
		case what != wire.StatementOf:
			return s.pass(expect{kind: wire.Describe, text: s.portal(name).text})
		}
		var p portal
		if now.live || s.rewrote {
			p, err = s.current(now, name)
			_, name, _ = wire.DecodeTarget(s.frame.Body)
		}
		if err == nil {
			s.queue.mu.Lock()
			st := s.queue.stmts.lookup(name)
			s.queue.mu.Unlock()
			err = s.passChosen(now, expect{kind: wire.Describe, stmt: st, text: p.text})
		}
		if !errors.Is(err, errMoved) {
			return s.answerRefusal(err, expect{kind: wire.Describe})
		}
	}
}

// execute handles an Execute. The portal's plan holds its locks since Bind, so no gate is to be asked.
func (s *session) execute() error {
	name, _, err := wire.DecodeExecute(s.frame.Body)
	if err != nil {
		return s.pass(expect{kind: wire.Execute})
	}
	p := s.portal(name)
	e := expect{kind: wire.Execute, text: p.text}
	if p.makes != nil && len(*p.makes) > 0 {
		if e := s.srv.epoch.Load(); e.live {
			s.announceAll(e.binder, *p.makes)
		}
	}
	if p.stateful {
		s.changeNames()
	}
	if p.sets {
		s.doubtVersion()
	}
	if p.text != nil {
		s.announce(p.text)
		s.count(p.text)
		s.sent(p.text)
		e.flags = effects(p.text)
	}
	return s.pass(e)
}

// closeTarget handles a Close.
func (s *session) closeTarget() error {
	what, name, err := wire.DecodeTarget(s.frame.Body)
	if err != nil || what != wire.StatementOf {
		if err == nil {
			s.setPortal(name, portal{})
		}
		return s.pass(expect{kind: wire.Close})
	}
	s.queue.mu.Lock()
	st := s.queue.stmts.closing(name)
	s.queue.mu.Unlock()
	return s.pass(expect{kind: wire.Close, stmt: st})
}

// maxPortals bounds the named portals that are known; one that is not known costs its errors the version's names.
const maxPortals = 4096

func (s *session) portal(name []byte) portal {
	if len(name) == 0 {
		return s.unnamed
	}
	return s.portals[string(name)]
}

func (s *session) setPortal(name []byte, p portal) {
	switch {
	case len(name) == 0:
		s.unnamed = p
	case p == portal{}:
		delete(s.portals, string(name))
	default:
		if s.portals == nil || len(s.portals) >= maxPortals {
			s.portals = make(map[string]portal)
		}
		s.portals[string(name)] = p
	}
}
