package proxy

import (
	"errors"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A sqlStatement is a statement made by SQL PREPARE. It belongs to the client's goroutine.
type sqlStatement struct {
	client string // the client's text of the PREPARE
	source string // what pg_prepared_statements shows of it: the whole text that it was part of
	made   string // the PREPARE as it was sent
}

// learnPrepared follows what the server lists. What it lists and the session does not know was prepared while nothing
// was looked at, so it is the client's own text.
func (s *session) learnPrepared(list []struct{ Name, Text string }) {
	if len(list) == 0 {
		s.view.bySQL = nil
		return
	}
	known := s.view.bySQL
	s.view.bySQL = make(map[string]*sqlStatement, len(list))
	for _, p := range list {
		st := known[p.Name]
		if st == nil || st.source != p.Text {
			st = &sqlStatement{client: p.Text, source: p.Text, made: p.Text}
		}
		s.view.bySQL[p.Name] = st
	}
}

// preparedHits lists the SQL-prepared statements that may concern a table under migration.
func (s *session) preparedHits(e *epoch) map[string]bool {
	var hits map[string]bool
	if e.binder == nil {
		return nil
	}
	for name, st := range s.view.bySQL {
		if text := []byte(st.client); e.binder.Match(text, false) != rewrite.Names && !e.binder.ShowsCatalogs(text) &&
			!e.made.named(s, text) && !s.view.ownNames.In(text) {
			continue
		}
		if hits == nil {
			hits = make(map[string]bool)
		}
		hits[name] = true
	}
	return hits
}

// mayExecute tells whether an EXECUTE may run a statement of which the text does not speak.
func (s *session) mayExecute() bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.stmts.bySQL || len(s.view.bySQL) > 0
}

// enterAll enters with a text and with what it executes by name, which is prepared anew first if it was prepared in
// another text than it would be now.
func (s *session) enterAll(e *epoch, t *rewrite.Text) (*rewrite.Text, error) {
	var executed []*rewrite.Text
	here := map[string]bool{}
	for i := range t.Statements {
		effect := &t.Statements[i].Effect
		if effect.Prepare != nil {
			here[effect.Prepare.Name] = true
		}
		st := s.view.bySQL[effect.Execute]
		if effect.Execute == "" || st == nil || here[effect.Execute] || !s.view.session.Prepared[effect.Execute] {
			continue
		}
		x, err := s.prepareAgain(e, effect.Execute, st)
		if err != nil {
			return nil, err
		}
		executed, t = append(executed, x), t.Explaining(x)
	}
	for _, x := range executed {
		if err := s.enter(e, x); err != nil {
			return nil, err
		}
		s.count(x)
	}
	return t, s.enter(e, t)
}

// prepareAgain returns the text of a SQL-prepared statement as it is to be now, and sees to it that the server has it so.
func (s *session) prepareAgain(e *epoch, name string, st *sqlStatement) (*rewrite.Text, error) {
	binder, err := s.binderFor(e, st.client, nil)
	if err != nil {
		return nil, err
	}
	x, err := binder.Rewrite(s.asking(e, binder, nil), st.client)
	var need *rewrite.NeedRelation
	if errors.As(err, &need) {
		if err := s.lookUp(e, binder, need); err != nil {
			return nil, err
		}
		return nil, errMoved
	}
	if err != nil {
		return nil, err
	}
	if x.Pieces != nil {
		return nil, raise(&wire.Error{Code: "0A000", Message: "the text of the prepared statement is not known"})
	}
	if len(x.Statements) > 1 { // the server shows the whole text that it was part of
		for i := range x.Statements {
			if p := x.Statements[i].Effect.Prepare; p != nil && p.Name == name {
				st.client, st.made = p.Client, p.Client
				return nil, errMoved
			}
		}
		return nil, raise(&wire.Error{Code: "0A000", Message: "the text of the prepared statement is not known"})
	}
	for i := range x.Statements {
		if f := x.Statements[i].Failure; f != nil {
			e := ownError(f)
			e.Position = "" // it counts in the text of PREPARE
			return nil, e
		}
	}
	if x.SQL == st.made {
		return x, nil
	}
	if err := s.enter(e, x); err != nil {
		return nil, err
	}
	for _, sql := range []string{"DEALLOCATE " + quoteName(name), x.SQL} {
		if _, err := s.ask(sql); err != nil && !errors.Is(err, errNoRow) {
			return nil, err
		}
	}
	st.made, st.source = x.SQL, x.SQL
	if x.Changed {
		s.rememberShown(x.SQL, st.client)
	}
	return x, nil
}

// sent takes note of what a text that was just sent does to the session.
func (s *session) sent(t *rewrite.Text) {
	s.rememberSent(t)
	for i := range t.Statements {
		st := &t.Statements[i]
		if st.Failure != nil {
			return // nothing behind it is executed
		}
		if st.Effect.State {
			s.changeNames()
		}
		if st.Effect.Version {
			s.doubtVersion()
		}
		if st.Effect.Schema {
			s.view.forgetAnswers()
		}
		switch effect := &st.Effect; {
		case effect.Prepare != nil:
			if s.view.bySQL == nil {
				s.view.bySQL = make(map[string]*sqlStatement)
			}
			s.view.bySQL[effect.Prepare.Name] = &sqlStatement{
				client: effect.Prepare.Client, source: t.SQL, made: t.SQL[st.Start:st.End],
			}
			s.changeNames()
		case effect.Deallocate != "", effect.DropAll:
			s.changeNames() // the probe tells what is left
		}
	}
}
