package rewrite

import (
	"fmt"
	"strings"
	"time"

	"github.com/seguedb/segue/internal/srcpos"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// The SQLSTATEs of errors that the rewriter raises by itself.
const (
	codeRefused           = "0A000" // feature_not_supported
	codeTooComplex        = "54001" // statement_too_complex
	codeTooLarge          = "54000" // program_limit_exceeded
	codeNoMemory          = "53200" // out_of_memory
	codeFailedTransaction = "25P02" // in_failed_sql_transaction
	codeInvalidParameter  = "22023" // invalid_parameter_value
	codeCannotConnectNow  = "57P03" // cannot_connect_now: later it may work
)

// isUnknownName tells whether an error means that the version's schema has no such name, so that another may have it.
func (e *Error) isUnknownName() bool {
	switch e.Code {
	case "42703", "42P01", "42883", "42704", "3F000": // column, table, function, object, schema
		return true
	}
	return false
}

// versionNotServed is the error of a session whose version has no lens.
func versionNotServed(snap *rules.Snapshot, version string) *Error {
	e := &Error{
		Code:    codeInvalidParameter,
		Message: fmt.Sprintf("schema version %q does not exist", version),
		Hint:    "Versions that are served: " + strings.Join(snap.Versions(), ", ") + ".",
		Node:    "segue.version",
		pos:     srcpos.Here(),
	}
	if why, hint := snap.BaseEnded(version); why != "" {
		e.Code, e.Message, e.Hint = codeCannotConnectNow, why, hint
	}
	if m := snap.Migration(version); m != nil {
		switch m.Phase {
		case rules.Draft:
			e.Code = codeCannotConnectNow
			e.Message = fmt.Sprintf("schema version %q is not served yet", version)
			e.Hint = fmt.Sprintf("Activate migration %s first. %s", version, e.Hint)
		case rules.Active:
			e.Code = codeCannotConnectNow
			e.Message = fmt.Sprintf("schema version %q is not served yet", version)
			e.Hint = "It is served when the columns are complete. " + e.Hint
		case rules.RolledBack:
			e.Message = fmt.Sprintf("schema version %q is not served any more: its migration was rolled back", version)
		}
	}
	return e
}

// unpinnedRefused is the error of a session that had to choose a version and has not.
func unpinnedRefused(snap *rules.Snapshot) *Error {
	e := refusedUnpinned.raise("segue.version",
		"this session has not chosen a schema version, and a table that the statement concerns is being migrated", 0)
	e.Hint += " Versions that are served: " + strings.Join(snap.Versions(), ", ") + "."
	return e
}

// syntaxError is the error to a text that the parser cannot read. A server whose grammar is not newer than the parser's
// cannot either; of any other server that is not known, and nil is returned.
func syntaxError(snap *rules.Snapshot, err *ast.SyntaxError) *Error {
	if snap.Catalog.ServerVersion/10000 <= ast.GrammarVersion {
		return &Error{Code: codeSyntaxError, Message: err.Message, Position: err.Position, pos: srcpos.Here()}
	}
	return nil
}

// syntaxRefused is the refusal of a text that the parser cannot read, but the server perhaps.
func syntaxRefused(err *ast.SyntaxError) *Error {
	return refusedSyntax.raise("syntax",
		"segue cannot read this text, which may concern a table that is being migrated: "+err.Message, err.Position)
}

// isRefusal tells whether an error means that something is not done, and not that it cannot be right.
func (e *Error) isRefusal() bool {
	return e.Code == codeRefused || e.Code == codeTooComplex || e.Code == codeTooLarge || e.Code == codeNoMemory
}

// tooLarge is the refusal of a text of more bytes than are looked at.
func tooLarge(size, limit int) *Error {
	return refusedLarge.raise("size", fmt.Sprintf("segue does not read this text, which may concern a table that is being migrated: "+
		"it has %d bytes, and the limit is %d (--max-statement-size)", size, limit), 0)
}

// noMemory is the refusal of a text that could not be held in memory beside those of others.
func noMemory() *Error {
	return refusedMemory.raise("memory", "segue does not read this text, which may concern a table that is being migrated: "+
		"the memory for long texts is used up", 0)
}

// tooLong is the refusal of a text that would keep the parser too long.
func tooLong(limit int) *Error {
	return refusedLong.raise("length", fmt.Sprintf("segue cannot read this text, which may concern a table that is being migrated: "+
		"it has more than %d words and signs", limit), 0)
}

// TooCostly is the refusal of a text that has kept the binder for too long.
func TooCostly(limit time.Duration) *Error {
	return refusedLong.raise("cost", fmt.Sprintf("segue cannot bind this text, which may concern a table that is being migrated: "+
		"it takes more than %v of a processor", limit), 0)
}

// tooDeep is the refusal of a text of which we cannot have the tree, though the server may accept it.
func tooDeep() *Error {
	return refusedDepth.raise("nesting",
		"segue cannot read this text, which may concern a table that is being migrated: it is nested too deeply", 0)
}

// unreadableEncoding is the refusal of a text whose bytes mean nothing to us.
func unreadableEncoding(name string) *Error {
	return refusedEncoding.raise("client_encoding",
		fmt.Sprintf("segue cannot read this text, which may concern a table that is being migrated, in the encoding %q", name), 0)
}

// backslashInString is the refusal of a text with a string that the server reads in another way than the parser.
func backslashInString(position int) *Error {
	return refusedBackslash.raise("standard_conforming_strings",
		"segue cannot read a backslash in a string while standard_conforming_strings is off", position)
}

// unproven is the refusal of a statement whose rewrite does not say what it should.
func unproven() *Error {
	return refusedUnproven.raise("unproven", "this statement is not rewritten, since the rewrite could not be proved right", 0)
}
