package proxy

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// What is prepared or deallocated where nobody can follow it, in DO or before anything was live, the server is asked for:
// when a prepared statement is used, and not at every look at the session, since the cost grows with what is prepared.

const ofOurs = ` p.name OPERATOR(pg_catalog.<>) '` + reserved + `' AND p.name OPERATOR(pg_catalog.<>) '` + trial + `'`

var (
	// listSQL lists what is prepared.
	listSQL = "SELECT " + inHex(`SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', p.name, 'sql', p.from_sql,
 'sum', pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p.statement, 'UTF8')), 'hex')))
 FROM pg_catalog.pg_prepared_statements p WHERE`+ofOurs)

	// textsSQL is given a JSON array of names, in hex.
	textsSQL = "SELECT " + inHex(`SELECT pg_catalog.json_agg(pg_catalog.json_build_object('name', p.name, 'sql', p.from_sql,
 'text', p.statement, 'types', p.parameter_types::pg_catalog.oid[]::pg_catalog.int8[]))
 FROM pg_catalog.pg_prepared_statements p WHERE p.name OPERATOR(pg_catalog.=) ANY (ARRAY(
  SELECT pg_catalog.json_array_elements_text(pg_catalog.convert_from(pg_catalog.decode($1::pg_catalog.text, 'hex'), 'UTF8')::pg_catalog.json)))`)

	// everySQL gives every name and text, as UTF-8 in hex.
	everySQL = `SELECT pg_catalog.encode(pg_catalog.convert_to(p.name, 'UTF8'), 'hex')
 OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) pg_catalog.encode(pg_catalog.convert_to(p.statement, 'UTF8'), 'hex')
 FROM pg_catalog.pg_prepared_statements p WHERE` + ofOurs
)

// A serversText is a prepared statement as the server tells it.
type serversText struct {
	Name  string
	SQL   bool
	Text  string
	Types []uint32
}

// recount asks the server what is prepared. In a failed transaction nothing can be asked, nor prepared again.
func (s *session) recount() error {
	failed, err := s.inFailed(true)
	switch {
	case err != nil:
		return err
	case failed:
		return errAborted
	}
	return s.ask(listSQL, func(answer []byte) error {
		var list []prepared.Listed
		if answer != nil {
			if err := decodeHex(answer, &list); err != nil {
				return err
			}
		}
		s.queue.mu.Lock()
		missing := s.queue.stmts.Reconcile(list, decodeAs)
		s.queue.mu.Unlock()
		before := s.unseenBefore
		s.unseenBefore, s.at.recounted = false, true
		if len(missing) == 0 {
			return nil
		}
		return s.serversTexts(missing, func(texts []serversText) error {
			for i := range texts {
				s.learn(&texts[i], before)
			}
			return nil
		})
	})
}

// recountBefore is called before a text that may prepare something where it is not seen: what that finds is not the
// client's text, where what is there by now is.
func (s *session) recountBefore(t *rewrite.Text) error {
	if !s.unseenBefore || !preparesInside(t) {
		return nil
	}
	_, err := s.find([]byte(reserved))
	return err
}

func decodeAs(r prepared.Reading, text string) (string, bool) {
	if r.Doubt && prepared.Matters(text) {
		return "", false
	}
	return charset.Decode(r.Encoding, text)
}

// serversTexts asks for the texts of prepared statements.
func (s *session) serversTexts(names []string, then func([]serversText) error) error {
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	return s.ask(textsSQL, func(answer []byte) error {
		var texts []serversText
		if answer != nil {
			if err := decodeHex(answer, &texts); err != nil {
				return err
			}
		}
		return then(texts)
	}, []byte(hex.EncodeToString(list)))
}

