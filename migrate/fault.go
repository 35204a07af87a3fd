package migrate

import (
	"errors"
	"fmt"
	"regexp"
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

// withoutValues is an error in words that hold no value of a row. The server quotes values, or ends its message with them; what
// a function raises, or a language other than SQL and PL/pgSQL reports, may hold anything.
func withoutValues(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err.Error()
	}
	if pg.Routine == "exec_stmt_raise" || slices.Contains([]string{"P0", "38", "39", "XX"}, pg.Code[:min(2, len(pg.Code))]) {
		return condition(pg.Code)
	}
	message := pg.Message
	const quotes = "\"'`\u00ab\u00bb\u2039\u203a\u201c\u201d\u201e\u2018\u2019\u201a\u300c\u300d"
	if first := strings.IndexAny(message, quotes); first >= 0 {
		rest := ""
		if last := strings.LastIndexAny(message, quotes); last > first {
			_, rest, _ = strings.Cut(message[last:], string([]rune(message[last:])[:1]))
		}
		message = message[:first] + "..." + rest
	}
	message = bareNumber.ReplaceAllString(message, "$1...")
	return message + " (" + condition(pg.Code) + ")"
}

// bareNumber finds numbers and bytes that stand in a message for themselves, and not those of a type, as in numeric(12,2).
var bareNumber = regexp.MustCompile(`(^|[\s:=])[-+]?(?:0x|\\x)?[0-9][^\s]*`)

// condition is an SQLSTATE with what it means, in the words of PostgreSQL's errcodes.txt: those of the condition, or those of its class.
func condition(code string) string {
	words := conditions[code]
	if words == "" && len(code) > 2 {
		words = conditions[code[:2]]
	}
	if words == "" {
		return "SQLSTATE " + code
	}
	return "SQLSTATE " + code + ", " + words
}

var conditions = map[string]string{
	"0A": "feature not supported", "21": "cardinality violation", "22": "data exception", "23": "integrity constraint violation",
	"2F": "SQL routine exception", "38": "external routine exception", "39": "external routine invocation exception",
	"42": "syntax error or access rule violation", "53": "insufficient resources", "54": "program limit exceeded",
	"55": "object not in prerequisite state", "57": "operator intervention", "58": "system error", "P0": "PL/pgSQL error", "XX": "internal error",
	"22001": "string data right truncation", "22003": "numeric value out of range", "22007": "invalid datetime format",
	"22008": "datetime field overflow", "22012": "division by zero", "22021": "character not in repertoire", "22023": "invalid parameter value",
	"22030": "duplicate JSON object key value", "22032": "invalid JSON text", "22P02": "invalid text representation", "22P05": "untranslatable character",
	"23502": "not null violation", "23503": "foreign key violation", "23505": "unique violation", "23514": "check violation",
	"42501": "insufficient privilege", "54000": "program limit exceeded", "54001": "statement too complex",
	"55P03": "lock not available", "57014": "query canceled", "P0001": "raise exception",
}
