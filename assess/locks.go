package assess

import "context"

// lockChecks are about who keeps the tables locked now.
var lockChecks = []check{
	{[]*Hazard{lockHeld}, lookLocks},
	{[]*Hazard{wraparound}, lookWraparound},
}

var lockHeld = &Hazard{
	ID: "lock-held", Group: OfLocks, Severity: Warn,
	What: "a transaction, idle or not, or a prepared one holds a lock on a table for longer than a gate may be closed (`--drain-timeout`): " +
		"the next transition waits for its end",
	Remedy: "let it end, or end it with the statement that the finding names",
}

// lookLocks finds the transactions that cutover would wait for.
func lookLocks(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	held, err := s.Fleet.Holders(ctx, tables)
	for _, b := range held {
		r.add(lockHeld, b.object(), Finding{
			Message: b.Why, Hint: "cutover waits until it has ended; to end it: " + b.End, Sessions: []Blocker{b},
		})
	}
	return err
}
