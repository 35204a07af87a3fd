package migrate

import (
	"fmt"
	"slices"

	"github.com/seguedb/segue/rules"
)

// pinned lists the sessions of the fleet that are pinned to one of the versions.
func pinned(fleet []member, versions []string) []Blocker {
	var out []Blocker
	for _, m := range fleet {
		for _, s := range m.sessions {
			if s.Version == "" || !slices.Contains(versions, s.Version) {
				continue
			}
			out = append(out, Blocker{
				PID: s.PID, User: s.User, Application: s.Application, Instance: m.ID,
				Why: fmt.Sprintf("pid %d (user %s, application_name %q) is pinned to version %s", s.PID, s.User, s.Application, s.Version),
			})
		}
	}
	return out
}

// sessionsConflict refuses a rollback that takes the version from under live sessions.
func sessionsConflict(m *rules.Migration, all []*rules.Migration, c *census) error {
	blockers := pinned(c.instances, rules.VersionsWith(m, all))
	if len(blockers) == 0 && len(c.silent) == 0 {
		return nil
	}
	e := &ConflictError{
		Message:  fmt.Sprintf("rollback of %q is refused: %s in a version that would go", m.ID, plural(len(blockers), "session lives", "sessions live")),
		Hint:     "end these sessions first, or ask with end_sessions; a rollback to active keeps both versions served",
		HintCLI:  fmt.Sprintf("end them with --end-sessions, or keep both versions served: segue rollback %s --to active", m.ID),
		Blockers: blockers,
	}
	e.Missing = c.unknown()
	return e
}
