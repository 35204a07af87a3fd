package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// bindInput is a text to be bound under one lens. The tree is consumed: binding changes it in place.
type bindInput struct {
	snap   *rules.Snapshot
	lens   *rules.Lens
	sess   *Session
	sql    string // UTF-8
	tree   *ast.ParseResult
	tokens *tokens
}

// bound is the outcome of binding: what to change in the text, and the tree with the same changes. Of a statement with
// a Failure nothing is changed in either.
type bound struct {
	edits      []Edit      // sorted, on the client's text
	statements []Statement // Start and End in the client's text, first to last token
	tree       *ast.ParseResult
}

func bind(in *bindInput) (*bound, error) {
	b := &bound{tree: in.tree}
	for _, raw := range in.tree.Stmts {
		first := in.tokens.at(int(raw.StmtLocation))
		last := in.tokens.len() - 1
		if raw.StmtLen > 0 {
			last = in.tokens.before(int(raw.StmtLocation + raw.StmtLen))
		}
		b.statements = append(b.statements, Statement{Start: in.tokens.start(first), End: in.tokens.end(last)})
	}
	return b, nil
}
