package rewrite

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// An Edit replaces the bytes [Start, End) of the client's text by New.
type Edit struct {
	Start, End int
	New        string
}

// errOverlap means that the binder wants two things at one place: a bug of ours.
var errOverlap = errors.New("edits overlap")

// sortEdits orders edits by place, insertions at one place as given, and refuses those that overlap or lie outside a
// text of so many bytes.
func sortEdits(edits []Edit, size int) error {
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

// separate puts a space between a replacement and what is next to it where the two would become one token, as with
// FROM"LineItem"WHERE, whose name needs no quotes in another version. The edits are sorted.
func separate(sql string, edits []Edit) {
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
		if isIdentPart(before) && isIdentPart(e.New[0]) {
			e.New = " " + e.New
		}
		if isIdentPart(e.New[len(e.New)-1]) && (isIdentPart(after) || after == '\'' || after == '"' || after == '&') {
			e.New += " "
		}
	}
}

// applyEdits makes the text that sorted edits lead to.
func applyEdits(sql string, edits []Edit) string {
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

// quoteIdent mirrors quote_identifier (ruleutils.c): a name stays bare if it would be read back as itself, that is if
// it is made of lower-case letters, digits and underscores, does not start with a digit, and is no keyword but an
// unreserved one.
func quoteIdent(name string) string {
	if isBareIdent(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func isBareIdent(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, c := range []byte(name) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	kind := keywordKind(name)
	return kind == ast.KeywordKind_NO_KEYWORD || kind == ast.KeywordKind_UNRESERVED_KEYWORD
}
