package migrate

import (
	"context"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/store"
)

// warnOfRole logs what the role lacks. It is told at the start only.
func (i *Instance) warnOfRole(ctx context.Context, db store.DB) {
	found, err := assess.Lacks(ctx, db)
	if err != nil {
		i.log.Warn("what the role of the upstream URL may do is not known", "error", err)
	}
	for _, l := range found {
		i.log.Warn(l.Costs, "mend", l.Grant)
	}
}
