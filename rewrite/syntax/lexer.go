package syntax

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// A lexer cuts a text into tokens by the rules of scan.l, with standard_conforming_strings on. The parser's own scanner
// says the same (TestTheLexerSaysWhatTheParsersScannerSays) but takes a quarter of the time of a parse, where this one takes
// a fiftieth, and it gives no ends for U&"…". A mistake here would be found by the proof of the rewrite.
type lexer struct {
	sql  string
	at   int
	list []Token
}

// Lex makes the tokens of a text; ok is false where the text ends within one, or cannot be cut at all.
func Lex(sql string) (list []Token, ok bool) {
	list, ok, _ = LexAtMost(sql, len(sql))
	return list, ok
}

// LexAtMost is lex for a text that may have so many tokens; few is false if it has more, or may have them behind what cannot be cut.
func LexAtMost(sql string, most int) (list []Token, ok, few bool) {
	l := &lexer{sql: sql, list: make([]Token, 0, min(len(sql)/5+4, most+1))}
	for l.skipSpace() {
		if l.at == len(sql) {
			return l.list, true, true
		}
		if len(l.list) >= most {
			return nil, false, false
		}
		if !l.next() {
			break
		}
	}
	return nil, false, len(l.list)+len(sql)-l.at <= most
}

// FirstToken is where the first token from an offset on begins; the end of the text, or a comment without an end, if there
// is none.
func FirstToken(sql string, from int) int {
	l := &lexer{sql: sql, at: from}
	l.skipSpace()
	return l.at
}

// FirstTokens are the first n tokens of a text, or fewer where it ends, or cannot be cut, before.
func FirstTokens(sql string, n int) []Token {
	l := &lexer{sql: sql}
	for len(l.list) < n && l.skipSpace() && l.at < len(l.sql) && l.next() {
	}
	return l.list
}

// skipSpace skips white space and comments; false where a comment has no end.
func (l *lexer) skipSpace() bool {
	for l.at < len(l.sql) {
		switch rest := l.sql[l.at:]; {
		case isSpace(rest[0]):
			l.at++
		case strings.HasPrefix(rest, "--"):
			l.at += lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			n := commentLength(rest)
			if n == 0 {
				return false
			}
			l.at += n
		default:
			return true
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }

// lineLength is the length up to the end of the line.
func lineLength(s string) int {
	if n := strings.IndexAny(s, "\r\n"); n >= 0 {
		return n
	}
	return len(s)
}

// commentLength is the length of the comment that s begins with; comments nest. 0 where it has no end.
func commentLength(s string) int {
	depth := 1
	for i := 2; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}

// add makes the next n bytes a token.
func (l *lexer) add(n int, kind ast.Token) bool {
	if n == 0 {
		return false
	}
	l.list = append(l.list, Token{Start: l.at, End: l.at + n, Kind: kind})
	l.at += n
	return true
}

// next cuts the token that starts here.
func (l *lexer) next() bool {
	rest := l.sql[l.at:]
	c := rest[0]
	switch {
	case c == '\'':
		return l.add(stringLength(rest, 1, false), ast.Token_SCONST)
	case c == '"':
		return l.add(QuotedLength(rest, 1), ast.Token_IDENT)
	case IsIdentStart(c):
		if kind, n := prefix(rest); n > 0 {
			return l.prefixed(rest, kind, n)
		}
		return l.word(rest)
	case c >= '0' && c <= '9', c == '.' && len(rest) > 1 && IsDigit(rest[1]):
		return l.number(rest)
	case c == '$':
		return l.dollar(rest)
	case c == ':' || c == '.':
		return l.colonOrDot(rest)
	case strings.IndexByte(",()[];", c) >= 0:
		return l.add(1, ast.Token(c))
	case isOperator(c):
		return l.operator(rest)
	}
	return false
}

// prefix recognizes strings and identifiers that begin with a letter, E'…', B'…', X'…', N'…', U&'…', U&"…", and gives
// the length up to the first quote; 0 where there is none.
func prefix(rest string) (kind ast.Token, n int) {
	if len(rest) > 2 && rest[0]|0x20 == 'u' && rest[1] == '&' {
		switch rest[2] {
		case '"':
			return ast.Token_UIDENT, 3
		case '\'':
			return ast.Token_USCONST, 3
		}
	}
	if len(rest) < 2 || rest[1] != '\'' {
		return 0, 0
	}
	switch rest[0] | 0x20 {
	case 'e':
		return ast.Token_SCONST, 2
	case 'b':
		return ast.Token_BCONST, 2
	case 'x':
		return ast.Token_XCONST, 2
	case 'n':
		return ast.Token_NCHAR, 2
	}
	return 0, 0
}

func (l *lexer) prefixed(rest string, kind ast.Token, n int) bool {
	switch kind {
	case ast.Token_UIDENT:
		return l.add(QuotedLength(rest, n), kind)
	case ast.Token_NCHAR: // a keyword of its own before an ordinary string
		l.list = append(l.list, Token{Start: l.at, End: l.at + 1, Kind: kind, Keyword: ast.KeywordKind_COL_NAME_KEYWORD})
		l.at++
		return true
	}
	return l.add(stringLength(rest, n, kind == ast.Token_SCONST), kind)
}

// stringLength is the length of a string whose first quote is before i. It goes on after white space with a line break
// and another quote. 0 where it has no end.
func stringLength(s string, i int, escapes bool) int {
	for i < len(s) {
		n, ended := partLength(s[i:], escapes)
		if i += n; !ended {
			return 0
		}
		if n = Continuation(s[i:]); n == 0 {
			return i
		}
		i += n
	}
	return 0
}

// partLength is the length of a part of a string, with the quote that ends it.
func partLength(s string, escapes bool) (n int, ended bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && escapes:
			i++
		case s[i] != '\'':
		case i+1 < len(s) && s[i+1] == '\'':
			i++
		default:
			return i + 1, true
		}
	}
	return len(s), false
}

