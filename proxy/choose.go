package proxy

import (
	"cmp"
	"errors"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// choose decides what to send for a text that may concern a table under migration. With a Text, it is registered as in flight, and
// must be sent at once. The errors are:
//
//   - a *question: it is open, so that it cannot be decided yet;
//   - errMoved: nothing is live any more, or for other reasons the caller has to look at the text again;
//   - errSkipped: the server discards what is sent; what is sent does not matter;
//   - errAborted: the transaction has failed and the text is a single statement, so it does not matter either;
//   - *wire.Error: what the client must get in place of an answer;
//   - any other: the session is over.
//
// types are those that the client gives the parameters.
//
// st, if not nil, is the prepared statement of which it is the text: its analysis has the outcome for an earlier use, which is
// returned again if it still holds.
func (s *session) choose(sql []byte, types []uint32, st *statement) (*rewrite.Text, error) {
	text := ""
	var memo *analysis
	if st != nil {
		memo = &st.Memo.analysis
	}
	private := false // the text is to be bound by the catalog as the session sees it
	code := false    // and by what the code does that the session has made
	if !s.at.names && (st == nil || !s.keepsNames(sql)) {
		s.state.forgetNames()
	}
	s.at.names = true
	for range maxRounds {
		e := s.srv.epoch.Load()
		if !e.live || memo != nil && memo.binder != e.binder {
			return nil, errMoved
		}
		s.rebase(e)
		fresh, err := s.fresh()
		if err != nil {
			return nil, err
		}
		failed, err := s.inFailed(!fresh || s.state.aged || e.closed())
		if err != nil {
			return nil, err
		}
		if (!fresh || s.state.aged) && !failed {
			if err := s.refresh(e); err != nil {
				return nil, err
			}
		}
		if memo != nil && memo.generation == s.state.generation && memo.text != nil && !memo.text.Mispredicted() && !failed {
			if err := s.stands(e, st, memo.text); err != nil {
				return nil, err
			}
			if err = s.enter(e, memo.text); err == nil {
				return memo.text, nil
			}
			if errors.Is(err, errMoved) {
				continue
			}
			return nil, err
		}
		if text == "" {
			text = string(sql)
		}
		if failed {
			return s.chooseFailed(e, text, fresh)
		}
		binder, err := s.binderFor(e, text, types, private, code)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, err
		}
		with, err := s.asking(e, binder, sql, types, st)
		if err != nil {
			return nil, err
		}
		t, err := binder.Rewrite(with, text)
		if err != nil {
			var need *rewrite.NeedRelation
			if !errors.As(err, &need) {
				return nil, err
			}
			if failed, err = s.inFailed(true); err != nil {
				return nil, err
			}
			if failed {
				return s.chooseFailed(e, text, true)
			}
			if err := s.lookUp(e, binder, need); err != nil {
				return nil, err
			}
			continue
		}
		if t.Pieces != nil {
			return t, nil // of a simple Query; of a Parse the server says that it is more than one statement
		}
		if t.AwaitsMaking() && !private {
			private = true
			continue
		}
		if with.Changers && !code && t.IsRefused() {
			private, code = true, true
			continue
		}
		if t.Question != nil && !e.closed() {
			if err := s.serversWords(t.Question); err != nil {
				return nil, err
			}
		}
		if st != nil {
			if err := s.stands(e, st, t); err != nil {
				return nil, err
			}
		}
		if t, err = s.enterAll(e, t); err == nil {
			if memo != nil && !t.GivenUp && !executesByName(t) {
				memo.text, memo.generation = t, s.state.generation
			}
			return t, nil
		}
		if !errors.Is(err, errMoved) {
			return nil, err
		}
	}
	return nil, unresolved()
}

// stands sees to it that the server has a statement in the text that was chosen for it, before that enters.
func (s *session) stands(e *epoch, st *statement, text *rewrite.Text) error {
	has := s.has(st, text)
	if has && !mustFail(text) {
		return nil
	}
	if there, err := s.isMade(st); err != nil || !there {
		return cmp.Or(err, errMoved)
	}
	if has {
		return nil
	}
	return s.prepareAgain(e, st, text)
}

