package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
)

// MaxIdentifier is NAMEDATALEN-1: Postgres cuts longer identifiers to so many bytes.
const MaxIdentifier = 63

// FoldIdent mirrors downcase_truncate_identifier (scansup.c): ASCII letters alone are folded, since the encoding has
// several bytes for others.
func FoldIdent(raw string) string {
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c >= 'A' && c <= 'Z' {
			b := []byte(raw)
			for ; i < len(b); i++ {
				b[i] = LowerASCII(b[i])
			}
			return TruncateIdent(string(b))
		}
	}
	return TruncateIdent(raw)
}

// LowerASCII is a byte with the letters A to Z in lower case.
func LowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// TruncateIdent mirrors truncate_identifier (scansup.c): whole characters up to MaxIdentifier bytes.
func TruncateIdent(name string) string { return CutAtCharacter(name, MaxIdentifier) }

// CutAtCharacter cuts a text to so many bytes, before a character that would not fit.
func CutAtCharacter(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}

// DecodeIdent turns an identifier as written, without Unicode escapes, into the name that it means.
func DecodeIdent(raw string) string {
	if strings.HasPrefix(raw, `"`) {
		return TruncateIdent(Unquote(raw))
	}
	return FoldIdent(raw)
}

// Unquote undoes the double quotes around an identifier.
func Unquote(quoted string) string {
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `""`, `"`)
}

// decodeUnicode mirrors str_udeescape (parser.c): \XXXX and \+XXXXXX, surrogate pairs joined, a doubled escape
// character is itself.
func decodeUnicode(s string, escape byte) (string, bool) {
	var b strings.Builder
	var high rune // of a surrogate pair whose second half must follow at once
	for i := 0; i < len(s); {
		if s[i] != escape {
			if high != 0 {
				return "", false
			}
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 < len(s) && s[i+1] == escape {
			if high != 0 {
				return "", false
			}
			b.WriteByte(escape)
			i += 2
			continue
		}
		r, n := hexEscape(s[i+1:])
		if n == 0 {
			return "", false
		}
		i += 1 + n
		switch {
		case r >= 0xD800 && r <= 0xDBFF && high == 0:
			high = r
		case r >= 0xDC00 && r <= 0xDFFF && high != 0:
			b.WriteRune(0x10000 + (high-0xD800)<<10 + (r - 0xDC00))
			high = 0
		case high != 0 || r == 0 || !utf8.ValidRune(r):
			return "", false
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), high == 0
}

// hexEscape reads XXXX or +XXXXXX and says how many bytes that took; 0 when it is neither.
func hexEscape(s string) (r rune, n int) {
	digits, skip := 4, 0
	if strings.HasPrefix(s, "+") {
		digits, skip = 6, 1
	}
	if len(s) < skip+digits {
		return 0, 0
	}
	for _, c := range []byte(s[skip : skip+digits]) {
		d := strings.IndexByte("0123456789abcdef", LowerASCII(c))
		if d < 0 {
			return 0, 0
		}
		r = r<<4 | rune(d)
	}
	return r, skip + digits
}

// keywordKind tells how far a word in lower case is a keyword.
func keywordKind(word string) ast.KeywordKind { return ast.Keywords()[word].Kind }