// Continuation mirrors quotecontinue of scan.l: it is the length of the white space, with a line break in it, and of the
// quote with which a string goes on; 0 where it does not. A comment up to the end of its line is white space there.
func Continuation(s string) int {
	broken := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n' || c == '\r':
			broken = true
		case c == '\'' && broken:
			return i + 1
		case strings.HasPrefix(s[i:], "--"):
			i += lineLength(s[i:]) - 1
		case !isSpace(c):
			return 0
		}
	}
	return 0
}

// QuotedLength is the length of a quoted identifier whose first quote is before i; 0 where it has no end.
func QuotedLength(s string, i int) int {
	for ; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '"' {
			return i + 1
		}
		i++
	}
	return 0
}

// word cuts an identifier or keyword.
func (l *lexer) word(rest string) bool {
	n := 1
	for n < len(rest) && IsIdentPart(rest[n]) {
		n++
	}
	t := Token{Start: l.at, End: l.at + n, Kind: ast.Token_IDENT}
	var folded [maxKeyword]byte
	if n <= len(folded) {
		for i := range n {
			folded[i] = LowerASCII(rest[i])
		}
		if k, ok := ast.Keywords()[string(folded[:n])]; ok {
			t.Kind, t.Keyword = k.Token, k.Kind
		}
	}
	l.list = append(l.list, t)
	l.at += n
	return true
}

const maxKeyword = 20 // bytes

// IsIdentStart tells whether an identifier without quotes can begin with a byte (ident_start in scan.l).
func IsIdentStart(c byte) bool { return c >= 0x80 || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// IsIdentPart tells whether an identifier without quotes can go on with a byte (ident_cont).
func IsIdentPart(c byte) bool { return IsIdentStart(c) || IsDigit(c) || c == '$' }

// IsDigit tells whether a byte is one of 0 to 9.
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }

// number cuts a number. What the grammar rejects, such as letters right behind it, is left to the parser.
func (l *lexer) number(rest string) bool {
	if len(rest) > 2 && rest[0] == '0' && strings.IndexByte("xXoObB", rest[1]) >= 0 && rest[2] != '.' {
		n := 2
		for n < len(rest) && (IsDigit(rest[n]) || rest[n] == '_' || rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'f') {
			n++
		}
		return l.add(n, ast.Token_ICONST)
	}
	n, kind := digits(rest, 0), ast.Token_ICONST
	if n < len(rest) && rest[n] == '.' && !strings.HasPrefix(rest[n:], "..") {
		n, kind = digits(rest, n+1), ast.Token_FCONST
	}
	if n < len(rest) && rest[n]|0x20 == 'e' {
		e := n + 1
		if e < len(rest) && (rest[e] == '+' || rest[e] == '-') {
			e++
		}
		if end := digits(rest, e); end > e {
			n, kind = end, ast.Token_FCONST
		}
	}
	return l.add(n, kind)
}

// digits is the end of the digits from i on.
func digits(s string, i int) int {
	for i < len(s) && (IsDigit(s[i]) || s[i] == '_') {
		i++
	}
	return i
}

// dollar cuts a parameter or a string between dollar signs.
func (l *lexer) dollar(rest string) bool {
	n := 1
	for n < len(rest) && IsDigit(rest[n]) {
		n++
	}
	if n > 1 {
		return l.add(n, ast.Token_PARAM)
	}
	for n < len(rest) && rest[n] != '$' {
		if !IsIdentStart(rest[n]) && !(n > 1 && IsDigit(rest[n])) {
			return false
		}
		n++
	}
	if n == len(rest) {
		return false
	}
	tag := rest[:n+1]
	end := strings.Index(rest[n+1:], tag)
	if end < 0 {
		return false
	}
	return l.add(n+1+end+len(tag), ast.Token_SCONST)
}

func (l *lexer) colonOrDot(rest string) bool {
	switch {
	case strings.HasPrefix(rest, "::"):
		return l.add(2, ast.Token_TYPECAST)
	case strings.HasPrefix(rest, ":="):
		return l.add(2, ast.Token_COLON_EQUALS)
	case strings.HasPrefix(rest, ".."):
		return l.add(2, ast.Token_DOT_DOT)
	}
	return l.add(1, ast.Token(rest[0]))
}

func isOperator(c byte) bool { return strings.IndexByte("~!@#^&|`?+-*/%<>=", c) >= 0 }

// operator cuts an operator: as many of its signs as there are, but no comment, and no + or - at its end unless it has
// a sign that no operator of the standard has.
func (l *lexer) operator(rest string) bool {
	n := 1
	for n < len(rest) && isOperator(rest[n]) && !strings.HasPrefix(rest[n:], "--") && !strings.HasPrefix(rest[n:], "/*") {
		if n++; n > maxOperator {
			return false
		}
	}
	if !strings.ContainsAny(rest[:n], "~!@#^&|`?%") {
		for n > 1 && (rest[n-1] == '+' || rest[n-1] == '-') {
			n--
		}
	}
	if n == 1 && strings.IndexByte("+-*/%^<>=", rest[0]) >= 0 {
		return l.add(1, ast.Token(rest[0]))
	}
	kind := ast.Token_Op
	switch rest[:n] {
	case "=>":
		kind = ast.Token_EQUALS_GREATER
	case ">=":
		kind = ast.Token_GREATER_EQUALS
	case "<=":
		kind = ast.Token_LESS_EQUALS
	case "<>", "!=":
		kind = ast.Token_NOT_EQUALS
	}
	return l.add(n, kind)
}
