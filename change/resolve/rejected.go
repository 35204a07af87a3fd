package resolve

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Rejected is the error with which the server has rejected a statement. One with which it has ended the session says nothing about
// what the statement says.
func Rejected(err error) (*pgconn.PgError, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || e.Severity == "FATAL" || e.Severity == "PANIC" {
		return nil, false
	}
	return e, true
}
