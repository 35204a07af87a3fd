package resolve

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// Rejected is the error with which the server has rejected a statement for what it says. One with which it has ended the session says
// nothing about that, and neither does one that may not come another time: a lock that was not to be had, a deadlock, a lack of
// something.
func Rejected(err error) (*pgconn.PgError, bool) {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(e.Code) != 5 || ends(e) {
		return nil, false
	}
	switch class := e.Code[:2]; {
	case e.Code == "55P03", class == "40", class == "53", class == "58": // lock_not_available; see appendix A for the classes
		return nil, false
	}
	return e, true
}

// ends tells whether the server ends the session with an error, whatever the language of its messages.
func ends(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
}
