package assess

import (
	"context"
	"fmt"
	"slices"
)

var refusedStatements = &Hazard{
	ID: "refused-statements", Group: OfClients, Severity: Warn,
	What: "an app had statements on the tables refused because Segue does not understand them whole, and saw errors (`0A000`). " +
		"Found while the migration is live, from the sessions that are open, with their number and the time of the last one",
	Remedy: "write them otherwise: [What is refused](refused.md) says how, for each kind",
}

// lookRefused finds the apps that have sessions whose statements were refused.
func lookRefused(ctx context.Context, s *Subject, r *report) error {
	if !s.Migration.Phase.Live() {
		return nil
	}
	clients, _, err := s.Fleet.Clients(ctx)
	if err != nil {
		return err
	}
	var apps []Object
	sessions, all := map[Object][]Blocker{}, map[Object]Refused{}
	for _, c := range clients {
		if c.Refused.Count == 0 {
			continue
		}
		app := c.app()
		if !slices.Contains(apps, app) {
			apps = append(apps, app)
		}
		of := all[app]
		if c.Refused.Last.After(of.Last) {
			of.Last, of.Reason = c.Refused.Last, c.Refused.Reason
		}
		of.Count += c.Refused.Count
		all[app], sessions[app] = of, append(sessions[app], c.blocker("had statements refused"))
	}
	for _, app := range apps {
		of := all[app]
		r.add(refusedStatements, app, Finding{
			Message: fmt.Sprintf("%s of it, the last one at %s: %s", plural(int(of.Count), "statement was refused", "statements were refused"),
				of.Last.UTC().Format("2006-01-02 15:04:05Z"), of.Reason),
			Hint:     "write it otherwise: docs/refused.md says how, for each kind",
			Sessions: sessions[app][:min(len(sessions[app]), maxEach)],
		})
	}
	return nil
}
