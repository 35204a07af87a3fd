package proxy

import (
	"errors"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// An outcome is what becomes of a message of the client's, once that is decided. The zero value passes the message on, and no
// answer is due.
type outcome struct {
	in      *epoch   // it holds only as long as texts are looked at as in this epoch; nil: in any case
	sending          // in place of the message, or the message itself
	then    *sending // what is sent behind it; nil: nothing
	instead *instead // what is done in place of all that; nil: nothing
}

// An instead is what is done in place of sending one message. One of its fields is set.
type instead struct {
	passing *passingText // the message passes by
	discard *wire.Error  // it is refused, and the rest of it is not looked at
	ends    bool         // it is the client's last
}

// A sending is a message for the server, and what answer is due.
type sending struct {
	expect // of kind 0: no answer is due
	as     form
	source string // text of a Query or a Parse
}

// A form says how a message is made.
type form byte

const (
	asItIs form = iota // the client's own message
	asQuery
	asParse          // with the name and the types of the client's
	asParseOfNothing // of the unnamed statement
	asParseOfOurs    // of the name that is reserved
	asDescribe       // of the statement in expect
	asCloseOfNothing // of the unnamed statement
	asSync
)

// pass is the outcome that the message goes on as it is, and has an answer.
func pass(e expect) outcome { return outcome{sending: sending{expect: e}} }

// passIn is pass for as long as texts are looked at as in the epoch.
func passIn(now *epoch, e expect) outcome { return outcome{in: now, sending: sending{expect: e}} }

// decide says what becomes of the message in s.frame, or what the next message of a series is. It does no I/O, and waits for nobody but who binds long texts. The error is a
// *question if it cannot be decided yet; after any other the session is over.
func (s *session) decide(out *outcome) error {
	for {
		now, err := s.srv.epoch.Load(), error(nil)
		if s.series == nil {
			err = s.decideIn(now, out)
		} else {
			err = s.decideSeries(now, out)
		}
		if err == nil {
			return nil
		}
		if _, asks := err.(*question); asks {
			return err
		}
		if !errors.Is(err, errMoved) {
			*out, err = s.settle(err)
			return err
		}
	}
}

// decideIn is decide in an epoch. errMoved: it is to be decided again. The other errors are those of choose.
func (s *session) decideIn(now *epoch, out *outcome) (err error) {
	kind := s.frame.Type
	switch kind {
	case wire.Bind:
		*out, err = s.bind(now)
	case wire.Describe:
		*out, err = s.describe(now)
	case wire.Execute:
		*out = s.execute(now)
	case wire.Query:
		if now.live {
			*out, err = s.query(now)
		} else {
			*out, err = s.queryUnseen(now)
		}
	case wire.Parse:
		*out, err = s.parse(now)
	case wire.Close:
		*out = s.closeTarget()
	case wire.Sync:
		*out = pass(expect{kind: kind})
	case wire.FuncCall:
		s.change() // the function has only a number, and may be set_config
		if now.live && (now.binder.HasMakers() || now.made != nil) {
			s.runCode()
		}
		*out = pass(expect{kind: kind})
	case wire.CopyDone, wire.CopyFail:
		*out = pass(expect{kind: wire.CopyDone})
	case wire.Terminate:
		*out = outcome{instead: &instead{ends: true}}
	default: // CopyData and Flush have no answer; the server says what it thinks of any other
		*out = outcome{}
	}
	return err
}

// settle says what becomes of a message that an error has taken the place of an outcome for.
func (s *session) settle(err error) (outcome, error) {
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		return s.refuse(refused), nil
	case errors.Is(err, errSkipped), errors.Is(err, errAborted):
		return s.passUnseen(), nil
	}
	return outcome{}, err
}

// refuse makes the server fail where it would have failed at the client's message, with an error of ours.
func (s *session) refuse(refused *wire.Error) outcome {
	switch kind := s.frame.Type; kind {
	case wire.Query:
		return outcome{sending: s.standIn(kind, refused)}
	case wire.Parse:
		return outcome{sending: s.standInParse(refused, s.frame.Body[0] == 0)}
	default: // which the server discards
		return outcome{sending: s.standInParse(refused, false), then: &sending{expect: expect{kind: kind}}}
	}
}

// standIn is a message that the server rejects, in place of the client's Query or Parse.
func (s *session) standIn(kind byte, refused *wire.Error) sending {
	if kind == wire.Query {
		return sending{expect: expect{kind: kind, fail: refused, piece: s.piece}, as: asQuery, source: rewrite.StandIn}
	}
	return s.standInParse(refused, false)
}

// standInParse is standIn for messages of the extended protocol; unnamed says that it is a Parse of the unnamed statement.
func (s *session) standInParse(refused *wire.Error, unnamed bool) sending {
	m := sending{expect: expect{kind: wire.Parse, fail: refused}, as: asParseOfOurs, source: rewrite.StandIn}
	if unnamed { // one that fails ends the unnamed statement
		m.as, m.stmt = asParseOfNothing, s.open(nil, nil, nil, false)
	}
	return m
}

// passUnseen passes on a message that the server does not execute, or that it executes whatever names are in it.
func (s *session) passUnseen() outcome {
	switch kind := s.frame.Type; kind {
	case wire.Query:
		sql, _ := wire.DecodeQuery(s.frame.Body)
		e := s.unbound(sql)
		e.back = s.goesBack(sql)
		return pass(e)
	case wire.Parse:
		name, rest, _ := cutString(s.frame.Body)
		sql, _, _ := cutString(rest)
		st := s.open(name, sql, s.types, false)
		s.follow(st)
		return pass(expect{kind: kind, stmt: st})
	default:
		return pass(expect{kind: kind})
	}
}