// executesByName tells whether a text may execute what is prepared under a name, which can be another statement the next
// time.
func executesByName(t *rewrite.Text) bool { return prepared.MayExecute([]byte(t.Client)) }

// asking is the session as it is for one text; of a prepared statement, st, it is as it was when that was read.
func (s *session) asking(e *epoch, binder *rewrite.Binder, sql []byte, types []uint32, st *statement) (*rewrite.Session, error) {
	v := s.state.session
	otherwise := st != nil && prepared.Matters(st.Text) &&
		(st.Read.Doubt || st.Read.Encoding != v.Encoding || st.Read.Standard != v.StandardStrings)
	if otherwise && st.Read.Doubt {
		return nil, readInDoubt()
	}
	params, behind, keeps := binder.RowParameters(types), s.predates(e), st != nil && st.Memo.keepsTypes
	if params == nil && e.made == nil && !otherwise && !behind && !keeps && !s.state.code.armed {
		return v, nil
	}
	with := *v
	with.Params, with.Unsettled, with.Behind, with.KeepTypes = params, e.made != nil, behind, keeps
	with.Changers = e.made.changes(s, sql) && (!s.knowsCode(binder) || e.made.changesByOthers(s, sql))
	with.Makers = e.made.makes(s, sql) || s.state.code.armed && !isSingle(sql)
	if otherwise {
		with.Encoding, with.StandardStrings = st.Read.Encoding, st.Read.Standard
	}
	return &with, nil
}

// predates tells whether the open transaction may have begun before what the epoch's snapshot says is stored was there.
func (s *session) predates(e *epoch) bool {
	if len(e.binder.Snapshot().StoredNames) == 0 {
		return false
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return !s.queue.began.IsZero() && s.queue.began.Before(e.since)
}

// errAborted says that the transaction has failed, and that therefore the text may be sent as it is: the server answers
// 25P02, or ends the transaction.
var errAborted = errors.New("the transaction has failed")

// inFailed tells whether the server is in a failed transaction. If settle is set, or an answer decides it, it asks for what is
// due.
func (s *session) inFailed(settle bool) (bool, error) {
	q := &s.queue
	if settle {
		if err := s.synced(); err != nil {
			return false, err
		}
	}
	q.mu.Lock()
	maybe := q.status == wire.Failed
	settled := q.ring.n == 0
	q.mu.Unlock()
	if maybe && !settled {
		if err := s.answered(); err != nil {
			return false, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.skipping {
		return false, errSkipped
	}
	return q.status == wire.Failed && q.txEnds == q.failedAt, nil
}

// chooseFailed chooses a text in a failed transaction, where nothing can be asked. The server refuses a single statement,
// or it ends the transaction, whatever names are in it. Of several, those behind a ROLLBACK are executed.
func (s *session) chooseFailed(e *epoch, text string, fresh bool) (*rewrite.Text, error) {
	with := s.state.session
	if with == nil {
		with = &rewrite.Session{User: s.link.Request.User, Version: s.version(), StandardStrings: true, Work: &binding{s: s}}
	}
	t, err := e.binder.Rewrite(with, text)
	var need *rewrite.NeedRelation
	switch {
	case err == nil && t.Pieces != nil:
		return t, nil
	case err == nil && t.Question != nil && t.Question.Unread():
		if err := s.serversWords(t.Question); err != nil {
			return nil, err
		}
		return nil, ownError(t.Question.Otherwise)
	case err == nil && len(t.Statements) <= 1, errors.As(err, &need) && need.Single:
		return nil, errAborted
	case err == nil && fresh:
		return s.enterAll(e, t)
	case err == nil, need != nil:
		return e.binder.OneByOne(with, text), nil
	}
	return nil, err
}

func severalInFailed() error {
	return raise(&wire.Error{
		Code:    "0A000",
		Message: "several statements in one string cannot be rewritten in a failed transaction",
		Hint:    "Send ROLLBACK on its own first.",
	})
}
