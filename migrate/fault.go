package migrate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A fault is what the error of a batch says of whether it will come again.
type fault int

const (
	ofRow       fault = iota // the same statement on the same row fails again
	tooLong                  // the statement was not over in time
	lockedOut                // others hold locks
	shortOf                  // the server lacks a resource
	interrupted              // somebody has cancelled the statement
	passing                  // the connection, or the server's state
)

// kindOf tells errors of the moment from those of a row: whatever is not known to pass comes again. took is how long the
// transaction has run.
func (b *backfill) kindOf(err error, took time.Duration) fault {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok || errors.Is(err, errStale):
		return passing
	case pg.Code == "57014" && took >= b.i.cfg.batchLimit: // query_canceled
		return tooLong
	case pg.Code == "57014":
		return interrupted
	case lockNotAvailable(err):
		return lockedOut
	case strings.HasPrefix(pg.Code, "53"): // insufficient_resources
		return shortOf
	// connection_exception, transaction_rollback, operator_intervention; a server that has become a replica; timeouts of a transaction
	case slices.Contains([]string{"08", "40", "57"}, pg.Code[:min(2, len(pg.Code))]), slices.Contains([]string{"25006", "25P03", "25P04"}, pg.Code):
		return passing
	}
	return ofRow
}

// otherwise is the error of a statement on the table outside of a row: one of names means that the change has gone on without
// the filler, and one that was cancelled is to be begun anew.
func (b *backfill) otherwise(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && slices.Contains([]string{"42703", "42P01", "42883", "57014"}, pg.Code) {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	return err
}
