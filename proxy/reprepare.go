package proxy

import (
	"strings"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// trial names what is prepared to see whether it can be, before what it is to replace is given up.
const trial = "_segue_trial_"

// prepareAgain prepares a statement anew under its name, unknown to the client; text nil stands for the client's own. It
// is prepared as it was made, by Parse or by PREPARE, and its bytes are read as they were then.
//
// All earlier answers are awaited before, and its own: so nothing that is sent later depends on what the server may have
// skipped. It is prepared under another name first. If that fails (a name that does not exist, a lock that is not got, a
// cancel) the server still has the statement as it was, and the error is the client's: that of PostgreSQL, too, when the
// result is another one than the client knows. The errors are those of choose; errMoved: the name has got another meaning.
func (s *session) prepareAgain(st *statement, text *rewrite.Text) error {
	if err := s.answered(); err != nil {
		return err
	}
	sql := ""
	var err error
	if text != nil {
		sql = text.SQL
	} else if sql, err = s.clientText(st); err != nil {
		return err
	}
	settings, err := s.readAgainAs(st.Read, sql)
	if err != nil {
		return err
	}
	q := &s.queue
	q.mu.Lock()
	switch {
	case q.stop != nil:
		defer q.mu.Unlock()
		return q.stop
	case q.skipping, q.copyIn:
		q.mu.Unlock()
		return errSkipped
	case !st.IsUnder():
		q.mu.Unlock()
		return errMoved
	}
	types := st.Parameters()
	q.stmts.Replace(st, servedBy(text))
	q.mu.Unlock()

	g := &hiddenGroup{text: text}
	for _, set := range settings {
		g.run(nil, set.to(set.then))
	}
	name := s.sentName(st.Name())
	if st.SQL {
		if under, ok := rewrite.PrepareUnder(sql, trial); ok {
			g.close(nil, trial)
			g.run(nil, under)
			g.close(nil, trial)
		}
		g.close(st, name)
		g.run(st, sql)
	} else {
		g.parse(nil, reserved, sql, types)
		g.close(nil, reserved)
		g.close(st, name)
		g.parse(st, name, sql, types)
		g.describe(st, name)
	}
	for _, set := range settings {
		g.run(nil, set.to(set.now))
	}
	s.rewrote = true
	s.srv.metrics.reprepared.Inc()
	err = s.runHidden(g)
	if text == nil {
		err = s.behind(err, st.Before)
	} else {
		err = s.behind(s.inTextsWords(err, text), st.Before)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stmts.Kept(st)
	if err == nil && st.Memo.result.differs {
		st.Memo.result.differs = false
		q.stmts.Void(st)
		if text != nil && !st.Memo.keepsTypes { // perhaps only because names are printed as text
			st.Memo.keepsTypes, st.Memo.plan.text = true, nil
			return errMoved
		}
		return &wire.Error{Code: "0A000", Message: "cached plan must not change result type"}
	}
	return err
}

// behind moves the position of an error that is for the client.
func (s *session) behind(err error, characters int) error {
	if e, ok := err.(*wire.Error); ok && characters > 0 {
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

// readAgainAs lists the settings that have to be others for a while so that the server reads a text as it was read before.
func (s *session) readAgainAs(read prepared.Reading, sql string) ([]setting, error) {
	if !prepared.Matters(sql) {
		return nil, nil
	}
	if read.Doubt {
		return nil, readInDoubt()
	}
	var list []setting
	for _, x := range []setting{
		{name: "client_encoding", then: read.Encoding},
		{name: "standard_conforming_strings", then: onOff(read.Standard)},
		{name: "backslash_quote", then: "on"}, // it was accepted once
	} {
		if x.name == "backslash_quote" && !strings.Contains(sql, `\'`) {
			continue
		}
		now, err := s.ask("SHOW " + x.name) // which is reported late, and takes no snapshot
		if err != nil {
			return nil, err
		}
		if x.now = string(now); x.now != x.then && x.then != "" {
			list = append(list, x)
		}
	}
	return list, nil
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
