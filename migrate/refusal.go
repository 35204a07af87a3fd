package migrate

import (
	"context"
	"fmt"

	"github.com/seguedb/segue/assess"
)

// conflict refuses a transition for what assess finds; nil where it finds nothing that refuses it. Only hazards of the groups
// are looked for, or all when none is given.
func (r Request) conflict(ctx context.Context, s *assess.Subject, groups ...assess.Group) error {
	s.To = r.target()
	s.Accept = assess.Overrides{Force: r.Force, AllowBypass: r.AllowBypass, EndSessions: r.EndSessions, Differences: r.AcceptDifferences}
	found, err := assess.Refusing(ctx, s, groups...)
	if err != nil || len(found) == 0 {
		return err
	}
	why := assess.Refuse(s.Migration.ID, found)
	return &ConflictError{
		Message: fmt.Sprintf("%s of %q is refused: %s", r.Kind, s.Migration.ID, why.Why),
		Hint:    why.Hint, HintCLI: why.HintCLI, Missing: why.Missing, Blockers: why.Blockers, Mend: why.Mend,
	}
}
