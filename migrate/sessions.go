package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

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
		Message:  fmt.Sprintf("rollback of %q is refused: %d sessions live in a version that would go", m.ID, len(blockers)),
		Hint:     "end these sessions first, or ask with end_sessions; a rollback to active keeps both versions served",
		HintCLI:  fmt.Sprintf("end them with --end-sessions, or keep both versions served: segue rollback %s --to active", m.ID),
		Blockers: blockers,
	}
	e.Missing = c.unknown()
	return e
}

// end ends the sessions' backends.
func endSessions(ctx context.Context, db rules.DB, sessions []Blocker) error {
	for _, s := range sessions {
		rows, err := db.Query(ctx, `SELECT pg_catalog.pg_terminate_backend($1)`, int32(s.PID))
		if err == nil {
			_, err = pgx.CollectRows(rows, pgx.RowTo[bool])
		}
		if err != nil {
			return &ConflictError{
				Message:  fmt.Sprintf("the session of pid %d (user %s) may not be ended: %s", s.PID, s.User, err),
				Hint:     "end it yourself, or grant pg_signal_backend",
				Blockers: []Blocker{s},
			}
		}
	}
	return nil
}
