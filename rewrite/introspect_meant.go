package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// What a substitute shows costs the server time when it reads the text, also where no part of the query asks for it. A column can
// only be meant where its name stands in the text, or where columns go by their place or are meant all at once.

// meantColumns tells of a name whether it stands somewhere in the text or in what becomes of it; nil where columns can be meant without.
func (b *binding) meantColumns() func(name string) bool {
	if len(b.catalogs.items) == 0 || b.catalogs.natural || b.catalogs.byPlace || b.vars != nil {
		return nil
	}
	words := make(map[string]bool, b.tokens.Len())
	for i := range b.tokens.List {
		switch {
		case b.tokens.Kind(i) == ast.Token_TABLE:
			return nil
		case b.tokens.Is(i, '*') && !(b.tokens.Is(i-1, '(') && b.tokens.Is(i+1, ')')): // count(*) means none
			return nil
		}
		if word, ok := b.tokens.Ident(i); ok {
			words[word] = true
		}
	}
	var edits strings.Builder
	for _, c := range b.changes {
		edits.WriteString(c.edit.New)
	}
	written := edits.String()
	return func(name string) bool { return words[name] || strings.Contains(written, name) }
}

// only is the substitute for one item: with the columns that are meant, and the further conditions on its rows. It is nil where the
// relation shows just that by itself.
func (s *substitute) only(c *catalogItem, meant func(string) bool) *substitute {
	columns := s.columns
	if meant != nil && !c.whole && !c.united && len(c.rv.GetAlias().GetColnames()) == 0 {
		columns = nil
		differs := len(c.narrow) > 0 || s.query.GetSelectStmt().GetWhereClause() != nil
		for i, name := range s.names {
			if meant(name) {
				columns = append(columns, s.columns[i])
				differs = differs || s.mapped[name]
			}
		}
		switch {
		case !differs:
			return nil
		case len(columns) == 0:
			columns = s.columns[:1] // others may follow
		}
	}
	if len(columns) == len(s.columns) && len(c.narrow) == 0 {
		return s
	}
	own := *s
	if len(c.narrow) > 0 {
		word := " WHERE ("
		if s.query.GetSelectStmt().GetWhereClause() != nil {
			word = " AND ("
		}
		own.from += word + strings.Join(c.narrow, ") AND (") + ")"
	}
	return own.parsed(columns)
}
