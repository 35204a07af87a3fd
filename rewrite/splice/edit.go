package splice

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/syntax"
)

// An Edit replaces the bytes [Start, End) of the client's text by New.
type Edit struct {
	Start, End int
	New        string
}

// errOverlap means that the binder wants two things at one place: a bug of ours.
var errOverlap = errors.New("edits overlap")

// Sort orders edits by place, insertions at one place as given, and refuses those that overlap or lie outside a
// text of so many bytes.
func Sort(edits []Edit, size int) error {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	at := 0
	for _, e := range edits {
		if e.Start < at || e.End < e.Start || e.End > size {
			return errOverlap
		}
		at = e.End
	}
	return nil
}

// Separate puts a space between a replacement and what is next to it where the two would become one token, as with
// FROM"LineItem"WHERE, whose name needs no quotes in another version. The edits are sorted.
func Separate(sql string, edits []Edit) {
	for i := range edits {
		e := &edits[i]
		if e.New == "" {
			continue
		}
		before, after := byte(' '), byte(' ')
		if e.Start > 0 {
			before = sql[e.Start-1]
		}
		if i > 0 && edits[i-1].End == e.Start && edits[i-1].New != "" {
			before = edits[i-1].New[len(edits[i-1].New)-1]
		}
		if e.End < len(sql) {
			after = sql[e.End]
		}
		if i+1 < len(edits) && edits[i+1].Start == e.End && edits[i+1].New != "" {
			after = edits[i+1].New[0]
		}
		if syntax.IsIdentPart(before) && syntax.IsIdentPart(e.New[0]) {
			e.New = " " + e.New
		}
		if syntax.IsIdentPart(e.New[len(e.New)-1]) && (syntax.IsIdentPart(after) || after == '\'' || after == '"' || after == '&') {
			e.New += " "
		}
	}
}

// Apply makes the text that sorted edits lead to.
func Apply(sql string, edits []Edit) string {
	size := len(sql)
	for _, e := range edits {
		size += len(e.New) - (e.End - e.Start)
	}
	var b strings.Builder
	b.Grow(size)
	at := 0
	for _, e := range edits {
		b.WriteString(sql[at:e.Start])
		b.WriteString(e.New)
		at = e.End
	}
	b.WriteString(sql[at:])
	return b.String()
}

// Encode turns edits on a text as UTF-8 into the same ones on the text that it was read from. An error means that the
// encoding has no such character.
func Encode(c charset.Encoding, d *charset.Text, edits []Edit) ([]Edit, error) {
	if c.IsUTF8() {
		return edits, nil
	}
	out := make([]Edit, len(edits))
	for i, e := range edits {
		text, err := c.Encode(e.New)
		if err != nil {
			return nil, err
		}
		out[i] = Edit{Start: d.Original(e.Start), End: d.Original(e.End), New: text}
	}
	return out, nil
}
