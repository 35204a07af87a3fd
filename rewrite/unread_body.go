package rewrite

import (
	"errors"
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// refuseUnread refuses a body that could not be read, if it has a word by which a table under migration could be seen: as
// it stands it would run by the names of the database.
func (bd *body) refuseUnread(language string, text []*ast.Node) {
	if language != "sql" && language != "plpgsql" || len(text) != 1 || bd.allIdentity() {
		return
	}
	source, word := ast.StrVal(text[0]), "what is"
	tokens, err := syntax.Scan(source)
	if err == nil {
		word = newUnread(bd.snap, tokens).named(true)
	}
	if word == "" || bd.serverRejects(language, source) {
		return
	}
	bd.affected = true
	bd.unsupported(-1, refusedUnreadBody, bd.of, "cannot be read, and "+word+" in it may show a table that is being migrated")
}

// serverRejects tells whether a body has a syntax error for the server, too, whose grammar is not newer than the parser's.
func (bd *body) serverRejects(language, text string) bool {
	var rejected *ast.SyntaxError
	if bd.snap.Catalog.ServerVersion/10000 > ast.GrammarVersion {
		return false
	}
	if language == "sql" {
		_, err := syntax.Parse(text)
		return errors.As(err, &rejected)
	}
	read, ok := plpgsql.Read(text)
	return ok && slices.ContainsFunc(read.Fragments, func(f plpgsql.Fragment) bool {
		_, err := syntax.Parse(f.SQL(text))
		return errors.As(err, &rejected)
	})
}
