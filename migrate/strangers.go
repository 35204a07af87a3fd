package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change/resolve"
)

// strangerRest is how long nothing is filled while others' code would run.
const strangerRest = time.Second

// mostStrangers is how much of others' code is named at once.
const mostStrangers = 5

// strangers says what would run for the rows of a batch, with the rights of the instance, although it belongs to a role that may do
// less; "" when nothing would. Who owns the table, or may make triggers, can add such code at any time, but not from then on until
// the batch is done.
func (b *backfill) strangers(ctx context.Context, tx pgx.Tx, p part) (why string, err error) {
	found, err := resolve.Strange(ctx, tx, p.oid, p.name, b.quiet)
	if err != nil || len(found) == 0 {
		return "", err
	}
	more := ""
	if len(found) > mostStrangers {
		found, more = found[:mostStrangers], fmt.Sprintf("; and %d more", len(found)-mostStrangers)
	}
	return strings.Join(found, "; ") + more + ": that would run with the rights of the instance for every row that is filled; drop it, or give what it calls to the role of the instance", nil
}
