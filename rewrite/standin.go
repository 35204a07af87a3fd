package rewrite

import (
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// A stand-in is what is sent in place of a statement that must fail: a statement of which the server itself says that
// a column does not exist. So the server is, without anything being faked, in the state that the client's own statement
// would have left it in. The column's name is in the message in whatever language, and tells which stand-in it was.
const standInMark = "segue: statement refused "

// StandIn stands for a statement that was never sent because it was cancelled, or held for too long.
const StandIn = `SELECT "` + standInMark + `0"`

// The codes with which servers answer stand-ins.
const (
	codeUndefinedColumn = "42703"
	codeSyntaxError     = "42601"
)

// IsStandIn tells whether an error is the server's answer to StandIn.
func IsStandIn(code, message string) bool {
	n, ok := standInNumber(message)
	return ok && n == 0 && code == codeUndefinedColumn
}

// standInNumber finds the number of the stand-in that a message speaks of.
func standInNumber(message string) (int, bool) {
	_, rest, ok := strings.Cut(message, standInMark)
	if !ok {
		return 0, false
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n, err := strconv.Atoi(rest[:digits])
	return n, err == nil
}

// standIn makes the stand-in for statement number i.
func standIn(i int) string { return `SELECT "` + standInMark + strconv.Itoa(i+1) + `"` }

// standIn makes the stand-in for statement number i of the text. One that the server looks at only when it executes it
// fails no earlier: PREPARE looks at its query by then, and at that before its name.
func (d *draft) standIn(i int) string {
	if i < len(d.tree.Stmts) && !isAnalyzed(d.tree.Stmts[i].GetStmt()) {
		return "PREPARE segue AS " + standIn(i)
	}
	return standIn(i)
}

// isAnalyzed tells whether the server looks up the names in a statement at Parse (transformStmt in analyze.c). Others it
// looks at when it executes them.
func isAnalyzed(n *ast.Node) bool {
	switch n.GetNode().(type) {
	case *ast.Node_SelectStmt, *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt,
		*ast.Node_DeclareCursorStmt, *ast.Node_ExplainStmt, *ast.Node_CreateTableAsStmt, *ast.Node_CallStmt:
		return true
	}
	return false
}

// unreadable stands for a text that the parser cannot read. The server's cannot either: it says so before it looks at
// anything else, even in a transaction that has failed.
const unreadable = `"` + standInMark + `1"`

// FailureAt finds the error to give to the client when the server reports one for this text. The message alone tells
// which stand-in it was, whatever the position. nil means that the server's own error is the right one.
func (t *Text) FailureAt(code string, message string, position int) *Error {
	want := codeUndefinedColumn
	if t.SQL == unreadable {
		want = codeSyntaxError
	}
	if code != want {
		return nil
	}
	n, ok := standInNumber(message)
	if !ok || n < 1 || n > len(t.Statements) {
		return nil
	}
	return t.Statements[n-1].Failure
}
