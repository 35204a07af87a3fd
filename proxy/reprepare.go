package proxy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// trial names what is prepared to see whether it can be, before what it is to replace is given up.
const trial = "_segue_trial_"

// prepareAgain asks that a statement is prepared anew under its name, unknown to the client; text nil stands for the client's own.
// It is prepared as it was made, by Parse or by PREPARE, and its bytes are read as they were then. Preparing it takes locks on the
// tables of a text, so it goes by the gate of e as the text does.
//
// All earlier answers are awaited before, and its own: so nothing that is sent later depends on what the server may have
// skipped. It is prepared under another name first. If that fails (a name that does not exist, a lock that is not got, a
// cancel) the server still has the statement as it was, and the error is the client's: that of PostgreSQL, too, when the
// result is another one than the client knows.
func (s *session) prepareAgain(e *epoch, st *statement, text *rewrite.Text) error {
	if err := s.answered(); err != nil {
		return err
	}
	sql := ""
	if text != nil {
		sql = text.SQL
		if err := s.mayPass(e, text.Tables); err != nil {
			return err
		}
	} else {
		var err error
		if sql, err = s.clientText(st); err != nil {
			return err
		}
	}
	return s.readAgainAs(st.Read, sql, func(settings []setting) error {
		g := s.preparing(st, text, sql, settings)
		g.before = func(p *pipeline) error {
			if err := s.mayPrepareNow(e, st, text, p); err != nil {
				return err
			}
			p.stmts.Replace(st, servedBy(text))
			s.rewrote = true
			s.srv.metrics.reprepared.Inc()
			return nil
		}
		return &question{kind: preparingAgain, groups: []*hiddenGroup{g}, then: func(err error) error { return s.preparedAgain(st, text, s.behind(err, -g.longer)) }}
	})
}

// mayPrepareNow says why a statement cannot be prepared anew at the moment when that is about to be sent. queue.mu is held.
func (s *session) mayPrepareNow(e *epoch, st *statement, text *rewrite.Text, p *pipeline) error {
	switch {
	case p.skipping, p.copyIn:
		return errSkipped
	case !st.IsUnder():
		return errMoved
	case text == nil:
		return nil
	}
	closed, err := s.takeOff(e, text.Tables, text.TxControl, s.at.lockAt == e && s.at.holdsLock)
	if closed {
		return errMoved
	}
	return err
}

// preparing makes the messages that prepare a statement anew.
func (s *session) preparing(st *statement, text *rewrite.Text, sql string, settings []setting) *hiddenGroup {
	g := &hiddenGroup{flags: hidden | reprepare, text: text}
	for _, set := range settings {
		g.run(nil, set.to(set.then))
	}
	name := s.sentName(st.Name())
	if st.SQL {
		if under, ok := rewrite.PrepareUnder(sql, trial); ok {
			g.longer = utf8.RuneCountInString(under) - utf8.RuneCountInString(sql)
			g.close(nil, trial)
			g.run(nil, under)
			g.close(nil, trial)
		}
		g.close(st, name)
		g.run(st, sql)
	} else {
		types := st.Parameters()
		g.parse(nil, reserved, sql, types)
		g.close(nil, reserved)
		g.close(st, name)
		g.parse(st, name, sql, types)
		g.describe(st, name)
	}
	for _, set := range settings {
		g.run(nil, set.to(set.now))
	}
	return g
}

// preparedAgain takes the answer to what preparing has made.
func (s *session) preparedAgain(st *statement, text *rewrite.Text, err error) error {
	if text == nil {
		err = s.behind(err, st.Before)
	} else {
		err = s.behind(s.inTextsWords(err, text), st.Before)
	}
	q := &s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stmts.Kept(st)
	if err == nil && st.Memo.result.differs {
		st.Memo.result.differs = false
		q.stmts.Void(st)
		if text != nil && !st.Memo.keepsTypes { // perhaps only because names are printed as text
			st.Memo.keepsTypes, st.Memo.analysis.text = true, nil
			return errMoved
		}
		return &wire.Error{Code: "0A000", Message: "cached plan must not change result type"}
	}
	return err
}

// behind moves the position of an error that is for the client, forward if characters is positive.
func (s *session) behind(err error, characters int) error {
	if e, ok := err.(*wire.Error); ok && characters != 0 {
		fields := e.Fields()
		moved := movedBy(fields.Error(), characters)
		fields.Set(wire.FieldPosition, moved.Position)
		return verbatim(fields)
	}
	return err
}

// inTextsWords puts an error that is for the client into the words of the text that it is about.
func (s *session) inTextsWords(err error, t *rewrite.Text) error {
	e, ok := err.(*wire.Error)
	if !ok || !replaceable(e.Fields()) {
		return err
	}
	return verbatim(s.inClientsWords(e.Fields(), t))
}

// A setting decides how a text is read.
type setting struct{ name, then, now string }

// to is the statement that sets it until the transaction ends.
func (s *setting) to(value string) string {
	return "SET LOCAL " + s.name + " TO '" + strings.ReplaceAll(value, "'", "''") + "'"
}

// readAgainAs lists the settings that have to be others for a while so that the server reads a text as it was read before. It
// asks where that depends on what they are.
func (s *session) readAgainAs(read prepared.Reading, sql string, then func([]setting) error) error {
	if !prepared.Matters(sql) {
		return then(nil)
	}
	if read.Doubt {
		return readInDoubt()
	}
	settings := []setting{
		{name: "client_encoding", then: read.Encoding},
		{name: "standard_conforming_strings", then: onOff(read.Standard)},
	}
	if strings.Contains(sql, `\'`) {
		settings = append(settings, setting{name: "backslash_quote", then: "on"}) // it was accepted once
	}
	queries := make([]*hiddenGroup, len(settings))
	for i := range settings {
		queries[i] = ownQuery("SHOW "+settings[i].name, false) // which is reported late, and takes no snapshot
	}
	return s.askAll(queries, true, func() error {
		for i := range settings {
			now, err := queries[i].value()
			if err != nil {
				return err
			}
			settings[i].now = string(now)
		}
		return then(slices.DeleteFunc(settings, func(x setting) bool { return x.now == x.then || x.then == "" }))
	})
}

func readInDoubt() error {
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "it is not known how the text of this prepared statement is to be read, because client_encoding or standard_conforming_strings was changed in the same group of messages",
		Hint:    "Prepare it again.",
	})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
