package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// What a substitute shows costs the server time when it reads the text, also where no part of the query asks for it, and memory when it
// plans. A column can only be meant where its name stands in the text, or where columns go by their place or are meant all at once. It
// stays in the list of each relation that has it, so that what is ambiguous is so with a substitute, too; but it shows what it has where
// each place with its name means a column of another item.

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
		case b.tokens.Is(i, '*') && !b.catalogs.stars[i] && !(b.tokens.Is(i-1, '(') && b.tokens.Is(i+1, ')')): // count(*) means none
			return nil
		}
		if word, ok := b.tokens.Ident(i); ok {
			words[word] = true
		}
	}
	written := b.written(func(splice.Edit) bool { return true })
	return func(name string) bool { return words[name] || strings.Contains(written, name) }
}

// written is what is put into the text by those edits that count.
func (b *binding) written(counts func(splice.Edit) bool) string {
	var edits strings.Builder
	for _, c := range b.changes {
		if counts(c.edit) {
			edits.WriteString(c.edit.New)
		}
	}
	return edits.String()
}

// starMeans notes that a star stands for the columns of items, which know that they are meant all at once.
func (b *binding) starMeans(ref *ast.ColumnRef) {
	if ref.Location < 0 {
		return
	}
	if last := b.part(b.tokens.At(int(ref.Location)), len(ref.Fields)-1); b.tokens.Is(last, '*') {
		put(&b.catalogs.stars, last, true)
	}
}

// readColumns tells of a column of an item whether something in the text, or in what becomes of it, may read it. Each place with its
// name does, but for a reference that has been bound to a column of another item.
func (b *binding) readColumns() func(c *catalogItem, name string) bool {
	of := make(map[int]*item, len(b.columns)) // by the token with the name
	spelled := map[[2]int]bool{}              // where they stand
	for ref, c := range b.columns {
		if ref.Location < 0 || c.root == nil {
			continue
		}
		first := b.tokens.At(int(ref.Location))
		last := b.part(first, len(ref.Fields)-1)
		if name, ok := b.tokens.Ident(last); ok && name == ast.StrVal(ref.Fields[len(ref.Fields)-1]) {
			of[last] = c.root.item
			spelled[[2]int{b.tokens.Start(first), b.tokens.IdentEnd(last)}] = true
		}
	}
	written := b.written(func(e splice.Edit) bool { // a reference that is spelled in another way means the same
		return !spelled[[2]int{e.Start, e.End}] || strings.ContainsAny(e.New, " ()")
	})
	return func(c *catalogItem, name string) bool {
		for i := range b.tokens.List {
			if word, ok := b.tokens.Ident(i); !ok || word != name {
				continue
			}
			if it := of[i]; it == nil || it.catalog == c {
				return true
			}
		}
		return strings.Contains(written, name)
	}
}

// only is the substitute for one item: with the columns that are meant, and the further conditions on its rows. It is nil where the
// relation shows just that by itself.
func (s *substitute) only(c *catalogItem, meant func(string) bool, read func(*catalogItem, string) bool) *substitute {
	columns := s.columns
	if meant != nil && !c.whole && !c.united && len(c.rv.GetAlias().GetColnames()) == 0 {
		columns = nil
		differs := len(c.narrow) > 0 || s.query.GetSelectStmt().GetWhereClause() != nil
		for i, name := range s.names {
			switch {
			case !meant(name):
			case s.mapped[name] && !read(c, name):
				columns = append(columns, "t."+syntax.QuoteIdent(name))
			default:
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
	if slices.Equal(columns, s.columns) && len(c.narrow) == 0 {
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
