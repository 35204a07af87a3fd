package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/seguedb/segue/rules"
)

var unpinned = &Hazard{
	ID: "unpinned", Group: OfClients, Severity: Warn,
	What: "sessions of an app use the tables and have chosen no version: its statements are served, but from cutover on the system catalogs show it the new names, " +
		"which ORMs and tools read, and a statement that several versions understand means the default one. Found while the migration is active, from what was used",
	Remedy: "pin the app to the version that it was written for: [Choosing a version](choosing-a-version.md)",
}

// lookUnpinned finds the apps with sessions of no version that have used the tables.
func lookUnpinned(ctx context.Context, s *Subject, r *report) error {
	if s.Migration.Phase != rules.Active {
		return nil
	}
	clients, _, err := s.Fleet.Clients(ctx)
	if err != nil {
		return err
	}
	used, err := s.Fleet.Uses(ctx)
	if err != nil {
		return err
	}
	var apps []Object
	sessions, uses := map[Object][]Blocker{}, map[Object]Use{}
	for _, c := range clients {
		i := slices.IndexFunc(used, func(u Use) bool { return u.User == c.User && u.Application == c.Application })
		if c.Version != "" || i < 0 {
			continue
		}
		app := c.app()
		if !slices.Contains(apps, app) {
			apps = append(apps, app)
		}
		uses[app], sessions[app] = used[i], append(sessions[app], c.blocker("has chosen no version"))
	}
	for _, app := range apps {
		use, all := uses[app], sessions[app]
		r.add(unpinned, app, Finding{
			Message: fmt.Sprintf("%s of no version, and it uses %s: from cutover on the system catalogs show it the new names",
				plural(len(all), "session of it is", "sessions of it are"), use.name()),
			Hint: fmt.Sprintf("pin it to the version that it was written for, as by options=-c segue.version=%s in its connection string "+
				"(docs/choosing-a-version.md)", rules.Base),
			Sessions: all[:min(len(all), maxEach)],
		})
	}
	return nil
}
