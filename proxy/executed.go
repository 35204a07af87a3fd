package proxy

import (
	"bytes"
	"errors"
	"slices"
	"strconv"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// SQL EXECUTE runs a statement of which its own text says only the name. So before it is sent, the statement is prepared
// anew if the server has it in another text than the right one: as for Bind, whichever of the two has made it.

// enterAll enters with a text and with what it executes by name. All of it is one flight, so that the gate holds all or
// nothing of it. That comes last, after all that may be asked.
func (s *session) enterAll(e *epoch, t *rewrite.Text) (*rewrite.Text, error) {
	if err := s.recountBefore(t); err != nil {
		return nil, err
	}
	var executed []*rewrite.Text
	var stateful []*statement
	made := map[string]bool{}
	for i := range t.Statements {
		effect := &t.Statements[i].Effect
		if effect.Execute != "" && !made[effect.Execute] {
			if effect.Names {
				if err := s.refuseNames(e, []byte(effect.Execute)); err != nil {
					return nil, err
				}
			}
			st, x, err := s.executes(e, []byte(effect.Execute))
			if err != nil {
				return nil, err
			}
			if x != nil {
				executed, t = append(executed, x), t.Explaining(x)
			} else if st != nil && st.Memo.analysis.hit == prefilter.StateWords {
				stateful = append(stateful, st)
			}
		}
		if effect.Prepare != nil {
			made[effect.Prepare.Name] = true
		}
	}
	executed, stateful, err := s.executesInside(e, t, made, executed, stateful)
	if err != nil {
		return nil, err
	}
	tables, ends := t.Tables, t.TxControl
	for _, x := range executed {
		for _, oid := range x.Tables {
			if !slices.Contains(tables, oid) {
				tables = append(slices.Clip(tables), oid)
			}
		}
	}
	if err := s.enterTables(e, tables, ends); err != nil {
		return nil, err
	}
	for _, x := range executed {
		s.count(x)
	}
	for _, st := range stateful {
		s.changeByStatement(e, st)
	}
	return t, nil
}

// refuseNames refuses an EXECUTE that has the name of a table in an argument which the statement takes as one.
func (s *session) refuseNames(e *epoch, name []byte) error {
	st, err := s.find(name)
	if st == nil || err != nil {
		return err
	}
	if !rewrite.TakesNames(st.Types) && (!st.SQL || !st.Lost && !e.binder.TakesNames(st.Read.Encoding, st.Read.Standard, string(st.Text))) {
		return nil
	}
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "an argument of EXECUTE names a table under migration, for a parameter that was given the type regclass, regtype or regprocedure",
		Hint:    "Give the parameter the type text, and cast it in the statement: $1::regclass.",
	})
}

// executesInside sees to what a text may execute by name in strings, as DO does, and adds it to what else it executes.
func (s *session) executesInside(
	e *epoch, t *rewrite.Text, made map[string]bool, executed []*rewrite.Text, stateful []*statement,
) ([]*rewrite.Text, []*statement, error) {
	text := []byte(t.Client)
	if !prepared.MayExecute(text) || bytes.IndexByte(text, '\'') < 0 && bytes.IndexByte(text, '$') < 0 {
		return executed, stateful, nil
	}
	for i := range t.Statements {
		made[t.Statements[i].Effect.Execute] = true
	}
	for _, name := range s.mentioned(text, false) {
		if made[name] || s.at.left[name] {
			continue
		}
		st, x, err := s.executes(e, []byte(name))
		if err != nil {
			err = rescue(err, func(err error) error { return s.leaveOut(name, err) })
		}
		switch {
		case err != nil:
			return nil, nil, err
		case x != nil:
			executed = append(executed, x)
		case st != nil && st.Memo.analysis.hit == prefilter.StateWords:
			stateful = append(stateful, st)
		}
	}
	return executed, stateful, nil
}

// leaveOut passes over what is prepared under a name and cannot be adapted, for it is not said that it is executed.
func (s *session) leaveOut(name string, err error) error {
	var refused *wire.Error
	if !errors.As(err, &refused) {
		return err
	}
	if s.at.left == nil {
		s.at.left = make(map[string]bool)
	}
	s.at.left[name] = true
	return nil
}

