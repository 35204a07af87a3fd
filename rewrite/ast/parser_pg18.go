//go:build pg18

package ast

import (
	"strings"

	pg "github.com/sqlc-dev/oliphant"
	nodes "github.com/sqlc-dev/oliphant/ast"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/proto"
)

// GrammarVersion is the major version of PostgreSQL whose grammar the parser has.
const GrammarVersion = 18

type rejection = parser.Error

func parse(sql string) (*ParseResult, error) {
	tree, err := pg.Parse(sql)
	if err == nil && strings.Contains(sql, ")") && strings.Contains(sql, "=") {
		unshare(tree)
	}
	return tree, err
}

// unshare gives each column of SET (a, b) = (…) a source of its own, as in a tree that was handed over by the other parser: a tree in
// which a node is in two places can be walked, and cannot be changed.
func unshare(tree *ParseResult) {
	known := map[*Node]bool{}
	Walk(tree, func(m proto.Message) {
		if r, ok := m.(*MultiAssignRef); ok && r.Source != nil {
			if known[r.Source] {
				r.Source = proto.Clone(r.Source).(*Node)
			}
			known[r.Source] = true
		}
	})
}

func scan(sql string) (*ScanResult, error) { return pg.Scan(sql) }
func tokenNames() map[int32]string         { return nodes.Token_name }
