package migrate

import (
	"context"

	"github.com/seguedb/segue/rules"
)

// The locks of a plan, in PostgreSQL's words.
const (
	lockNone      = ""
	lockExclusive = "ACCESS EXCLUSIVE"
)

// Plan lists the DDL of each transition to come, with its locks.
func (i *Instance) Plan(ctx context.Context, id string) ([]Step, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	return planOf(m), nil
}

// planOf lists the way to contracted.
func planOf(m *rules.Migration) []Step {
	var steps []Step
	if m.Phase == rules.Draft || m.Phase == rules.RolledBack {
		steps = append(steps, Step{Phase: rules.Active, Lock: lockNone, Note: "no DDL and no gate: both names are served by rewriting"})
	}
	if m.Phase != rules.Cutover && m.Phase != rules.Contracted {
		for _, sql := range rules.DDL(m, rules.Forward) {
			steps = append(steps, Step{Phase: rules.Cutover, SQL: sql, Lock: lockExclusive,
				Note: "behind the gate, in one transaction, with lock_timeout; independent of the size of the table"})
		}
	}
	if m.Phase != rules.Contracted {
		steps = append(steps, Step{Phase: rules.Contracted, Lock: lockExclusive,
			Note: "no DDL, behind the gate: the lock awaits open transactions, then the old names end"})
	}
	return steps
}
