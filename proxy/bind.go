package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
)

// bind decides about a Bind: what is bound has to be prepared in the text that is right now.
func (s *session) bind(now *epoch) (outcome, error) {
	if !now.live && !s.rewrote && !s.follows {
		return passIn(now, expect{kind: wire.Bind}), nil
	}
	if err := s.begins(); err != nil {
		return outcome{}, err
	}
	_, name, err := wire.DecodeBind(s.frame.Body)
	if err != nil && s.frame.Rest > 0 {
		return outcome{instead: &instead{
			discard: raise(&wire.Error{Code: "54000", Message: "the names in this message are too long"}),
		}}, nil
	}
	if err != nil {
		return pass(expect{kind: wire.Bind}), nil
	}
	if err := s.refuseNamesBound(now, s.keyOf(name)); err != nil {
		return outcome{}, err
	}
	_, name, _ = wire.DecodeBind(s.frame.Body) // the frame may have moved
	p, err := s.current(now, s.keyOf(name))
	if err != nil {
		return outcome{}, err
	}
	portalName, _, _ := cutString(s.frame.Body) // only now, for current may move the frame
	if p.text != nil {
		p.bound = s.queue.moment()
	}
	s.setPortal(portalName, p)
	if p.runs { // it may when it is planned, or when a parameter is read
		s.runCode()
	}
	return passChosen(now, expect{kind: wire.Bind, text: p.text}), nil
}

// begins asks for as much of the message in s.frame as its names can take. The rest of it is not held.
func (s *session) begins() error {
	if s.frame.Rest > 0 && len(s.frame.Raw) < maxNames {
		return &question{kind: moreOfMessage, bytes: maxNames}
	}
	return nil
}

// maxNames bounds the names at the beginning of a message, in bytes. Of each the server takes 63.
const maxNames = 32 << 10

// passChosen is passIn, but what has a text is registered as in flight, and needs no second look.
func passChosen(now *epoch, e expect) outcome {
	if e.text != nil {
		return pass(e)
	}
	return passIn(now, e)
}

// describe decides about a Describe.
func (s *session) describe(now *epoch) (outcome, error) {
	what, name, err := wire.DecodeTarget(s.frame.Body)
	switch {
	case err != nil:
		return pass(expect{kind: wire.Describe}), nil
	case what != wire.StatementOf:
		return pass(expect{kind: wire.Describe, text: s.described(name)}), nil
	}
	var p portal
	if now.live || s.rewrote {
		if p, err = s.current(now, s.keyOf(name)); err != nil {
			return outcome{}, err
		}
		_, name, _ = wire.DecodeTarget(s.frame.Body)
	}
	key := s.keyOf(name)
	s.queue.mu.Lock()
	st, sure := s.queue.stmts.Find(key)
	s.queue.mu.Unlock()
	if !sure {
		st = nil
	}
	return passChosen(now, expect{kind: wire.Describe, stmt: st, text: p.text}), nil
}

// execute decides about an Execute. The portal's plan holds its locks since Bind, so no gate is to be asked.
func (s *session) execute(now *epoch) outcome {
	name, _, err := wire.DecodeExecute(s.frame.Body)
	if err != nil {
		return pass(expect{kind: wire.Execute})
	}
	p := s.portal(name)
	if now.live && (p.runs || s.state.code.armed && p == portal{}) {
		s.runCode()
	}
	e := expect{kind: wire.Execute, text: p.text, back: p.back}
	if p.sql != nil {
		s.queue.mu.Lock()
		e.sql = s.queue.stmts.Copy(p.sql)
		s.queue.mu.Unlock()
	}
	if p.makes != nil && len(*p.makes) > 0 && now.live && s.announceAll(now, *p.makes, p.sets && now.made.changes(s, nil)) {
		e.flags |= unshared
	}
	if p.stateful {
		s.changeNames(p.settles)
	}
	if p.sets {
		s.doubtVersion()
	}
	if p.text != nil {
		if s.announce(p.text) {
			e.flags |= unshared
		}
		s.count(p.text)
		s.sent(p.text)
		e.flags |= effects(p.text)
	}
	return pass(e)
}

// closeTarget decides about a Close.
func (s *session) closeTarget() outcome {
	what, name, err := wire.DecodeTarget(s.frame.Body)
	if err != nil || what != wire.StatementOf {
		if err == nil {
			s.setPortal(name, portal{})
		}
		return pass(expect{kind: wire.Close})
	}
	key := s.keyOf(name)
	s.queue.mu.Lock()
	closed := s.queue.stmts.Named(key)
	s.queue.mu.Unlock()
	return pass(expect{kind: wire.Close, name: closed})
}
