package proxy

import "github.com/seguedb/segue/proxy/prepared"

const (
	// rememberedTexts bounds what all sessions together remember of the texts of what they have prepared, in bytes. Beyond it
	// the server is asked for a text when it matters.
	rememberedTexts = 256 << 20

	// ownTexts is what each session may remember in any case.
	ownTexts = 256 << 10
)

// makeRoomFor tells the session's account how much it may remember, now that a text of so many bytes is about to be.
// queue.mu is held.
func (s *session) makeRoomFor(text int) {
	stmts := &s.queue.stmts
	after := stmts.Bytes() + text
	total := s.srv.remembered.Add(int64(after - s.remembered))
	s.remembered = after
	if total <= s.srv.mostRemembered {
		stmts.Limit(prepared.MaxRemembered)
		return
	}
	stmts.Limit(ownTexts)
	if after > ownTexts { // it will not be kept
		s.srv.remembered.Add(-int64(text))
		s.remembered -= text
	}
}

// forgetTexts gives back what the session remembers, at its end. queue.mu is held.
func (s *session) forgetTexts() {
	s.srv.remembered.Add(-int64(s.remembered))
	s.remembered = 0
}
