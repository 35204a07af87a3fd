package syntax

import "github.com/seguedb/segue/rewrite/ast"

// Some texts are read although nothing in them is bound: for what they prepare, or make. They have no Work that bounds what
// they take, and come from clients while nothing is live, too.

// maxAside bounds the tokens of a text that is read aside. What it holds is then taken for unknown, which costs a question.
const maxAside = 50_000

// aside bounds how many long texts are read aside at one time: each takes up to maxAside times memoryOfToken.
var aside = make(chan struct{}, 2)

// ParseAside is Parse for a text that is read aside, and ErrTooLong.
func ParseAside(sql string) (*ast.ParseResult, error) {
	if len(sql) < longText {
		return Parse(sql)
	}
	aside <- struct{}{}
	defer func() { <-aside }()
	if _, _, few := LexAtMost(sql, maxAside); !few {
		return nil, ErrTooLong
	}
	return Parse(sql)
}
