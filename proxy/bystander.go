package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
)

// A text that names no table under migration is sent unseen, but its errors and notices can speak of one: of the other
// end of a foreign key, of what TRUNCATE cascades to, of what a function does. They get the names of the session's version
// too, as far as that is known without asking the server; else they stay as they are.

// rewordUnseen delivers an error or notice to a text that was sent unseen.
func (s *session) rewordUnseen(f wire.Frame) error {
	fields, err := wire.DecodeError(f.Body)
	if err != nil || !s.rewordBlind(&fields) {
		return s.deliver(f)
	}
	if _, err := s.client.Out.Write(fields.AppendTo(s.client.Out.AvailableBuffer(), f.Type)); err != nil {
		return clientError{err}
	}
	return nil
}

// rewordBlind puts the names of the session's version, if it is known, into an error or notice to a text that was sent
// unseen. It tells whether that may have changed it.
func (s *session) rewordBlind(fields *wire.ErrorFields) bool {
	version, known := s.knownVersion()
	return known && s.rewordAs(fields, version)
}

// knownVersion is the version that the session is pinned to. It is not known once the session may have set another, until
// the state is read again.
func (s *session) knownVersion() (version string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity.pinned, !s.identity.unsure
}

// doubtVersion takes note that the session may have set another version.
func (s *session) doubtVersion() {
	s.mu.Lock()
	s.identity.unsure = true
	s.mu.Unlock()
}
