package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is a connection, a pool or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotStored is the error, wrapped, of asking for a row that is not there, or of changing it.
var ErrNotStored = errors.New("not stored")

// Channel is the one that every change of the store notifies; see Notify.
const Channel = "segue"

// Notify tells all instances that the store has changed, once the transaction commits.
func Notify(ctx context.Context, db DB, payload string) error {
	_, err := db.Exec(ctx, `SELECT pg_catalog.pg_notify($1, $2)`, Channel, payload)
	return err
}
