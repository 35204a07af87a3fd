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

// needing lists the sessions of the fleet that have no version, but use names that only these versions have.
func needing(fleet []member, versions []string) []Blocker {
	var out []Blocker
	for _, m := range fleet {
		for _, s := range m.sessions {
			i := slices.IndexFunc(s.Needs, func(v string) bool { return slices.Contains(versions, v) })
			if s.Version != "" || i < 0 {
				continue
			}
			out = append(out, Blocker{
				PID: s.PID, User: s.User, Application: s.Application, Instance: m.ID,
				Why: fmt.Sprintf("pid %d (user %s, application_name %q) has chosen no version, and uses names of version %s", s.PID, s.User, s.Application, s.Needs[i]),
			})
		}
	}
	return out
}

// sessionsConflict refuses a rollback that takes the version from under live sessions. Those that have not chosen it, but use
// its names, can be left to themselves by force.
func sessionsConflict(m *rules.Migration, all []*rules.Migration, r Request, c *census) error {
	versions := rules.VersionsWith(m, all)
	blockers := pinned(c.instances, versions)
	if !r.Force {
		blockers = append(blockers, needing(c.instances, versions)...)
	}
	if len(blockers) == 0 && len(c.silent) == 0 {
		return nil
	}
	e := &ConflictError{
		Message: fmt.Sprintf("rollback of %q is refused: %s in a version that would go", m.ID, plural(len(blockers), "session lives", "sessions live")),
		Hint: "end these sessions first, or ask with end_sessions; a rollback to active keeps both versions served; force, with a reason, " +
			"passes over sessions that have chosen no version",
		HintCLI: fmt.Sprintf(`end them with --end-sessions, or keep both versions served: segue rollback %s --to active; `+
			`--force --reason "..." passes over sessions that have chosen no version`, m.ID),
		Blockers: blockers,
	}
	e.Missing = c.unknown()
	return e
}
