package rewrite

import (
	"bytes"

	"github.com/seguedb/segue/rewrite/ast"
)

// RollsBackTo says of each statement of a text whether it is ROLLBACK TO SAVEPOINT, whose command tag is that of ROLLBACK,
// though the transaction goes on. It is nil where none is, and where the text cannot be read: encoding and standardStrings
// are as in PreparedIn.
func RollsBackTo(encoding string, standardStrings bool, sql []byte) []bool {
	if !mentionsRollback(sql) {
		return nil
	}
	tree, _, ok := parseIn(encoding, standardStrings, string(sql))
	if !ok {
		return nil
	}
	var list []bool
	for i, raw := range tree.Stmts {
		if tx := raw.GetStmt().GetTransactionStmt(); tx == nil || tx.Kind != ast.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO {
			continue
		}
		if list == nil {
			list = make([]bool, len(tree.Stmts))
		}
		list[i] = true
	}
	return list
}

var rollbackWord = []byte("rollback")

// mentionsRollback finds the word anywhere, in either case.
func mentionsRollback(sql []byte) bool {
	for {
		at := bytes.IndexAny(sql, "kK") // the rarest of its letters
		if at < 0 {
			return false
		}
		if at >= 7 && bytes.EqualFold(sql[at-7:at+1], rollbackWord) {
			return true
		}
		sql = sql[at+1:]
	}
}
