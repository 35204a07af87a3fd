package assess

import (
	"context"
	"fmt"
)

var unknownWaiver = &Hazard{
	ID: "unknown-waiver", Group: OfRule, Severity: Warn,
	What:   "the rule file waives something that is no hazard: what was meant is not waived",
	Remedy: "write the id as `assess` shows it",
}

// lookWaivers finds waivers that waive nothing that there is.
func lookWaivers(_ context.Context, s *Subject, r *report) error {
	for _, w := range s.Migration.Waive {
		if !r.ids[w.ID] {
			r.add(unknownWaiver, Object{Name, w.ID}, Finding{
				Message: fmt.Sprintf("the rule file waives %q, which is the id of no finding", w.ID),
				Hint:    "write the id as assess shows it; docs/hazards.md lists all",
			})
		}
	}
	return nil
}
