package proxy

import (
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// maxParse is the size of a Parse that is not remembered, and hence not held in memory, while nothing is live.
const maxParse = 1 << 20

// parse decides about a Parse.
func (s *session) parse(now *epoch) (outcome, error) {
	limit := maxParse
	if now.live {
		limit = now.binder.MaxBytes()
	}
	if held, err := s.hold(limit); err != nil {
		return outcome{}, err
	} else if !held && now.live {
		return s.passParse(now), nil
	}
	if err := s.begins(); err != nil { // the name is at the beginning of it
		return outcome{}, err
	}
	name, rest, ok := cutString(s.frame.Body)
	if !ok {
		return pass(expect{kind: wire.Parse}), nil
	}
	sql, rest, ok := cutString(rest)
	if s.frame.Rest > 0 {
		return passIn(now, expect{kind: wire.Parse, stmt: s.open(name, nil, nil, true)}), nil
	}
	if ok {
		s.types, ok = typesOf(s.types[:0], rest)
	}
	if !ok {
		return pass(expect{kind: wire.Parse}), nil // the server finds the same fault
	}
	s.takesSnapshot = takesSnapshotFirst(sql)
	if !now.live {
		return s.parseUnseen(now, name, sql)
	}
	s.rebase(now)
	if err := s.settleCode(now, sql); err != nil {
		return outcome{}, err
	}
	makes := s.mayMake(now, sql)
	hit := s.matchPrepared(now, sql, s.types)
	if hit != prefilter.Names {
		if controlOf(sql) == begins { // it may be executed in the same group, where it is too late to ask
			if err := s.controls(now, begins); err != nil {
				return outcome{}, err
			}
		}
		st := s.open(name, sql, s.types, false)
		s.follow(st)
		st.Memo.analysis = analysis{binder: now.binder, made: now.made, hit: hit, control: controlOf(sql)}
		if makes {
			s.parseCode(st)
		}
		return passIn(now, expect{kind: wire.Parse, stmt: st}), nil
	}
	text, err := s.choose(sql, s.types, nil)
	if err != nil {
		return outcome{}, err
	}
	out := s.parseAs(text)
	if makes {
		s.parseCode(out.expect.stmt)
	}
	return out, nil
}

// parseUnseen decides about a Parse while nothing is live.
func (s *session) parseUnseen(now *epoch, name, sql []byte) (outcome, error) {
	if s.rewrote && prepared.MayExecute(sql) {
		if err := s.giveBackMentioned(sql); err != nil {
			return outcome{}, err
		}
	}
	st := s.open(name, sql, s.types, false)
	s.follow(st)
	return passIn(now, expect{kind: wire.Parse, stmt: st}), nil
}

// follow notes whether executing the statement changes what is prepared by SQL.
func (s *session) follow(st *statement) { s.follows = s.follows || mayPrepare(st.Text) }

// parseAs is the outcome that the Parse in s.frame is sent with the text that was chosen for it.
func (s *session) parseAs(text *rewrite.Text) outcome {
	name, rest, _ := cutString(s.frame.Body)
	sql, _, _ := cutString(rest)
	st := s.open(name, sql, s.types, false)
	st.Memo.analysis = analysis{
		binder: s.state.epoch.binder, made: s.state.epoch.made, hit: prefilter.Names, control: controlOf(sql), text: text, generation: s.state.generation,
	}
	if executesByName(text) {
		st.Memo.analysis.text = nil
	}
	out := pass(expect{kind: wire.Parse, stmt: st, text: text})
	if !text.Changed {
		return out
	}
	st.Have = servedBy(text)
	st.Coming = st.Have
	s.rewrote = true
	s.srv.metrics.rewritten.Inc()
	out.as, out.source = asParse, text.SQL
	if len(name) > 0 { // the client may know the result from a portal only
		e := expect{kind: wire.Describe, flags: hidden, stmt: st, text: text}
		out.then = &sending{expect: e, as: asDescribe}
	}
	return out
}
