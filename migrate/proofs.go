package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// prepare does, before a gate is set, what may take longer than a gate may be closed.
func (l *leader) prepare(ctx context.Context, m *move) error {
	if len(rules.Statements(m.steps)) > 0 { // and not m.sql, which may be but a lock
		if err := bodiesConflict(ctx, l.conn, m.migration, m.To, m.request); err != nil {
			return err
		}
	}
	if m.request.EndSessions && len(leaving(m.migration, m.all, m.To)) > 0 {
		return l.endSessions(ctx, m)
	}
	return nil
}

// prove checks behind the gate, on what the instances reported with their acknowledgement, that nobody is left for whom
// the transition would be an error.
func (l *leader) prove(ctx context.Context, tx pgx.Tx, m *move, c *census) error {
	if m.request.EndSessions {
		if back := pinned(c.instances, leaving(m.migration, m.all, m.To)); len(back) > 0 {
			return &setback{reason: "sessions of a version that goes have come back", blockers: back}
		}
	}
	switch {
	case m.To == rules.RolledBack && m.from.Live():
		r := m.request
		r.Force = r.Force || r.EndSessions // those without a version have been ended, and cannot be kept from coming back
		return sessionsConflict(m.migration, m.all, r, c)
	case m.To == rules.Contracted:
		return contractConflict(ctx, tx, m.migration, m.all, m.request, c, toLeave)
	}
	return nil
}

// contractConflict refuses a contract that lacks a proof; each missing one is given with its figure. Sessions that come
// through no instance are given limit to end.
func contractConflict(ctx context.Context, db store.DB, m *rules.Migration, all []*rules.Migration, r Request, c *census, limit time.Duration) error {
	e := &ConflictError{Message: fmt.Sprintf("contract of %q is refused: the old names may still be needed", m.ID)}
	old := pinned(c.instances, rules.VersionsWithout(m, all))
	if len(old) > 0 && !r.EndSessions {
		e.each(old, "stop that app")
		e.Blockers = append(e.Blockers, old...)
	}
	e.Missing = append(e.Missing, c.unknown()...)
	if !r.Force {
		if err := e.silence(ctx, db, m); err != nil {
			return err
		}
	}
	if !r.AllowBypass {
		past, err := bypassing(ctx, db, c, limit)
		if err != nil {
			return err
		}
		if len(past) > 0 {
			for n := range past {
				past[n].Why += " reaches the database past the instances"
			}
			e.each(past, "connect it through Segue, or allow it")
			e.Blockers = append(e.Blockers, past...)
		}
	}
	if len(e.Missing) == 0 {
		return nil
	}
	e.Hint = "allow_bypass accepts sessions past the instances, end_sessions ends those of an old version, and force, with a reason, accepts a short silence"
	e.HintCLI = `--allow-bypass accepts sessions past the instances, --end-sessions ends those of an old version, --force --reason "..." accepts a short silence`
	return e
}

// maxEach is how many sessions are told one by one.
const maxEach = 10

// each says of each session why it is in the way, and what to do about it.
func (e *ConflictError) each(sessions []Blocker, remedy string) {
	for n, s := range sessions {
		if n == maxEach {
			e.missing("%s for the same reason", plural(len(sessions)-n, "more session", "more sessions"))
			return
		}
		why := s.Why
		if s.Instance != "" {
			why += ", through instance " + s.Instance
		}
		e.missing("%s: %s", why, remedy)
	}
}

func (e *ConflictError) missing(format string, args ...any) {
	e.Missing = append(e.Missing, fmt.Sprintf(format, args...))
}

// silence checks that no old name was used for as long as the migration demands, and that they have been watched for
// as long.
func (e *ConflictError) silence(ctx context.Context, db store.DB, m *rules.Migration) error {
	if m.ContractAfter == 0 {
		return nil
	}
	use, age, err := store.LastOldUse(ctx, db, m.ID)
	if err != nil {
		return err
	}
	if use != nil && age < m.ContractAfter {
		name := strings.TrimSuffix(use.Table+"."+use.Column, ".")
		who := fmt.Sprintf("user %s (application_name %q)", use.User, use.Application)
		if use.User == "" {
			who = "one of so many users and applications that not all are told apart"
		}
		e.missing("%s was used %s ago in version %s by %s, and contract_after demands a silence of %s: stop that app, and wait until %s",
			name, age.Round(time.Millisecond), use.Version, who, m.ContractAfter,
			use.Last.Add(m.ContractAfter).UTC().Format("2006-01-02 15:04:05Z"))
		return nil
	}
	watched, err := liveFor(ctx, db, m.ID)
	if err != nil {
		return err
	}
	if watched < m.ContractAfter {
		e.missing("the old names have been watched for %s only; contract_after demands a silence of %s", watched.Round(time.Second), m.ContractAfter)
	}
	return nil
}

// liveFor tells for how long the migration has been live without interruption, by the server's clock.
func liveFor(ctx context.Context, db store.DB, id string) (time.Duration, error) {
	since, err := store.SinceEvent(ctx, db, id, eventCommitted, string(Activate))
	if err != nil {
		return 0, fmt.Errorf("cannot tell since when migration %q is live: %w", id, err)
	}
	return since, nil
}

// How long a backend may take to end after its connection was closed. Until then it is in pg_stat_activity, and in no
// report any more. A busy server can take a while for it, which a request is given before a gate is closed.
const (
	toLeave          = 300 * time.Millisecond
	toLeaveAtRequest = 3 * time.Second
)

// bypassing lists the sessions on this database that come through no instance, and do not end within the limit.
func bypassing(ctx context.Context, db store.DB, c *census, limit time.Duration) ([]Blocker, error) {
	for end := time.Now().Add(limit); ; pause(ctx, 10*time.Millisecond, nil) {
		found, err := strangers(ctx, db, c)
		if err != nil || len(found) == 0 || time.Now().After(end) || ctx.Err() != nil {
			return found, err
		}
		// A transaction sees what it saw first.
		if _, err := db.Exec(ctx, `SELECT pg_catalog.pg_stat_clear_snapshot()`); err != nil {
			return nil, fmt.Errorf("cannot read pg_stat_activity again: %w", err)
		}
	}
}

// strangers lists the sessions on this database that come through no instance. Sessions that began after the census was
// asked for may be missing in its reports, and are left out where their age may be read; what may not be read counts.
func strangers(ctx context.Context, db store.DB, c *census) ([]Blocker, error) {
	rows, err := db.Query(ctx, `
		SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.query, ''),
		       extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::pg_catalog.float8, a.backend_type IS NULL
		FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
		  AND coalesce(a.backend_type, 'client backend') = 'client backend'
		  AND a.pid <> ALL ($1::pg_catalog.int4[]) AND coalesce(a.backend_start < $2, true)
		ORDER BY a.pid`, signed(pidsOf(c.instances)), c.asked)
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_stat_activity: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Blocker, error) {
		var b Blocker
		var pid int32
		var age *float64
		var hidden bool
		if err := row.Scan(&pid, &b.User, &b.Application, &b.Query, &age, &hidden); err != nil {
			return b, err
		}
		b.PID, b.Query = uint32(pid), shown(b.Query)
		b.Why = fmt.Sprintf("pid %d (user %s, application_name %q)", b.PID, b.User, b.Application)
		if age != nil {
			b.AgeSeconds = *age
		}
		if hidden {
			b.Query = "unknown"
			b.Why += ", of which all else is unknown, because that takes pg_read_all_stats"
		}
		return b, nil
	})
}