// learn takes note of a statement that the server has and nobody has followed. before says that it was prepared before
// anything was live.
func (s *session) learn(t *serversText, before bool) {
	read := prepared.Reading{Encoding: "UTF8", Standard: s.reading().Standard}
	start, end, chars := 0, len(t.Text), 0
	if t.SQL {
		start, end, chars = lastPrepare(t.Text, t.Name, read.Standard)
	}
	own, served := t.Text, prepared.Served{}
	if !before {
		if client, ok := s.preparedInside(t.Text); ok {
			own, served = client, prepared.Served{Text: t.Text}
			start, end, chars = 0, len(client), 0
		}
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	a := &s.queue.stmts
	var st *statement
	if t.SQL {
		st = a.OpenSQL([]byte(t.Name), []byte(own[start:end]), chars, t.Text)
	} else {
		st = a.Open([]byte(t.Name), []byte(own), t.Types)
	}
	if own != t.Text {
		st.Have, st.Coming = served, served
		s.rewrote = true
	}
	a.Learn(st, read)
}

// lastPrepare finds the PREPARE that has made a statement in the string that it was part of: of those that could have
// succeeded, the last.
func lastPrepare(text, name string, standard bool) (start, end, before int) {
	list, _ := rewrite.PreparedIn("UTF8", standard, text)
	end = len(text)
	there := false
	for _, p := range list {
		switch {
		case p.Prepare == name && there:
			return start, end, before
		case p.Prepare == name:
			start, end, before, there = p.Start, p.End, p.Before, true
		case p.Deallocate == name, p.All:
			there = false
		}
	}
	return start, end, before
}

// clientText is the client's text of a statement. If it was not kept the server has it, as long as it is in that text.
func (s *session) clientText(st *statement) (string, error) {
	if !st.Lost {
		return string(st.Text), nil
	}
	if text, known := s.at.texts[st]; known {
		return text, nil
	}
	if !s.has(st, nil) {
		return "", notKept()
	}
	return "", s.serversTexts([]string{st.Name()}, func(texts []serversText) error {
		if len(texts) != 1 || texts[0].SQL != st.SQL {
			return notKept()
		}
		text := texts[0].Text
		if st.SQL {
			start, end, before := lastPrepare(text, st.Name(), st.Read.Standard)
			text, st.Before = text[start:end], before
		}
		s.queue.mu.Lock()
		st.Types, st.Read.Encoding = texts[0].Types, "UTF8"
		s.queue.mu.Unlock()
		if s.at.texts == nil {
			s.at.texts = make(map[*statement]string)
		}
		s.at.texts[st] = text
		return nil
	})
}

func notKept() error {
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "the text of this prepared statement was not kept, so it cannot be adapted to the migration that is live",
		Hint:    "The session has prepared more than can be remembered: close statements that are not needed, or reconnect.",
	})
}

// lookAtLost finds out which of the statements whose text was not kept may concern a table under migration, from the texts
// that the server has. Those that it has in another text do, and so does st, if it is not shown: the unnamed statement is not.
func (s *session) lookAtLost(e *epoch, st *statement) error {
	failed, err := s.inFailed(true)
	switch {
	case err != nil:
		return err
	case failed:
		return errAborted
	}
	a := &s.queue.stmts
	query := ownQuery(everySQL, false)
	query.each = func(row []byte) {
		cells, err := wire.DecodeDataRow(nil, row)
		if err != nil || len(cells) != 1 {
			return
		}
		name, text, _ := strings.Cut(string(cells[0]), " ")
		key, err := hex.DecodeString(name)
		if err != nil {
			return
		}
		if st := a.Confirmed(key); st != nil && st.Lost {
			sql, err := hex.DecodeString(text)
			hit := prefilter.Names
			if err == nil && (st.Have == prepared.Served{}) {
				hit = s.matchKept(e, sql, nil, !st.SQL)
			}
			st.Memo.analysis = analysis{binder: e.binder, made: e.made, hit: hit, control: controlOf(sql)}
		}
	}
	return s.askAll([]*hiddenGroup{query}, false, func() error {
		if p := &st.Memo.analysis; p.binder != e.binder {
			*p = analysis{binder: e.binder, made: e.made, hit: prefilter.Names}
		}
		return nil
	})
}

// preparedInside finds the client's text of what was prepared inside a text that was sent in another, in DO.
func (s *session) preparedInside(sent string) (client string, ok bool) {
	for _, t := range s.inside {
		if client, ok := t.ClientPart(sent); ok {
			return client, true
		}
	}
	return "", false
}
