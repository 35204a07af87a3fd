//go:build !pg18

package ast

// ReturnsOf is the RETURNING clause of a statement. This grammar has none of MERGE, and no names for old and new rows.
func ReturnsOf(n any) Returns {
	switch n := n.(type) {
	case *InsertStmt:
		return Returns{Exprs: &n.ReturningList}
	case *UpdateStmt:
		return Returns{Exprs: &n.ReturningList}
	case *DeleteStmt:
		return Returns{Exprs: &n.ReturningList}
	}
	return Returns{Exprs: new([]*Node)}
}

// Sees tells which rows a WHEN clause of MERGE can name.
func Sees(w *MergeWhenClause) (target, source bool) { return w.Matched, true }
