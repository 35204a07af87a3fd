package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// A stringConstant is a string constant together with where each byte of what it means is written.
type stringConstant struct {
	text   string // what it means
	from   []int  // for each byte of it, where in the statement it is written
	to     []int  // and where that ends
	opened int    // the place after the opening quote
	dollar string // the delimiter of a string between dollar signs
	escape bool   // E'…'
}

// constantAt reads the string constant at token i; ok is false where there is none, or it is written in a way that is not
// followed: with Unicode escapes, or characters by their numbers.
func (b *binding) constantAt(i int) (l *stringConstant, ok bool) {
	raw := b.tokens.text(i)
	if b.tokens.kind(i) != ast.Token_SCONST || raw == "" {
		return nil, false
	}
	r := stringReader{raw: raw, start: b.tokens.start(i)}
	switch raw[0] {
	case '$':
		n := strings.IndexByte(raw[1:], '$') + 2
		r.dollar, r.opened = raw[:n], r.start+n
		for k := n; k < len(raw)-n; k++ {
			r.add(raw[k], k, 1)
		}
		ok = true
	case '\'':
		ok = r.quoted(1)
	case 'e', 'E':
		r.escape = true
		ok = r.quoted(2)
	}
	r.text = string(r.bytes)
	return &r.stringConstant, ok
}

// A stringReader reads a string constant.
type stringReader struct {
	stringConstant
	raw   string
	start int // where it stands in the statement
	bytes []byte
}

// add makes the n bytes from i on one byte of what the literal means.
func (r *stringReader) add(c byte, i, n int) {
	r.bytes = append(r.bytes, c)
	r.from, r.to = append(r.from, r.start+i), append(r.to, r.start+i+n)
}

// quoted reads a constant from byte i on, behind its first quote (scan.l, xq and xe).
func (r *stringReader) quoted(i int) bool {
	r.opened = r.start + i
	for i < len(r.raw)-1 {
		switch c := r.raw[i]; {
		case c == '\\' && r.escape:
			e, known := escapes[r.raw[i+1]]
			if !known {
				return false
			}
			r.add(e, i, 2)
			i += 2
		case c != '\'':
			r.add(c, i, 1)
			i++
		case r.raw[i+1] == '\'':
			r.add(c, i, 2)
			i += 2
		default: // it goes on after a line break
			n := continuation(r.raw[i+1:])
			if n == 0 {
				return false
			}
			i += 1 + n
		}
	}
	return true
}

// escapes are those of E'…' that stand for one character by themselves.
var escapes = map[byte]byte{'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// place is where byte i of what the literal means is written.
func (l *stringConstant) place(i int) int {
	switch {
	case len(l.from) == 0:
		return l.opened
	case i < len(l.from):
		return l.from[i]
	}
	return l.to[len(l.to)-1]
}

// edits turns sorted edits of what the literal means into edits of the statement; ok is false where a replacement cannot
// be written in it. sent is what the literal is to mean, and sql the statement.
func (l *stringConstant) edits(edits []Edit, sent, sql string) (out []Edit, ok bool) {
	if l.dollar != "" && strings.Index(sent+l.dollar, l.dollar) != len(sent) {
		return nil, false
	}
	for _, e := range edits {
		start, end := l.place(e.Start), l.opened
		if e.End > 0 {
			end = l.to[e.End-1]
		}
		if e.Start == e.End {
			start = end
		}
		text := e.New
		switch {
		case l.dollar != "":
		case strings.Contains(text, `\`) && !l.escape:
			return nil, false // it would depend on a setting
		default:
			text = strings.ReplaceAll(text, "'", "''")
			text = strings.ReplaceAll(text, `\`, `\\`)
		}
		out = append(out, Edit{Start: start, End: end, New: text})
	}
	return widen(sql, out), true
}

// widen extends edits within a string over their neighbours, so that nothing is put between the two: what is next to
// each other there has been separated already, and a space is one more character of the string.
func widen(sql string, edits []Edit) []Edit {
	edits = merged(edits)
	for i := range edits {
		e := &edits[i]
		from, to := 0, len(sql)
		if i > 0 {
			from = edits[i-1].End
		}
		if i+1 < len(edits) {
			to = edits[i+1].Start
		}
		for e.Start > from && e.New != "" && isIdentPart(sql[e.Start-1]) && isIdentPart(e.New[0]) {
			e.Start--
			e.New = sql[e.Start:e.Start+1] + e.New
		}
		for e.End < to && e.New != "" && isIdentPart(e.New[len(e.New)-1]) && joins(sql[e.End]) {
			e.New += sql[e.End : e.End+1]
			e.End++
		}
	}
	return merged(edits)
}

// merged makes one edit of those that touch.
func merged(edits []Edit) []Edit {
	var out []Edit
	for _, e := range edits {
		last := len(out) - 1
		if last < 0 || e.Start > out[last].End {
			out = append(out, e)
			continue
		}
		out[last].New += e.New
		out[last].End = e.End
	}
	return out
}

// joins tells whether a byte makes one token with a name before it.
func joins(c byte) bool { return isIdentPart(c) || c == '\'' || c == '"' || c == '&' }
