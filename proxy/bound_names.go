package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/charset"
)

// A Parse can give a parameter the type regclass by number. Then the server looks for the name in the value itself, among those
// of the database, whatever the text is rewritten to. So such a value must not be the name of a table that the database calls
// otherwise. Values are looked at for such parameters only.

// refuseNamesBound refuses the Bind in s.frame, of the statement with the key, if it has such a value. errMoved and the like are
// those of choose.
func (s *session) refuseNamesBound(now *epoch, key []byte) error {
	if !now.live || !s.typed {
		return nil
	}
	st, err := s.find(key)
	if st == nil || err != nil || !rewrite.TakesNames(st.Types) {
		return err
	}
	held, err := s.hold(now.binder.MaxBytes())
	if err != nil {
		return err
	}
	refused := raise(&wire.Error{
		Code:    "0A000",
		Message: "a value names a table under migration, for a parameter that was given the type regclass, regtype or regprocedure",
		Hint:    "Give the parameter the type text, and cast it in the statement: $1::regclass.",
	})
	if !held {
		return refused
	}
	values, err := wire.DecodeBindText(s.frame.Body)
	if err != nil {
		return nil // the server finds the same fault
	}
	var names []string
	for i, value := range values {
		if value == nil || i >= len(st.Types) || !rewrite.TakesNames(st.Types[i:i+1]) {
			continue
		}
		text, ok := charset.Decode(s.clientEncoding(), string(value))
		if !ok {
			text = string(value)
		}
		if now.binder.NamesMoved(nil, text) {
			names = append(names, text)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if failed, err := s.inFailed(true); failed || err != nil {
		return err // the server refuses it whatever it says
	}
	s.rebase(now)
	if fresh, err := s.fresh(); err != nil {
		return err
	} else if !fresh {
		if err := s.refresh(now); err != nil {
			return err
		}
	}
	for _, text := range names {
		if now.binder.NamesMoved(s.state.session, text) {
			return refused
		}
	}
	return nil
}
