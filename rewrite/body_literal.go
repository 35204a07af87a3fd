package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
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
	raw := b.tokens.Text(i)
	if b.tokens.Kind(i) != ast.Token_SCONST || raw == "" {
		return nil, false
	}
	r := stringReader{raw: raw, start: b.tokens.Start(i)}
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
			n := syntax.Continuation(r.raw[i+1:])
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
func (l *stringConstant) edits(edits []splice.Edit, sent, sql string) (out []splice.Edit, ok bool) {
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
		out = append(out, splice.Edit{Start: start, End: end, New: text})
	}
	return splice.Widen(sql, out), true
}
