package proxy

import (
	"strings"
	"time"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rewrite"
)

// maxReason bounds what is kept of the reason for a refusal, in bytes: every report of an instance has it.
const maxReason = 200

// noteRefused counts a text that is refused because it is not understood.
func (s *session) noteRefused(t *rewrite.Text) {
	why := t.Refused()
	if why == nil {
		return
	}
	reason := why.Message
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = migrate.RefusedStatements{Count: s.refused.Count + 1, Last: time.Now(), Reason: reason}
}
