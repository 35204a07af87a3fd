//go:build !pg18

package ast

import (
	pg "github.com/pganalyze/pg_query_go/v5"
	"github.com/pganalyze/pg_query_go/v5/parser"
)

// GrammarVersion is the major version of PostgreSQL whose grammar the parser has.
const GrammarVersion = 16

type rejection = parser.Error

func parse(sql string) (*ParseResult, error) { return pg.Parse(sql) }
func scan(sql string) (*ScanResult, error)   { return pg.Scan(sql) }
func tokenNames() map[int32]string           { return pg.Token_name }
