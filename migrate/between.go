package migrate

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/store"
)

// betweenTries is how often a batch is interrupted by who waits for its row: the next one may have begun before that can be locked.
const betweenTries = 20

// betweenBatches changes, in tx, what is stored of a backfill. A batch holds the row of that for as long as one row of the table may
// take, so one that takes long is given up. do is called again then, in a transaction of its own within tx.
func (i *Instance) betweenBatches(ctx context.Context, tx pgx.Tx, do func(pgx.Tx) error) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = 200`); err != nil { // longer than a batch takes
				return err
			}
			if err := do(tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '10s'`) // as control connections have it
			return err
		})
		if err == nil || try == betweenTries || !lockNotAvailable(err) {
			return err
		}
		// By another connection: a transaction goes on seeing the activity that it saw first.
		if err := store.InterruptHolder(ctx, pool, store.HoldBackfill); err != nil {
			return err
		}
	}
}
