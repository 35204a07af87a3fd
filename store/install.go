package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// installTries is how often Install tries again when somebody else makes the schema at the same time: each attempt that
// fails so has waited for another that has gone further.
const installTries = 20

// Install creates the schema segue, or upgrades it in place, in one transaction of conn. It runs no DDL when nothing is to
// be done, so that a role without CREATE on the database can run an instance afterwards. Before it touches anything in the
// schema it makes sure that all of it is the current role's own; see guardSchema.
func Install(ctx context.Context, conn *pgx.Conn) error {
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return install(ctx, tx) })
		if try == installTries || !outrun(err) {
			return err
		}
	}
}

// Installed tells whether the schema segue is there, of whatever version.
func Installed(ctx context.Context, db DB) (bool, error) {
	version, err := installedVersion(ctx, db, false)
	return version > 0, err
}

// outrun reports whether another session made the same object, or changed it, at the same time. The catalogs themselves see
// to it that only one does: nobody can hold a lock against the making of the schema but who may make it.
func outrun(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch pg.Code {
	case "23505", "42P06", "42P07", "42710", "40P01": // unique_violation, duplicate_schema, _table, _object, deadlock_detected
		return true
	}
	return pg.Code == "XX000" && strings.HasPrefix(pg.Message, "tuple concurrently ")
}

func install(ctx context.Context, tx pgx.Tx) error {
	if err := guardSchema(ctx, tx); err != nil {
		return err
	}
	have, err := installedVersion(ctx, tx, false)
	if err != nil || have == len(steps) {
		return err
	}
	if have == 0 {
		if err := publishesAll(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, foundation); err != nil {
			return installFailure(0, err)
		}
	}
	if have, err = installedVersion(ctx, tx, true); err != nil { // another instance may have been quicker
		return err
	}
	for i := have; i < len(steps); i++ {
		if _, err := tx.Exec(ctx, steps[i]); err != nil {
			return installFailure(i, err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE segue.format SET version = $1`, len(steps))
	return err
}

// publishesAll is the error of making the schema where a publication has all tables: a subscriber stops at the first row of
// a table that it does not have, and the server keeps its log for it from then on. Whoever has made the schema knows that.
func publishesAll(ctx context.Context, db DB) error {
	var publications *string
	err := db.QueryRow(ctx, `
		SELECT pg_catalog.string_agg(pg_catalog.quote_ident(pubname), ', ' ORDER BY pubname) FROM pg_catalog.pg_publication
		WHERE puballtables AND pg_catalog.to_regnamespace('segue') IS NULL`).Scan(&publications)
	switch {
	case err != nil:
		return fmt.Errorf("cannot look for publications: %w", err)
	case publications != nil:
		return fmt.Errorf("schema segue would be published by %s, which is FOR ALL TABLES, and subscribers stop that do not have it; "+
			"make the schema by hand when they are ready for it (see docs/operations.md): CREATE SCHEMA segue AUTHORIZATION <role>", *publications)
	}
	return nil
}

// installFailure is the error of a step, with what to do where the role lacks the right.
func installFailure(step int, err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return fmt.Errorf("cannot create or upgrade schema segue (step %d): %w; grant the role of the upstream URL CREATE on the database once, "+
			"or make the schema for it: CREATE SCHEMA segue AUTHORIZATION <role>", step+1, err)
	}
	return fmt.Errorf("cannot create or upgrade schema segue (step %d): %w", step+1, err)
}

// installedVersion tells how many of steps have been run, 0 when there is no schema segue, and locks that number when lock
// is set.
func installedVersion(ctx context.Context, db DB, lock bool) (version int, err error) {
	var format bool
	err = db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		               WHERE n.nspname = 'segue' AND c.relname = 'format')`).Scan(&format)
	if err != nil {
		return 0, fmt.Errorf("cannot look for schema segue: %w", err)
	}
	if !format {
		return 0, nil
	}
	sql := `SELECT version FROM segue.format`
	if lock {
		sql += ` FOR UPDATE`
	}
	if err := db.QueryRow(ctx, sql).Scan(&version); err != nil {
		return 0, fmt.Errorf("cannot read the version of schema segue: %w", err)
	}
	if version > len(steps) {
		return 0, fmt.Errorf("schema segue is of version %d, which is newer than this program knows (%d); use a newer segue", version, len(steps))
	}
	return version, nil
}
