package assess

import (
	"strings"
	"unicode/utf8"
)

// words calls yield for every word of a function's body that could name a table or column: plain identifiers folded to
// lower case, and quoted ones as they stand. Whatever is inside string constants counts too, because it may be run as
// dynamic SQL. Comments are passed over where the language has those of SQL; elsewhere everything is looked at.
// It stops when yield returns false.
//
// It mirrors the identifier rules of scan.l, but not its tokens: a word too many makes a refusal that can be
// overridden, a word too few would let a function break.
func words(body string, sqlComments bool, yield func(string) bool) {
	text := false // inside a string constant
	for i := 0; i < len(body); {
		n, word := 1, ""
		switch c := body[i]; {
		case c == '\\' && text:
			n = 2 // perhaps of an E'' constant, where it may keep a quote from ending it
		case c == '\'':
			text = !text
		case sqlComments && !text && strings.HasPrefix(body[i:], "--"):
			n = lineLength(body[i:])
		case sqlComments && !text && strings.HasPrefix(body[i:], "/*"):
			n = commentLength(body[i:])
		case c == '"':
			word, n = quotedName(body[i:])
			if text {
				// A quote in a string need not begin a name, so what follows it is looked at too.
				if n = 1; strings.Contains(word, "'") {
					word = ""
				}
			}
		case wordStart(c):
			for i+n < len(body) && wordPart(body[i+n]) {
				n++
			}
			word = fold(body[i : i+n])
		}
		if word != "" && !yield(word) {
			return
		}
		i += n
	}
}

func lineLength(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

// commentLength is the length of the comment at the start of s; comments nest.
func commentLength(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}

// quotedName reads the quoted identifier at the start of s and returns it with its length; without an end it is the rest.
func quotedName(s string) (string, int) {
	var name strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 == len(s) || s[i+1] != '"' {
				return name.String(), i + 1
			}
			i++
		}
		name.WriteByte(s[i])
	}
	return name.String(), len(s)
}

func wordStart(c byte) bool {
	return c == '_' || c >= utf8.RuneSelf || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func wordPart(c byte) bool { return wordStart(c) || '0' <= c && c <= '9' || c == '$' }

// fold makes ASCII letters lower case, as downcase_identifier does in a multi-byte encoding.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
