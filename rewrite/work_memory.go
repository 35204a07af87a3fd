package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// What it takes of memory at the most to bind a text, measured with lists of 240,000 numbers (400 bytes a token) and of
// 240,000 strings (470), 200,000 columns (1,250), 60,000 statements (1,220) and one string of 15 MB (10 bytes a byte).
const (
	memoryOfToken = 1_250
	memoryOfByte  = 10

	// memoryOfBody is for a byte of a text that may have a body, whose tokens are within one of the text's own.
	memoryOfBody = 160
)

// DefaultMaxBytes bounds the length of a text that is bound, if nothing else is configured.
const DefaultMaxBytes = 16 << 20

// memoryOf estimates the bytes of memory that the binding of a text takes.
func memoryOf(t *syntax.Tokens) int {
	perByte := memoryOfByte
	for i := range t.List {
		if k := t.List[i].Kind; k == ast.Token_DO || k == ast.Token_FUNCTION || k == ast.Token_PROCEDURE {
			perByte = memoryOfBody
			break
		}
	}
	return syntax.Weight(t.List, syntax.DefaultMaxTokens)*memoryOfToken + len(t.SQL)*perByte
}
