package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// What only one session may do at a time is held by a row that names the session's server process. Whoever may not write
// the tables of schema segue can neither take it nor keep others from it; an advisory lock could be taken by any role. The
// row ends with the server process, as a lock does: one whose process has gone is free. A process takes itself off the
// list of activity after its transaction has ended (ShutdownPostgres runs before pgstat_beshutdown_hook), so nothing of
// the former holder happens after that.

// HoldLeader is held by the instance that makes transitions.
const HoldLeader = "leader"

// HoldBackfill is held by the instance that fills the rows of changed tables.
const HoldBackfill = "backfill"

// HoldInstance is held by the control connection of the process that runs as the instance of that id.
func HoldInstance(id string) string { return "instance " + id }

// livingHolder finds the process that holds $1 and lives. The time of its start, which tells it from a later process of
// the same number, may be read by roles that are members of the holder's; otherwise the role has to do.
const livingHolder = `
	SELECT h.pid FROM segue.holder h JOIN pg_catalog.pg_stat_activity a
	ON a.pid = h.pid AND a.usesysid = h.role AND coalesce(a.backend_start = h.began, true)
	WHERE h.what = $1`

// Hold makes the session the holder of what and returns 0, or returns the server process of the session that holds it. It
// does not wait for the holder.
func Hold(ctx context.Context, conn *pgx.Conn, what string) (holder uint32, err error) {
	holder, err = holderOf(ctx, conn, what) // the usual answer, without a lock
	if err == nil && holder == 0 {
		err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO segue.holder (what, pid, role) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING`, what)
			if err == nil {
				_, err = tx.Exec(ctx, `SELECT FROM segue.holder WHERE what = $1 FOR UPDATE`, what)
			}
			if err != nil {
				return err
			}
			// Behind the lock, and the first look at the activity in this transaction, which goes on showing what it showed first.
			if holder, err = holderOf(ctx, tx, what); err != nil || holder != 0 {
				return err
			}
			tag, err := tx.Exec(ctx, `
				UPDATE segue.holder h SET pid = a.pid, began = a.backend_start, role = a.usesysid, since = pg_catalog.clock_timestamp()
				FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid() AND h.what = $1`, what)
			if err == nil && tag.RowsAffected() == 0 { // what nobody has held for long is removed at times
				err = errors.New("its row was removed at this moment")
			}
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("cannot take what one session may have (%s): %w", what, err)
	}
	if holder == conn.PgConn().PID() {
		return 0, nil
	}
	return holder, nil
}

// holderOf is the server process that holds it and lives, 0 when there is none.
func holderOf(ctx context.Context, db DB, what string) (uint32, error) {
	var pid int32
	err := db.QueryRow(ctx, livingHolder, what).Scan(&pid)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return uint32(pid), err
}

// EndHolder ends the session of the server process if it still holds it. It does not wait for its end.
func EndHolder(ctx context.Context, db DB, what string, holder uint32) error {
	_, err := db.Exec(ctx, `SELECT pg_catalog.pg_terminate_backend(pid) FROM (`+livingHolder+`) AS held WHERE pid = $2`, what, int32(holder))
	if err != nil {
		return fmt.Errorf("cannot end the lost connection that holds %s: %w", what, err)
	}
	return nil
}

// InterruptHolder cancels the statement of whoever holds it, where it runs in a transaction. It does not wait for its end.
func InterruptHolder(ctx context.Context, db DB, what string) error {
	_, err := db.Exec(ctx, `
		SELECT pg_catalog.pg_cancel_backend(a.pid) FROM (`+livingHolder+`) AS held JOIN pg_catalog.pg_stat_activity a ON a.pid = held.pid
		WHERE a.state = 'active' AND a.xact_start IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()`, what)
	if err != nil {
		return fmt.Errorf("cannot cancel the statement of the connection that holds %s: %w", what, err)
	}
	return nil
}

// pruneHolders removes rows that were taken longer ago than age and whose process has gone. The rows are locked before it
// looks which have, so that nobody takes one in between.
func pruneHolders(ctx context.Context, tx pgx.Tx, age time.Duration) error {
	rows, err := tx.Query(ctx, `
		SELECT what FROM segue.holder WHERE since < pg_catalog.clock_timestamp() - $1 * interval '1 microsecond' FOR UPDATE SKIP LOCKED`,
		age.Microseconds())
	if err != nil {
		return err
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(old) == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `
		DELETE FROM segue.holder h WHERE what = ANY($1) AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = h.pid AND a.usesysid = h.role AND coalesce(a.backend_start = h.began, true))`, old)
	return err
}
