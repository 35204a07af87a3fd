package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/rules"
)

// validateWait is how long the proof may wait for its lock before it is tried again: others wait behind it.
const validateWait = 500 * time.Millisecond

// prove fills what is left and has the server prove that nothing is. What is proved once stays so.
func (f *filler) prove(ctx context.Context, m *rules.Migration) (bool, error) {
	all, err := accounts(ctx, f.conn, m.ID)
	if err != nil {
		return false, err
	}
	if len(all) > 0 && !slices.ContainsFunc(all, func(a *account) bool { return !a.Proved }) {
		return true, nil
	}
	if done, err := f.fillRows(ctx, m); err != nil || !done {
		return false, err
	}
	if done, err := f.validate(ctx, m); err != nil || !done {
		return false, err
	}
	if all, err = accounts(ctx, f.conn, m.ID); err != nil {
		return false, err
	}
	for _, a := range all {
		a.Proved, a.Waits = true, ""
		if err := a.save(ctx, f.conn); err != nil {
			return false, err
		}
	}
	return true, nil
}

// validate has the server prove that every row is filled and in step. It reports whether that is so.
func (f *filler) validate(ctx context.Context, m *rules.Migration) (bool, error) {
	all, err := accounts(ctx, f.conn, m.ID)
	if err != nil {
		return false, err
	}
	for _, a := range all {
		op, ok := m.ChangeAt(a.Operation)
		switch {
		case !ok || op.Resolved() == nil || op.Resolved().Compiled() == nil:
			return false, nil
		case op.Resolved().Compiled().Alone():
			continue
		}
		if err := f.say(ctx, a, "the server proves that every row is filled"); err != nil {
			return false, err
		}
		err := pgx.BeginFunc(ctx, f.conn, func(tx pgx.Tx) error {
			sql := fmt.Sprintf(`SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = 0`, validateWait.Milliseconds())
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, op.Resolved().Compiled().Validate())
			return err
		})
		pg, rejected := errors.AsType[*pgconn.PgError](err)
		switch {
		case err == nil:
			continue
		case lockNotAvailable(err), rejected && pg.Code == "42704": // undefined_object: it has been taken back meanwhile
			return false, nil
		case rejected && pg.Code == "23514": // check_violation
			return false, f.stop(ctx, a, fmt.Sprintf("a row of %s is not in step: %s", op.Target(), pg.Message))
		}
		return false, err
	}
	return true, nil
}

// awaitTransactions waits until every transaction has ended that was open when it was called: one that has taken its snapshot
// before the last row was filled would read nothing in the new columns.
func (f *filler) awaitTransactions(ctx context.Context, m *rules.Migration) error {
	var open []string
	const transactions = `
		SELECT coalesce(pg_catalog.array_agg(l.virtualtransaction), '{}') FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'virtualxid' AND l.granted AND a.pid <> pg_catalog.pg_backend_pid() AND a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
			AND coalesce(a.backend_type, 'client backend') = 'client backend' AND a.pid <> ALL ($1::pg_catalog.int4[])
			AND ($2::pg_catalog.text[] IS NULL OR l.virtualtransaction = ANY ($2::pg_catalog.text[]))`
	if err := f.conn.QueryRow(ctx, transactions, signed(f.i.lines.backends()), nil).Scan(&open); err != nil {
		return fmt.Errorf("cannot see which transactions are open: %w", err)
	}
	all, err := accounts(ctx, f.conn, m.ID)
	if err != nil {
		return err
	}
	for ctx.Err() == nil && len(open) > 0 {
		if err := f.conn.QueryRow(ctx, transactions, signed(f.i.lines.backends()), open).Scan(&open); err != nil {
			return fmt.Errorf("cannot see which transactions are open: %w", err)
		}
		for _, a := range all {
			if err := f.say(ctx, a, plural(len(open), "transaction that is older than the last row has to end", "transactions that are older than the last row have to end")); err != nil {
				return err
			}
		}
		pause(ctx, min(f.i.cfg.Poll, 100*time.Millisecond), nil)
	}
	return ctx.Err()
}

// settle gives the new columns their own names as soon as nobody is left who may know these for the old ones.
func (f *filler) settle(ctx context.Context, m *rules.Migration) (time.Duration, error) {
	var left int
	err := f.conn.QueryRow(ctx, `
		SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
			AND a.pid <> pg_catalog.pg_backend_pid() AND NOT EXISTS (SELECT FROM segue.instance i WHERE a.pid = ANY (i.pids) AND a.application_name = $2)
			AND coalesce(a.backend_start <= (SELECT pg_catalog.max(changed_at) FROM segue.change WHERE migration = $1), true)
			AND a.application_name <> $2`, m.ID, applicationName).Scan(&left)
	if err != nil {
		return 0, fmt.Errorf("cannot see who was connected before contract: %w", err)
	}
	if left > 0 {
		return f.i.cfg.Poll, nil
	}
	return f.request(ctx, m, Settle)
}
