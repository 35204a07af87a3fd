package resolve

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// WithoutValues is an error in words that hold no value of a row. The server quotes values, or ends its message with them; what
// a function raises, or a language other than SQL and PL/pgSQL reports, may hold anything.
func WithoutValues(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err.Error()
	}
	if pg.Routine == "exec_stmt_raise" || slices.Contains([]string{"P0", "38", "39", "XX"}, pg.Code[:min(2, len(pg.Code))]) {
		return Condition(pg.Code)
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
	return message + " (" + Condition(pg.Code) + ")"
}

// bareNumber finds numbers and bytes that stand in a message for themselves, and not those of a type, as in numeric(12,2).
var bareNumber = regexp.MustCompile(`(^|[\s:=])[-+]?(?:0x|\\x)?[0-9][^\s]*`)

// Condition is an SQLSTATE with what it means, in the words of PostgreSQL's errcodes.txt: those of the condition, or those of its class.
func Condition(code string) string {
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
