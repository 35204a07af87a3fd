package syntax

import (
	"errors"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// PostgreSQL lets a string go on behind a comment: 'a' -- why, a line break, 'b'. The parser's scanner makes a token of
// each comment, so that it finds two strings there, and a syntax error.

// parseContinued is ast.Parse for a text in which strings may go on behind comments.
func parseContinued(sql string) (*ast.ParseResult, error) {
	tree, err := ast.Parse(sql)
	var rejected *ast.SyntaxError
	if err == nil || !errors.As(err, &rejected) || !strings.Contains(sql, "--") {
		return tree, err
	}
	if blank := blankContinuations(sql); blank != sql {
		return ast.Parse(blank)
	}
	return tree, err
}

// blankContinuations is a text with spaces for the comments within its strings, so that all else keeps its place.
func blankContinuations(sql string) string {
	list, ok := Lex(sql)
	if !ok {
		return sql
	}
	var out []byte
	for _, t := range list {
		if !isQuotedString(t.Kind) || sql[t.End-1] != '\'' || !strings.Contains(sql[t.Start:t.End], "--") {
			continue
		}
		if out == nil {
			out = []byte(sql)
		}
		blankBetween(out, t, sql[t.Start]|0x20 == 'e')
	}
	if out == nil {
		return sql
	}
	return string(out)
}

func isQuotedString(kind ast.Token) bool {
	switch kind {
	case ast.Token_SCONST, ast.Token_BCONST, ast.Token_XCONST, ast.Token_USCONST:
		return true
	}
	return false
}

// blankBetween overwrites the comments between the parts of a string, each with as many spaces.
func blankBetween(sql []byte, t Token, escapes bool) {
	i := t.Start + strings.IndexByte(string(sql[t.Start:t.End]), '\'') + 1
	for i < t.End {
		n, _ := partLength(string(sql[i:t.End]), escapes)
		i += n
		end := i + Continuation(string(sql[i:t.End]))
		for ; i < end; i++ {
			if sql[i] != '-' {
				continue
			}
			for n := lineLength(string(sql[i:end])); n > 0; n-- {
				sql[i] = ' '
				i++
			}
		}
	}
}
