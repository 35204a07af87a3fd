//go:build pg18

package ast

import "google.golang.org/protobuf/proto"

// ReturnsOf is the RETURNING clause of a statement.
func ReturnsOf(n any) Returns {
	var c *ReturningClause
	switch n := n.(type) {
	case *InsertStmt:
		c = n.ReturningClause
	case *UpdateStmt:
		c = n.ReturningClause
	case *DeleteStmt:
		c = n.ReturningClause
	case *MergeStmt:
		c = n.ReturningClause
	}
	if c == nil {
		return Returns{Exprs: new([]*Node)}
	}
	out := Returns{Exprs: &c.Exprs, Nodes: []proto.Message{c}}
	for _, o := range c.Options {
		option := o.GetReturningOption()
		out.Nodes = append(out.Nodes, option)
		switch option.GetOption() {
		case ReturningOptionKind_RETURNING_OPTION_OLD:
			out.Old = option.Value
		case ReturningOptionKind_RETURNING_OPTION_NEW:
			out.New = option.Value
		}
	}
	return out
}

// Sees tells which rows a WHEN clause of MERGE can name.
func Sees(w *MergeWhenClause) (target, source bool) {
	return w.MatchKind != MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_TARGET, w.MatchKind != MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE
}
