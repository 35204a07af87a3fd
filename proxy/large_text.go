package proxy

import (
	"sync"

	"github.com/seguedb/segue/proxy/wire"
)

// A text that must be looked at is held whole in memory while it is decided what becomes of it. Those that are large share a
// budget of bytes, counted as they come; one that would have too many bytes, or finds the budget used up, is not held: it
// passes by (passing.go), and is refused only if it may concern a table under migration.

const (
	// largeText is the size of a message, in bytes, beyond which the budget is asked.
	largeText = 1 << 20

	// heldTexts is the budget. One user may have half of it.
	heldTexts = 256 << 20
)

// A textBudget bounds the bytes of messages that are held. It is safe for concurrent use.
type textBudget struct {
	mu    sync.Mutex
	total int
	left  int
	users map[string]int // that a user has
}

// newTextBudget makes one in which at least one text of the largest size has room.
func newTextBudget(largest int) *textBudget {
	total := max(heldTexts, 2*(largest+largeText))
	return &textBudget{total: total, left: total, users: make(map[string]int)}
}

// take takes so many bytes for a user, if there are.
func (b *textBudget) take(user string, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left || b.users[user]+n > b.total/2 {
		return false
	}
	b.left -= n
	b.users[user] += n
	return true
}

func (b *textBudget) give(user string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	if b.users[user] -= n; b.users[user] == 0 {
		delete(b.users, user)
	}
}

// hold asks for what is still to come of the message in s.frame, a text of at most so many bytes. It returns false, with as much
// of it in s.frame as was read, where it cannot be held.
func (s *session) hold(limit int) (held bool, err error) {
	f := &s.frame
	if f.Rest == 0 {
		return true, nil
	}
	if f.Size()-6 > limit {
		return false, nil
	}
	next := min(f.Size(), max(2*len(f.Raw), 64<<10))
	if next > largeText {
		if n := next - s.holds; !s.srv.texts.take(s.link.Request.User, n) {
			return false, nil
		}
		s.holds = next
	}
	return false, &question{kind: moreOfMessage, bytes: next}
}

// letGo gives back what the message that has been dealt with held, and memory that was much to the system.
func (s *session) letGo() {
	if s.holds > 0 {
		s.srv.texts.give(s.link.Request.User, s.holds)
		s.holds = 0
	}
	if len(s.frame.Raw) >= muchMemory {
		s.frame = wire.Frame{}
		s.srv.memory.giveBack()
	}
}
