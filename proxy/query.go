package proxy

import (
	"bytes"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// query decides about a simple Query while a migration is live.
func (s *session) query(now *epoch) (outcome, error) {
	if held, err := s.hold(now.binder.MaxBytes()); err != nil {
		return outcome{}, err
	} else if !held {
		return s.passQuery(now), nil
	}
	sql, err := wire.DecodeQuery(s.frame.Body)
	if err != nil {
		return pass(expect{kind: wire.Query, piece: s.piece}), nil // the server finds the same fault
	}
	if s.looping && mayPrepare(sql) {
		return outcome{}, rewrite.ErrPostponed
	}
	s.takesSnapshot = takesSnapshotFirst(sql)
	s.rebase(now)
	if err := s.settleCode(now, sql); err != nil {
		return outcome{}, err
	}
	makes := s.mayMake(now, sql)
	out, err := s.queryText(now, sql)
	if err == nil && (makes || s.at.makes) {
		s.runCode()
	}
	return out, err
}

// queryText is query for a text that is at hand.
func (s *session) queryText(now *epoch, sql []byte) (outcome, error) {
	raw := s.unbound(sql)
	switch s.match(now, sql) {
	case prefilter.Miss:
		if controlOf(sql) == begins {
			if err := s.controls(now, begins); err != nil {
				return outcome{}, err
			}
		}
		return passIn(now, raw), nil
	case prefilter.StateWords:
		if s.looping {
			return outcome{}, rewrite.ErrPostponed
		}
		raw.back = s.goesBack(sql)
		if made := now.binder.Makes(s.clientEncoding(), string(sql)); made != nil {
			if s.moved(now) {
				return outcome{}, errMoved
			}
			if s.announceAll(now, made, now.made.changes(s, sql)) && isSingle(sql) {
				raw.flags |= unshared
			}
			s.changeBy(now, sql)
			return pass(raw), nil
		}
		s.changeBy(now, sql)
		return passIn(now, raw), nil
	}
	raw.back = s.goesBack(sql)
	text, err := s.choose(sql, nil, nil)
	if err != nil {
		return outcome{}, err
	}
	if text.Pieces != nil {
		s.beginSeries(text.Pieces)
		return outcome{}, errMoved
	}
	flags := effects(text)
	if s.announce(text) {
		flags |= unshared
	}
	s.count(text)
	s.sent(text)
	out := pass(expect{kind: wire.Query, sql: s.changesOf(text), back: raw.back, text: text, flags: flags, piece: s.piece})
	if text.Changed {
		out.as, out.source = asQuery, text.SQL
		s.srv.metrics.rewritten.Inc()
	}
	return out, nil
}

// unbound is what is expected of a Query in a text that nobody binds.
func (s *session) unbound(sql []byte) expect {
	if !s.at.changesKnown {
		s.at.changes, s.at.changesKnown = s.changesIn(sql, s.frame.Rest == 0), true
	}
	return expect{kind: wire.Query, sql: s.at.changes, piece: s.piece}
}

// queryUnseen decides about a simple Query while nothing is live.
func (s *session) queryUnseen(now *epoch) (outcome, error) {
	start, _, ok := cutString(s.frame.Body)
	if !ok {
		start = s.frame.Body
	}
	if !s.rewrote && !mayPrepare(start) {
		return passIn(now, expect{kind: wire.Query, piece: s.piece}), nil
	}
	if s.looping {
		return outcome{}, rewrite.ErrPostponed
	}
	limit := maxParse
	if s.rewrote {
		limit = s.srv.maxText
	}
	if held, err := s.hold(limit); err != nil {
		return outcome{}, err
	} else if !held && s.rewrote {
		return s.passQueryUnseen(now), nil
	}
	sql, _ := wire.DecodeQuery(s.frame.Body)
	if s.rewrote && prepared.MayExecute(sql) {
		if err := s.giveBackMentioned(sql); err != nil {
			return outcome{}, err
		}
	}
	return passIn(now, s.unbound(sql)), nil
}

// isSingle reports whether a text surely is a single statement.
func isSingle(sql []byte) bool {
	at := bytes.IndexByte(sql, ';')
	return at < 0 || at == len(bytes.TrimRight(sql, " \t\r\n"))-1
}

// effects are the flags for what a text does to everybody.
func effects(t *rewrite.Text) expectFlags {
	for i := range t.Statements {
		if t.Statements[i].Effect.Schema {
			return schema
		}
	}
	return 0
}
