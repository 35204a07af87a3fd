package rewrite

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
)

// maxIdentifier is NAMEDATALEN-1: Postgres cuts longer identifiers to so many bytes.
const maxIdentifier = 63

// A token is one lexical token of a text. Comments and white space are none.
type token struct {
	start, end int // bytes of the text
	kind       ast.Token
	keyword    ast.KeywordKind
}

// tokens are the lexical tokens of a UTF-8 text, in order. They place what the parser gives no location for.
type tokens struct {
	sql  string
	list []token
}

// scanTokens cuts a UTF-8 text into tokens. Its error is a *ast.SyntaxError, errTooLong or errTooComplex.
func scanTokens(sql string) (*tokens, error) { return scanAtMost(sql, defaultMaxTokens) }

// scanAtMost is scanTokens with another limit than the usual one.
func scanAtMost(sql string, most int) (*tokens, error) {
	list, ok, few := lexAtMost(sql, most)
	switch {
	case ok:
		return &tokens{sql: sql, list: list}, nil
	case !few:
		return nil, errTooLong
	}
	if len(sql) < longText {
		return parserTokens(sql)
	}
	if longOperator(sql) {
		return nil, errTooComplex
	}
	blank := blankComments(sql)
	t, err := parserTokens(blank)
	if err != nil {
		return nil, nearComment(sql, blank, err)
	}
	t.sql = sql
	return t, nil
}

// parserTokens is scanTokens by the parser's own scanner, which also says what is wrong.
func parserTokens(sql string) (*tokens, error) {
	scanned, err := ast.Scan(sql)
	if err != nil {
		return nil, err
	}
	t := &tokens{sql: sql, list: make([]token, 0, len(scanned))}
	for _, s := range scanned {
		if s.Token == ast.Token_SQL_COMMENT || s.Token == ast.Token_C_COMMENT {
			continue
		}
		end := int(s.End)
		if s.Token == ast.Token_UIDENT || s.Token == ast.Token_USCONST {
			end = quotedEnd(sql, int(s.Start)) // the scanner's own end is that of the prefix
		}
		t.list = append(t.list, token{start: int(s.Start), end: end, kind: s.Token, keyword: s.KeywordKind})
	}
	return t, nil
}

// quotedEnd is the offset after the quoted token U&"…" or U&'…' that starts at start.
func quotedEnd(sql string, start int) int {
	i := strings.IndexAny(sql[start:], `"'`) + 1
	if sql[start+i-1] == '"' {
		return start + quotedLength(sql[start:], i)
	}
	return start + stringLength(sql[start:], i, false)
}

// keywordKind tells how far a word in lower case is a keyword.
func keywordKind(word string) ast.KeywordKind { return ast.Keywords()[word].Kind }

// len is the number of tokens.
func (t *tokens) len() int { return len(t.list) }

// at finds the first token that starts at or after the byte offset; len() when there is none.
func (t *tokens) at(offset int) int {
	return sort.Search(len(t.list), func(i int) bool { return t.list[i].start >= offset })
}

// before finds the last token that ends at or before the byte offset; -1 when there is none.
func (t *tokens) before(offset int) int {
	return sort.Search(len(t.list), func(i int) bool { return t.list[i].end > offset }) - 1
}

// start is the byte offset of token i; the length of the text when there is no such token.
func (t *tokens) start(i int) int {
	if i < 0 || i >= len(t.list) {
		return len(t.sql)
	}
	return t.list[i].start
}

// end is the byte offset after token i; the length of the text when there is no such token.
func (t *tokens) end(i int) int {
	if i < 0 || i >= len(t.list) {
		return len(t.sql)
	}
	return t.list[i].end
}

// kind is the parser's number of token i; ast.Token_NUL when there is no such token. An ASCII sign such as ( or , is
// its own character code.
func (t *tokens) kind(i int) ast.Token {
	if i < 0 || i >= len(t.list) {
		return ast.Token_NUL
	}
	return t.list[i].kind
}

// is tells whether token i is the single ASCII sign c, such as ( or a comma.
func (t *tokens) is(i int, c byte) bool {
	return i >= 0 && i < len(t.list) && t.list[i].end == t.list[i].start+1 && t.sql[t.list[i].start] == c
}

// text is token i as written; "" when there is no such token.
func (t *tokens) text(i int) string {
	if i < 0 || i >= len(t.list) {
		return ""
	}
	return t.sql[t.list[i].start:t.list[i].end]
}

// ident decodes token i as an identifier: quotes undone, unquoted letters folded, cut to the length that Postgres
// keeps. Keywords count too, except reserved ones that follow neither a dot nor AS, where no identifier can be one.
func (t *tokens) ident(i int) (name string, ok bool) {
	if i < 0 || i >= len(t.list) {
		return "", false
	}
	switch k := t.list[i]; {
	case k.kind == ast.Token_IDENT:
		return decodeIdent(t.text(i)), true
	case k.kind == ast.Token_UIDENT:
		return t.unicodeIdent(i)
	case k.keyword == ast.KeywordKind_RESERVED_KEYWORD:
		if !t.is(i-1, '.') && t.kind(i-1) != ast.Token_AS {
			return "", false
		}
		fallthrough
	case k.keyword != ast.KeywordKind_NO_KEYWORD:
		return foldIdent(t.text(i)), true
	}
	return "", false
}

// identEnd is the byte offset after identifier token i: a UESCAPE clause belongs to the identifier.
func (t *tokens) identEnd(i int) int {
	if t.kind(i) == ast.Token_UIDENT && t.kind(i+1) == ast.Token_UESCAPE {
		return t.end(i + 2)
	}
	return t.end(i)
}

// unicodeIdent decodes U&"…", with the escape character of a UESCAPE clause that follows.
func (t *tokens) unicodeIdent(i int) (string, bool) {
	escape := byte('\\')
	if t.kind(i+1) == ast.Token_UESCAPE {
		lit := t.text(i + 2)
		if len(lit) != 3 || lit[0] != '\'' || lit[2] != '\'' {
			return "", false
		}
		escape = lit[1]
	}
	raw := t.text(i)
	name, ok := decodeUnicode(unquote(raw[2:]), escape)
	return truncateIdent(name), ok
}

// decodeIdent turns an identifier as written, without Unicode escapes, into the name that it means.
func decodeIdent(raw string) string {
	if strings.HasPrefix(raw, `"`) {
		return truncateIdent(unquote(raw))
	}
	return foldIdent(raw)
}

// unquote undoes the double quotes around an identifier.
func unquote(quoted string) string {
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `""`, `"`)
}

// foldIdent mirrors downcase_truncate_identifier (scansup.c): ASCII letters alone are folded, since the encoding has
// several bytes for others.
func foldIdent(raw string) string {
	for i := 0; i < len(raw); i++ {
		if c := raw[i]; c >= 'A' && c <= 'Z' {
			b := []byte(raw)
			for ; i < len(b); i++ {
				b[i] = lowerASCII(b[i])
			}
			return truncateIdent(string(b))
		}
	}
	return truncateIdent(raw)
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// truncateIdent mirrors truncate_identifier (scansup.c): whole characters up to maxIdentifier bytes.
func truncateIdent(name string) string { return cutAtCharacter(name, maxIdentifier) }

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
		d := strings.IndexByte("0123456789abcdef", lowerASCII(c))
		if d < 0 {
			return 0, 0
		}
		r = r<<4 | rune(d)
	}
	return r, skip + digits
}