// mentioned lists the names of prepared statements that are words of a text, wherever in it; with others, only of those
// that the server has in another text than the client's.
func (s *session) mentioned(text []byte, others bool) (names []string) {
	if prepared.Matters(text) {
		if utf8, ok := charset.Decode(s.reading().Encoding, string(text)); ok {
			text = []byte(utf8)
		}
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	s.queue.stmts.Mentioned(text, func(st *statement) {
		if (!others || st.Have != prepared.Served{}) && !slices.Contains(names, st.Name()) {
			names = append(names, st.Name())
		}
	})
	return names
}

// executes sees to it that the server has what is prepared under a name, which is st, in the text that is right now, and
// returns that; nil where it does not matter.
func (s *session) executes(e *epoch, name []byte) (st *statement, x *rewrite.Text, err error) {
	st, err = s.find(name)
	if st == nil || err != nil {
		return nil, nil, err
	}
	s.at.makes = s.at.makes || s.makesUnseen(e, st)
	if err := s.look(e, st); err != nil {
		return nil, nil, err
	}
	if st.Memo.analysis.hit != prefilter.Names {
		return st, nil, s.giveBack(st)
	}
	if there, err := s.isMade(st); err != nil {
		return nil, nil, err
	} else if !there {
		return s.executes(e, name) // what else there is under the name, if anything
	}
	x, err = s.textOf(e, st)
	if err == nil && !s.has(st, x) {
		err = s.prepareAgain(e, st, x)
	}
	if err != nil {
		return nil, nil, err
	}
	return st, x, nil
}

// makesUnseen tells whether a statement may make something unseen when it is executed.
func (s *session) makesUnseen(e *epoch, st *statement) bool {
	return st.Lost && (e.binder.HasMakers() || e.made != nil) || s.mayMake(e, st.Text)
}

// look finds out whether the statement may concern a table under migration.
func (s *session) look(e *epoch, st *statement) error {
	p := &st.Memo.analysis
	if p.binder == e.binder && p.made == e.made {
		return nil
	}
	if st.Lost {
		return s.lookAgain(e, st)
	}
	*p = analysis{binder: e.binder, made: e.made, hit: s.matchKept(e, st.Text, st.Types, !st.SQL && s.mayExecute()), control: controlOf(st.Text)}
	return nil
}

// lookAgain is look for a statement whose text was not kept. That nothing was found in it holds as long as nothing else is
// looked for.
func (s *session) lookAgain(e *epoch, st *statement) error {
	p := &st.Memo.analysis
	if p.binder != nil && p.hit != prefilter.Names && e.binder.FindsAs(p.binder) && !e.made.namesMoreThan(p.made) {
		p.binder, p.made = e.binder, e.made
		return nil
	}
	return s.lookAtLost(e, st)
}

// giveBack sees to it that the server has the statement in the client's own text.
func (s *session) giveBack(st *statement) error {
	if s.has(st, nil) {
		return nil
	}
	failed, err := s.inFailed(true)
	if failed || err != nil {
		return err // the server refuses it whatever its text
	}
	return s.prepareAgain(nil, st, nil)
}

// changeByStatement takes note of what executing a statement may change.
func (s *session) changeByStatement(e *epoch, st *statement) {
	if st.Lost {
		s.change()
		return
	}
	s.changeBy(e, st.Text)
}

// textOf is the text in which the server should have a statement.
func (s *session) textOf(e *epoch, st *statement) (*rewrite.Text, error) {
	sql, err := s.clientText(st)
	if err != nil {
		return nil, err
	}
	binder, err := s.binderFor(e, sql, st.Types, false, false)
	if err != nil {
		return nil, err
	}
	with, err := s.asking(e, binder, []byte(sql), st.Types, st)
	if err != nil {
		return nil, err
	}
	x, err := binder.Rewrite(with, sql)
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
	for i := range x.Statements {
		if f := x.Statements[i].Failure; f != nil {
			return nil, movedBy(ownError(f), st.Before)
		}
	}
	return x, nil
}

// movedBy moves the position of an error behind the characters that come before the text that it is about.
func movedBy(e *wire.Error, characters int) *wire.Error {
	if n, err := strconv.Atoi(e.Position); err == nil && characters != 0 {
		e.Position = strconv.Itoa(n + characters)
	}
	return e
}

// giveBackMentioned gives the client's own text back to all that a text may execute by name, when nothing is live.
func (s *session) giveBackMentioned(text []byte) error {
	q := &s.queue
	q.mu.Lock()
	others := q.stmts.Others()
	q.mu.Unlock()
	if !others || !prepared.MayExecute(text) {
		return nil
	}
	if _, err := s.find([]byte(reserved)); err != nil { // all that is under way is answered
		return err
	}
	names := s.mentioned(text, true)
	if len(names) == 0 {
		return nil
	}
	failed, err := s.inFailed(true)
	switch {
	case err != nil:
		return err
	case failed && bytes.IndexByte(text, ';') < 0:
		return nil
	case failed:
		return severalInFailed()
	}
	for _, name := range names {
		st, err := s.find([]byte(name))
		if err != nil {
			return err
		}
		if st != nil {
			if err := s.giveBack(st); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter is enterTables for one text.
func (s *session) enter(e *epoch, text *rewrite.Text) error {
	return s.enterTables(e, text.Tables, text.TxControl)
}
