package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// An Ending is versions that end, so that their sessions are to end before. It is immutable.
type Ending struct {
	Versions []string
	Why      string // a clause: rollback of "surname"
}

// Of tells whether sessions of the version are to end. It is false for those of no version.
func (e *Ending) Of(version string) bool {
	return e != nil && version != "" && slices.Contains(e.Versions, version)
}

// OfNeeds tells whether a session of no version is to end that has used names of these.
func (e *Ending) OfNeeds(versions []string) bool { return slices.ContainsFunc(versions, e.Of) }

// ending is the versions that end by the pending transition, if it has been asked to end their sessions; else nil. It is a
// pure function of what is stored, so that every instance ends its own sessions by its next read, and nobody can have any
// ended who cannot write there.
func ending(t *store.Transition, all []*rules.Migration) *Ending {
	var r Request
	if t == nil || t.Committed != 0 || json.Unmarshal(t.Options, &r) != nil || !r.EndSessions {
		return nil
	}
	at := slices.IndexFunc(all, func(m *rules.Migration) bool { return m.ID == t.Migration })
	if at < 0 {
		return nil
	}
	versions := leaving(all[at], all, t.To)
	if len(versions) == 0 {
		return nil
	}
	return &Ending{Versions: versions, Why: fmt.Sprintf("%s of %q", t.Kind, t.Migration)}
}

// leaving lists the versions that go when the migration gets to a phase.
func leaving(m *rules.Migration, all []*rules.Migration, to rules.Phase) []string {
	switch {
	case to == rules.RolledBack && (m.Phase.Live() || m.Phase == rules.Contracted):
		return rules.VersionsWith(m, all)
	case !m.Phase.Live():
		return nil
	case to == rules.Contracted:
		return rules.VersionsWithout(m, all)
	}
	return nil
}

// endSessions waits until the instances have ended their sessions of the versions that go, which they do by themselves, but
// not for longer than a lease. What is left then, and what is left of instances that were lost, the server is asked to end.
func (l *leader) endSessions(ctx context.Context, m *move) error {
	versions := leaving(m.migration, m.all, m.To)
	for end, wait := time.Now().Add(l.i.cfg.Lease), 10*time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		c, err := l.i.count(ctx, l.i.cfg.Lease/2)
		if err != nil {
			return err
		}
		alive := slices.DeleteFunc(slices.Clone(c.instances), func(m member) bool { return m.Expired })
		if len(assess.Pinned(clientsOf(alive), versions)) == 0 || !time.Now().Before(end) || ctx.Err() != nil {
			return l.terminate(ctx, assess.Pinned(clientsOf(c.instances), versions))
		}
		pause(ctx, wait, nil)
	}
}

// terminate ends the sessions' backends.
func (l *leader) terminate(ctx context.Context, sessions []Blocker) error {
	for _, s := range sessions {
		rows, err := l.conn.Query(ctx, `SELECT pg_catalog.pg_terminate_backend($1)`, int32(s.PID))
		if err == nil {
			_, err = pgx.CollectRows(rows, pgx.RowTo[bool])
		}
		if err != nil {
			return l.notEnded(ctx, s, err)
		}
	}
	return nil
}

// notEnded refuses what has to be done by somebody else.
func (l *leader) notEnded(ctx context.Context, s Blocker, cause error) error {
	s.End = fmt.Sprintf("SELECT pg_terminate_backend(%d)", s.PID)
	e := &ConflictError{
		Message:  fmt.Sprintf("the session of pid %d (user %s), which is left of instance %s, cannot be ended by Segue: %v", s.PID, s.User, s.Instance, cause),
		Hint:     "a superuser ends it: " + s.End + "; then ask again",
		Blockers: []Blocker{s},
	}
	found, err := assess.Lacks(ctx, l.conn)
	if err != nil {
		return err
	}
	for _, lack := range found {
		if lack.Right == assess.RightSignal {
			e.Hint = "a superuser grants the right once: " + lack.Grant + "; then ask again"
		}
	}
	return e
}
