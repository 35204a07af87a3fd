package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The store keeps everything that instances share in plain tables in the schema segue of the database that they serve.
// Its functions take the connection or transaction to work in, qualify every name, and never commit: what belongs
// together is committed together by the caller. Their connections should have search_path set to pg_catalog all the same.

// Channel is the one that every change of the store notifies; see Notify.
const Channel = "segue"

// Advisory locks are taken in this class, the two-integer key space of pg_advisory_lock. The letters are SEGU.
const (
	LockClass   int32 = 0x53454755
	LockInstall int32 = 1 // held while the schema is created or upgraded
	LockLeader  int32 = 2 // held by the instance that makes transitions
)

// DB is a connection, a pool or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotStored is returned when there is no row of that id.
var ErrNotStored = errors.New("not stored")

// Notify tells all instances that the store has changed, once the transaction commits.
func Notify(ctx context.Context, db DB, payload string) error {
	_, err := db.Exec(ctx, `SELECT pg_catalog.pg_notify($1, $2)`, Channel, payload)
	return err
}

// Install creates the schema segue, or upgrades it in place, in one transaction of conn under an advisory lock. It runs
// no DDL when nothing is to be done, so that a role without CREATE on the database can run an instance afterwards.
func Install(ctx context.Context, conn *pgx.Conn) error {
	have, err := storeVersion(ctx, conn)
	if err != nil {
		return err
	}
	if have == len(storeSteps) {
		return nil
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock($1, $2)`, LockClass, LockInstall); err != nil {
			return err
		}
		have, err := storeVersion(ctx, tx) // another instance may have been quicker
		if err != nil {
			return err
		}
		if have == 0 {
			if err := publishesAll(ctx, tx); err != nil {
				return err
			}
		}
		for i := have; i < len(storeSteps); i++ {
			if _, err := tx.Exec(ctx, storeSteps[i]); err != nil {
				return installFailure(i, err)
			}
		}
		_, err = tx.Exec(ctx, `UPDATE segue.format SET version = $1`, len(storeSteps))
		return err
	})
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

// storeVersion tells how many of storeSteps have been run; 0 when there is no schema segue.
func storeVersion(ctx context.Context, db DB) (int, error) {
	var exists, format, ours bool
	err := db.QueryRow(ctx, `
		SELECT n.oid IS NOT NULL, EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = n.oid AND relname = 'format'),
		       n.oid IS NULL OR pg_catalog.pg_has_role(n.nspowner, 'USAGE')
		FROM (SELECT 1) AS one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'segue'`).Scan(&exists, &format, &ours)
	switch {
	case err != nil:
		return 0, fmt.Errorf("cannot look for schema segue: %w", err)
	case exists && !ours:
		return 0, errors.New("schema segue belongs to another role; connect as its owner, or as a member of that role")
	case !format:
		return 0, nil
	}
	var version int
	if err := db.QueryRow(ctx, `SELECT version FROM segue.format`).Scan(&version); err != nil {
		return 0, fmt.Errorf("cannot read the version of schema segue: %w", err)
	}
	if version > len(storeSteps) {
		return 0, fmt.Errorf("schema segue is of version %d, which is newer than this program knows (%d); use a newer segue", version, len(storeSteps))
	}
	return version, nil
}
