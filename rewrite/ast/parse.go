// Package ast is the one seam to the parser: the node types of PostgreSQL's own grammar, and the calls that make trees and
// tokens from text. A successor of the parser is a change of this package alone (types.go is generated from its types).
//
// There are two, one for each build: pg_query, which is PostgreSQL 16's own parser in C, and with the build tag pg18 oliphant, a parser in Go
// with the grammar of 18. Both have the same types under the same protobuf names, so they cannot be in one program.
package ast

import (
	"errors"
	"fmt"
)

//go:generate go run ../../internal/astgen types.go
//go:generate go run ../../internal/astgen types_pg18.go

// A SyntaxError is what the parser says of a text that it cannot read. Position is 1-based and counts characters of the
// text, 0 when unknown.
type SyntaxError struct {
	Message  string
	Position int
}

func (e *SyntaxError) Error() string { return e.Message }

// ErrTooDeep says that a text is nested deeper than its tree can be handed over. A server may accept it.
var ErrTooDeep = errors.New("the text is nested too deeply")

// Parse makes the raw parse tree of a UTF-8 text. Its error is a *SyntaxError or ErrTooDeep.
func Parse(sql string) (*ParseResult, error) {
	tree, err := parse(sql)
	var rejected *rejection
	switch {
	case err == nil:
		return tree, nil
	case errors.As(err, &rejected):
		return nil, syntaxError(err)
	}
	return nil, fmt.Errorf("%w: %w", ErrTooDeep, err) // the parser has read it; only decoding the tree can have failed
}

// Scan makes the tokens of a UTF-8 text, comments included; Start and End are byte offsets. Its error is always a *SyntaxError.
func Scan(sql string) ([]*ScanToken, error) {
	res, err := scan(sql)
	if err != nil {
		return nil, syntaxError(err)
	}
	return res.GetTokens(), nil
}

func syntaxError(err error) error {
	var pe *rejection
	if errors.As(err, &pe) {
		return &SyntaxError{Message: pe.Message, Position: pe.Cursorpos}
	}
	return &SyntaxError{Message: err.Error()}
}
