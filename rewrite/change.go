package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A change is one replacement in the text together with what it does to the tree.
type change struct {
	edit  splice.Edit
	apply func()
}

// replace changes the bytes [start, end) of the text.
func (b *binding) replace(start, end int, text string, apply func()) {
	b.changes = append(b.changes, change{splice.Edit{Start: start, End: end, New: text}, apply})
}

// renameToken changes identifier token i, which must mean the name from.
func (b *binding) renameToken(i int, from, to string, apply func()) {
	name, ok := b.tokens.Ident(i)
	if !ok || name != from {
		b.misplaced(b.tokens.Start(i), from)
		return
	}
	b.replace(b.tokens.Start(i), b.tokens.IdentEnd(i), syntax.QuoteIdent(to), apply)
}

// misplaced refuses a statement whose text and tree could not be brought together.
func (b *binding) misplaced(location int, name string) {
	b.unsupported(location, refusedUnproven, "the name "+syntax.QuoteIdent(name), "was not found where the parser says that it is")
}

// part is the token of the k-th name after token i in a dotted name; comments and UESCAPE may stand in between.
func (b *binding) part(i, k int) int {
	for ; k > 0; k-- {
		i = b.afterIdent(i) + 1
	}
	return i
}

// afterIdent is the token after identifier token i.
func (b *binding) afterIdent(i int) int {
	if b.tokens.Kind(i) == ast.Token_UIDENT && b.tokens.Kind(i+1) == ast.Token_UESCAPE {
		return i + 3
	}
	return i + 1
}

// distinctEdits appends the edits of changes, each once.
func distinctEdits(edits []splice.Edit, changes []change) []splice.Edit {
	edits = slices.Grow(edits, len(changes))
	if len(changes) < 16 {
		for _, c := range changes {
			if !slices.Contains(edits, c.edit) {
				edits = append(edits, c.edit)
			}
		}
		return edits
	}
	known := make(map[splice.Edit]struct{}, len(changes))
	for _, e := range edits {
		known[e] = struct{}{}
	}
	for _, c := range changes {
		if _, ok := known[c.edit]; !ok {
			known[c.edit] = struct{}{}
			edits = append(edits, c.edit)
		}
	}
	return edits
}

// applyChanges changes the tree and returns the edits of the text, each once: the parser hands out some nodes several
// times, as with the source of a multiple assignment.
func (b *binding) applyChanges() []splice.Edit {
	edits := distinctEdits(nil, b.changes)
	if err := splice.Sort(edits, len(b.sql)); err != nil {
		b.unsupported(-1, refusedUnproven, "the statement", "needs two changes at one place")
		b.statement.Failure = b.refusal
		return nil
	}
	for _, c := range b.changes {
		if c.apply != nil {
			c.apply()
		}
	}
	return edits
}

// closing is the token that closes the bracket at token i; len() when there is none.
func (b *binding) closing(i int) int {
	depth := 0
	for ; i < b.tokens.Len(); i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			depth++
		case b.tokens.Is(i, ')'), b.tokens.Is(i, ']'):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

// elements are the first tokens of the elements of the bracketed list that opens at token i.
func (b *binding) elements(i int) []int {
	end := b.closing(i)
	out := []int{i + 1}
	for i++; i < end; i++ {
		switch {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case b.tokens.Is(i, ','):
			out = append(out, i+1)
		}
	}
	return out
}
