package rewrite

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A string of several statements is bound as a whole where its statements do not change what names mean for each other.
// Where one does (SET search_path, CREATE, ALTER, DROP, DO, COMMIT …), and a later one may name a table under migration, only
// the server knows what that will mean. So the string is sent in pieces, of which each is bound after those before it have
// run, in one transaction.
//
// Which statements these are is told by their kind and by the prefilter, before anything is bound: whoever is taken for
// one without need costs a message more.

// A Piece is a run of statements of a string that is to be sent as a Query of its own.
type Piece struct {
	Start, End int // byte range in Text.Client
	Chars      int // characters of Text.Client before Start
	Control    Control
}

// Control says what a piece does to the transaction block. Whatever does something to it is a piece by itself.
type Control byte

// The controls. In a string outside a transaction block, PostgreSQL puts the statements into an implicit one, for which
// each has its own consequence (xact.c: TBLOCK_IMPLICIT_INPROGRESS).
const (
	NoControl  Control = iota
	Begins             // BEGIN and START TRANSACTION make an explicit block of it
	Commits            // COMMIT and END end it, with a warning
	RollsBack          // ROLLBACK and ABORT likewise
	Prepares           // PREPARE TRANSACTION likewise
	NeedsBlock         // what fails in it: SAVEPOINT, RELEASE, ROLLBACK TO, AND CHAIN
)

// inPieces is the text of a string that must be sent in pieces; nil where it can be bound as a whole.
func (r *rewriting) inPieces() *Text {
	statements := r.tree.tree.Stmts
	if len(statements) < 2 {
		return nil
	}
	cuts := make([]bool, len(statements))       // whether the string is cut before a statement
	changed, rows := false, r.session.Unsettled // where a name is new, any text is looked at
	code, makers := r.session.Changers, r.session.Makers
	for i, raw := range statements {
		text := r.source.UTF8[raw.StmtLocation:endOfStatement(raw, r.source.UTF8)]
		matters := rows || r.binder.matters([]byte(text))
		if changed && matters {
			cuts[i], changed = true, false
		}
		if raw.GetStmt().GetNode() == nil {
			continue
		}
		makes := makers || r.binder.MayMake([]byte(text))
		changed = changed || code || makes || r.binder.changesNames(raw.Stmt, []byte(text))
		made := madeBy(r.binder.snap.Catalog, raw.Stmt)
		rows = rows || makes || slices.ContainsFunc(made, func(m Made) bool { return m.Rows && (matters || m.Unseen) })
		makers = makers || slices.ContainsFunc(made, func(m Made) bool { return m.makesMore(r.binder.snap.Catalog, r.binder.makers, text) })
		code = code || slices.ContainsFunc(made, func(m Made) bool { return m.changesSession(r.binder.unseen, text) })
	}
	if !slices.Contains(cuts, true) {
		return nil
	}
	return r.divided(func(i int) bool { return cuts[i] })
}

// oneByOne is the text of a string of which each statement is to be sent as a piece; nil where there is but one.
func (r *rewriting) oneByOne() *Text {
	if r.tree.tree == nil {
		again, err := parse(r.source.UTF8)
		if err != nil {
			return nil
		}
		r.tree = again
	}
	if len(r.tree.tree.Stmts) < 2 {
		return nil
	}
	return r.divided(func(int) bool { return true })
}

// OneByOne divides a string of several statements, so that each is sent and bound by itself.
func (b *Binder) OneByOne(s *Session, sql string) *Text {
	r := &rewriting{binder: b, session: s, sql: sql}
	if t := r.read(); t != nil {
		return t
	}
	return r.oneByOne()
}

// divided is the text in pieces; cut says of a statement that a piece begins with it.
func (r *rewriting) divided(cut func(i int) bool) *Text {
	t := &Text{SQL: r.sql, Client: r.sql, charset: r.charset}
	alone, at, chars := false, 0, 0
	for i, raw := range r.tree.tree.Stmts {
		if c := raw.GetStmt().GetCopyStmt(); c != nil && c.IsFrom && c.Filename == "" {
			return r.refuseWhole(refusedSeries.raise("COPY", "a string of statements in which COPY FROM STDIN follows or precedes"+
				" a change of what names mean cannot be sent to the server in parts", syntax.CharPosition(r.source.UTF8, int(raw.StmtLocation))))
		}
		control := controlOf(raw.GetStmt())
		start, end := int(raw.StmtLocation), endOfStatement(raw, r.source.UTF8)
		if n := len(t.Pieces); n > 0 && !alone && control == NoControl && !cut(i) {
			t.Pieces[n-1].End = r.source.Original(end)
			continue
		}
		alone = control != NoControl || setsTransaction(raw.GetStmt())
		chars += utf8.RuneCountInString(r.source.UTF8[at:start])
		at = start
		t.Pieces = append(t.Pieces, Piece{
			Start: r.source.Original(start), End: r.source.Original(end), Chars: chars, Control: control,
		})
	}
	return t
}

