package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/seguedb/segue/rules"
)

// clientChecks are about who uses the database, and how.
var clientChecks = []check{
	{[]*Hazard{bypass}, lookBypass},
	{[]*Hazard{unpinned}, lookUnpinned},
	{[]*Hazard{refusedStatements}, lookRefused},
	{[]*Hazard{versionInUse}, lookVersion},
	{[]*Hazard{contractProof}, lookProofs},
}

var (
	bypass = &Hazard{
		ID: "bypass", Group: OfClients, Severity: Warn,
		What:   "a session on the database does not come through any instance: it sees the names that the database has, and no version",
		Remedy: "let it connect through an instance before cutover",
	}
	versionInUse = &Hazard{
		ID: "version-in-use", Group: OfClients, Severity: Warn,
		What:   "a session lives in a version that a rollback would take away, or has chosen none and uses names of it. Only a rollback looks for it, and is refused",
		Remedy: "end these sessions first, or with `--end-sessions`; or roll back to active, which keeps both versions served",
		refusal: &refusal{
			each: true,
			says: func(f []Finding) string {
				n := 0
				for _, one := range f {
					n += len(one.Sessions)
				}
				return plural(n, "session lives", "sessions live") + " in a version that would go"
			},
			override: "end these sessions first, or ask with end_sessions; a rollback to active keeps both versions served; force, with a reason, " +
				"passes over sessions that have chosen no version",
			overrideCLI: `end them with --end-sessions, or keep both versions served: segue rollback {id} --to active; ` +
				`--force --reason "..." passes over sessions that have chosen no version`,
		},
	}
)

// lookBypass finds the sessions that see the names of the database. Once that has the new ones they are a matter of
// contract's proofs.
func lookBypass(ctx context.Context, s *Subject, r *report) error {
	if !s.before() || s.To != "" {
		return nil
	}
	past, err := s.Fleet.Direct(ctx)
	r.each(bypass, past, func(b Blocker) Finding {
		f := Finding{
			Message: b.Why + " does not come through an instance: it sees the names that the database has",
			Hint:    "let it connect through an instance before cutover",
		}
		if b.Application == "postgres_fdw" { // the default of foreign servers
			f.Message += "; it reads foreign tables of another database"
			f.Hint = "let its foreign server lead through an instance before cutover, with the option options '-c segue.version=" + rules.Base + "'"
		}
		return f
	})
	return err
}

// lookVersion finds the sessions from under which a rollback would take their version. Those that have not chosen it, but
// use its names, can be left to themselves.
func lookVersion(ctx context.Context, s *Subject, r *report) error {
	if s.To != rules.RolledBack || !s.Migration.Phase.Live() && s.Migration.Phase != rules.Contracted || s.Accept.EndSessions {
		return nil
	}
	clients, silent, err := s.Fleet.Clients(ctx)
	if err != nil {
		return err
	}
	versions := rules.VersionsWith(s.Migration, s.All)
	sessions := Pinned(clients, versions)
	if !s.Accept.Force {
		sessions = append(sessions, needing(clients, versions)...)
	}
	r.each(versionInUse, sessions, func(b Blocker) Finding { return Finding{Message: b.Why, Blocks: []rules.Phase{rules.RolledBack}} })
	for _, u := range silent {
		r.add(versionInUse, Object{Instance, u.Instance}, Finding{Message: u.Why, Blocks: []rules.Phase{rules.RolledBack}})
	}
	return nil
}

// Pinned lists the sessions that have chosen one of the versions.
func Pinned(clients []Client, versions []string) []Blocker {
	var out []Blocker
	for _, c := range clients {
		if c.Version != "" && slices.Contains(versions, c.Version) {
			out = append(out, c.blocker(fmt.Sprintf("is pinned to version %s", c.Version)))
		}
	}
	return out
}

// needing lists the sessions that have no version, but use names that only these versions have.
func needing(clients []Client, versions []string) []Blocker {
	var out []Blocker
	for _, c := range clients {
		i := slices.IndexFunc(c.Needs, func(v string) bool { return slices.Contains(versions, v) })
		if c.Version == "" && i >= 0 {
			out = append(out, c.blocker(fmt.Sprintf("has chosen no version, and uses names of version %s", c.Needs[i])))
		}
	}
	return out
}

// app is who the session is of.
func (c *Client) app() Object {
	return Object{App, fmt.Sprintf("%s (user %s)", c.Application, c.User)}
}

// blocker is the session in the way, because it does what the clause says.
func (c *Client) blocker(does string) Blocker {
	return Blocker{
		PID: c.PID, User: c.User, Application: c.Application, Address: c.Address, Instance: c.Instance,
		Why: fmt.Sprintf("pid %d (user %s, application_name %q) %s", c.PID, c.User, c.Application, does),
	}
}
