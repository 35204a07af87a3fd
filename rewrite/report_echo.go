package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rewrite/wording"
)

// echoes makes the function that tells whether a name in an error is one that the client has written itself, and that was
// sent as it was written: at the place that the error points to; or, when it points to none and says that something does
// not exist or exists already, anywhere in the text.
func (t *Text) echoes(r *wording.Report) func(name string) bool {
	client, sent := t.asUTF8()
	tokens, err := syntax.Scan(client)
	if err != nil {
		return nil
	}
	if r.Position > 0 {
		at := syntax.ByteOffset(sent, r.Position)
		offset := splice.ToClient(t.edits, at)
		i := tokens.At(offset)
		if splice.ToSent(t.edits, offset, true) != at || tokens.Start(i) != offset {
			return nil
		}
		return func(name string) bool { return tokens.Spells(i, name) }
	}
	switch {
	case r.Routine == dropsColumn:
		return func(name string) bool { return slices.Contains(t.marked(), name) }
	case !speaksOfExistence(r.Code) && !skips(r):
		return nil
	}
	return func(name string) bool {
		for i := range tokens.List {
			if tokens.Spells(i, name) && !t.edited(tokens.Start(i)) {
				return true
			}
		}
		return false
	}
}

// edited tells whether the byte of the client's text at an offset is part of something replaced.
func (t *Text) edited(offset int) bool {
	for _, e := range t.edits {
		if e.Start <= offset && offset < e.End {
			return true
		}
	}
	return false
}

// speaksOfExistence tells whether an error says that something is missing or in the way.
func speaksOfExistence(code string) bool {
	switch code {
	case "42P01", "42703", "42704", "42883", "42P07", "42701", "42710":
		return true
	}
	return false
}
