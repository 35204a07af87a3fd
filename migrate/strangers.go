package migrate

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change/resolve"
)

// strangerRest is how long nothing is filled while others' code would run.
const strangerRest = time.Second

// strangers says which triggers would fire for the rows of a batch, with the rights of the instance, although they belong to a role
// that may do less; "" when none would. Who may make triggers can do so at any time, but not from then on until the batch is done.
func (b *backfill) strangers(ctx context.Context, tx pgx.Tx, p part) (why string, err error) {
	found, err := resolve.StrangeTriggers(ctx, tx, p.oid, p.name, b.quiet)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return strings.Join(found, "; ") + ", and would run with the rights of the instance for every row that is filled: drop the trigger, or give the function to the owner of the table", nil
}
