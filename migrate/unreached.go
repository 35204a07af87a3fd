package migrate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// An UnreachedError is that no connection to the upstream could be opened, in one sentence: that of the driver has a line
// for each address and way that it has tried, most of them the same.
type UnreachedError struct {
	text string
	hint string
	err  error
}

// Error implements error.
func (e *UnreachedError) Error() string { return e.text }

// Unwrap returns the driver's error.
func (e *UnreachedError) Unwrap() error { return e.err }

// Hint is what to do about it; "" when nothing is known but to look there.
func (e *UnreachedError) Hint() string { return e.hint }

// unreached makes an UnreachedError of the driver's error for a connection of that configuration.
func unreached(cfg *pgx.ConnConfig, err error) *UnreachedError {
	e := &UnreachedError{err: err}
	at := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if strings.HasPrefix(cfg.Host, "/") {
		at = cfg.Host
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		e.text = fmt.Sprintf("cannot reach the upstream: the server at %s refuses user %s: %s (%s)", at, cfg.User, pg.Message, pg.Code)
		switch {
		case pg.Code == "28P01":
			e.hint = "put the password into the URL of --upstream (SEGUE_UPSTREAM), PGPASSWORD or ~/.pgpass"
		case pg.Code == "28000":
			e.hint = "pg_hba.conf of the server decides who may connect from where, and how"
		case pg.Code == "3D000":
			e.hint = "the URL of --upstream names the database; it has to be there"
		}
		return e
	}
	e.text = fmt.Sprintf("cannot reach the upstream: the server at %s does not answer: %s", at, innermost(err))
	if at != cfg.Host {
		e.hint = "is the server running, and is this its address? The instance goes on trying"
	}
	return e
}

// innermost is the cause at the end of the chain, where the network or the system has given one; else the whole error in one line.
func innermost(err error) string {
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return call.Err.Error()
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return name.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err.Error()
	}
	if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = c.Unwrap()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// Unreached finds in err that no connection to the upstream could be opened, by the instance's own short questions included, or
// that one was lost in the middle of a question; nil when that is not what is wrong.
func (i *Instance) Unreached(err error) *UnreachedError {
	if e, ok := errors.AsType[*UnreachedError](err); ok {
		return e
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return unreached(i.lines.config.ConnConfig, err)
	}
	if why := lost(err); why != "" {
		return &UnreachedError{
			text: "the connection to the upstream was lost: " + why, err: err,
			hint: "ask again: to ask twice for the same does no harm, and what has been asked for goes on by itself",
		}
	}
	return nil
}

// lost is how a connection has ended; "" when err is about something else.
func lost(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC" { // the server has ended the session with it
			return fmt.Sprintf("%s (%s)", pg.Message, pg.Code)
		}
		return ""
	}
	_, broken := errors.AsType[*net.OpError](err)
	if broken || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, pgconn.ErrConnClosed) {
		return innermost(err)
	}
	return ""
}