// endOfStatement is where a statement ends in the text that it was parsed from.
func endOfStatement(raw *ast.RawStmt, sql string) int {
	if raw.StmtLen == 0 {
		return len(sql)
	}
	return int(raw.StmtLocation + raw.StmtLen)
}

// controlOf says what a statement does to the transaction block.
func controlOf(n *ast.Node) Control {
	tx := n.GetTransactionStmt()
	if tx == nil {
		return NoControl
	}
	switch tx.Kind {
	case ast.TransactionStmtKind_TRANS_STMT_BEGIN, ast.TransactionStmtKind_TRANS_STMT_START:
		return Begins
	case ast.TransactionStmtKind_TRANS_STMT_COMMIT, ast.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		switch {
		case tx.Chain:
			return NeedsBlock
		case tx.Kind == ast.TransactionStmtKind_TRANS_STMT_COMMIT:
			return Commits
		}
		return RollsBack
	case ast.TransactionStmtKind_TRANS_STMT_PREPARE:
		return Prepares
	case ast.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED, ast.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
		return NoControl // not in a transaction block, be it an implicit one
	}
	return NeedsBlock
}

// setsTransaction tells of the statements before which a transaction must not have seen anything, so that what follows cannot
// be bound before they have run.
func setsTransaction(n *ast.Node) bool {
	v := n.GetVariableSetStmt()
	return v.GetKind() == ast.VariableSetKind_VAR_SET_MULTI || strings.HasPrefix(strings.ToLower(v.GetName()), "transaction_")
}

// matters tells whether what a statement means may depend on the names that there are.
func (b *Binder) matters(sql []byte) bool {
	return b.filter.Match(sql, true) == prefilter.Names || b.ShowsCatalogs(sql)
}

// changesNames tells whether a statement may change what later ones mean: which relations, types and functions there are,
// where they are looked for, or the version.
func (b *Binder) changesNames(n *ast.Node, sql []byte) bool {
	switch n := n.GetNode().(type) {
	case nil:
		return false
	case *ast.Node_TransactionStmt:
		switch n.TransactionStmt.Kind {
		case ast.TransactionStmtKind_TRANS_STMT_BEGIN, ast.TransactionStmtKind_TRANS_STMT_START,
			ast.TransactionStmtKind_TRANS_STMT_SAVEPOINT, ast.TransactionStmtKind_TRANS_STMT_RELEASE:
			return false
		}
		return true // what was set or made may be taken back
	case *ast.Node_VariableSetStmt:
		v := n.VariableSetStmt
		return v.Kind == ast.VariableSetKind_VAR_RESET_ALL || settlesNames(strings.ToLower(v.Name))
	case *ast.Node_ExplainStmt:
		return b.changesNames(n.ExplainStmt.Query, sql)
	case *ast.Node_SelectStmt:
		return intoOf(n.SelectStmt) || b.mayDoMore(sql)
	case *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt, *ast.Node_CopyStmt,
		*ast.Node_DeclareCursorStmt, *ast.Node_PrepareStmt, *ast.Node_FetchStmt, *ast.Node_TruncateStmt:
		return b.mayDoMore(sql)
	case *ast.Node_VariableShowStmt, *ast.Node_DeallocateStmt, *ast.Node_ClosePortalStmt, *ast.Node_ListenStmt,
		*ast.Node_UnlistenStmt, *ast.Node_NotifyStmt, *ast.Node_ConstraintsSetStmt, *ast.Node_CheckPointStmt,
		*ast.Node_ExecuteStmt, *ast.Node_LockStmt, *ast.Node_VacuumStmt, *ast.Node_CommentStmt, *ast.Node_GrantStmt:
		return false
	}
	return true
}

// mayDoMore tells whether a statement that reads or writes rows may change settings, by a function that does so.
func (b *Binder) mayDoMore(sql []byte) bool {
	return syntax.ContainsWord(strings.ToLower(string(sql)), "set_config") || b.unseen != nil && b.unseen.Match(sql, false) != prefilter.Miss
}

// settlesNames tells of the settings that decide what names mean. Those that decide how a text is read are none of them: a
// string is read as a whole before its first statement is executed.
func settlesNames(setting string) bool {
	switch setting {
	case versionSetting, "search_path", "role", "session_authorization":
		return true
	}
	return false
}

// intoOf tells whether a SELECT makes a table.
func intoOf(sel *ast.SelectStmt) bool {
	for ; sel != nil; sel = sel.Larg {
		if sel.IntoClause != nil {
			return true
		}
	}
	return false
}
