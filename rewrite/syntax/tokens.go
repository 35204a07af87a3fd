package syntax

import (
	"sort"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// A Token is one lexical token of a text. Comments and white space are none.
type Token struct {
	Start, End int // bytes of the text
	Kind       ast.Token
	Keyword    ast.KeywordKind
}

// Tokens are the lexical tokens of a UTF-8 text, in order. They place what the parser gives no location for.
type Tokens struct {
	SQL  string // the text; nobody may change it or the list
	List []Token
}

// Scan cuts a UTF-8 text into tokens. Its error is a *ast.SyntaxError, ErrTooLong or ErrTooComplex.
func Scan(sql string) (*Tokens, error) { return ScanAtMost(sql, DefaultMaxTokens) }

// ScanAtMost is Scan with another limit than the usual one.
func ScanAtMost(sql string, most int) (*Tokens, error) {
	list, ok, few := LexAtMost(sql, most)
	switch {
	case ok:
		return &Tokens{SQL: sql, List: list}, nil
	case !few:
		return nil, ErrTooLong
	}
	if len(sql) < longText {
		return parserTokens(sql)
	}
	if longOperator(sql) {
		return nil, ErrTooComplex
	}
	blank := blankComments(sql)
	t, err := parserTokens(blank)
	if err != nil {
		return nil, nearComment(sql, blank, err)
	}
	t.SQL = sql
	return t, nil
}

// parserTokens is Scan by the parser's own scanner, which also says what is wrong.
func parserTokens(sql string) (*Tokens, error) {
	scanned, err := ast.Scan(sql)
	if err != nil {
		return nil, err
	}
	t := &Tokens{SQL: sql, List: make([]Token, 0, len(scanned))}
	for _, s := range scanned {
		if s.Token == ast.Token_SQL_COMMENT || s.Token == ast.Token_C_COMMENT {
			continue
		}
		end := int(s.End)
		if s.Token == ast.Token_UIDENT || s.Token == ast.Token_USCONST {
			end = quotedEnd(sql, int(s.Start)) // the scanner's own end is that of the prefix
		}
		t.List = append(t.List, Token{Start: int(s.Start), End: end, Kind: s.Token, Keyword: s.KeywordKind})
	}
	return t, nil
}

// quotedEnd is the offset after the quoted token U&"…" or U&'…' that starts at start.
func quotedEnd(sql string, start int) int {
	i := strings.IndexAny(sql[start:], `"'`) + 1
	if sql[start+i-1] == '"' {
		return start + QuotedLength(sql[start:], i)
	}
	return start + stringLength(sql[start:], i, false)
}

// Len is the number of tokens.
func (t *Tokens) Len() int { return len(t.List) }

// At finds the first token that starts at or after the byte offset; len() when there is none.
func (t *Tokens) At(offset int) int {
	return sort.Search(len(t.List), func(i int) bool { return t.List[i].Start >= offset })
}

// Before finds the last token that ends at or before the byte offset; -1 when there is none.
func (t *Tokens) Before(offset int) int {
	return sort.Search(len(t.List), func(i int) bool { return t.List[i].End > offset }) - 1
}

// Start is the byte offset of token i; the length of the text when there is no such token.
func (t *Tokens) Start(i int) int {
	if i < 0 || i >= len(t.List) {
		return len(t.SQL)
	}
	return t.List[i].Start
}

// End is the byte offset after token i; the length of the text when there is no such token.
func (t *Tokens) End(i int) int {
	if i < 0 || i >= len(t.List) {
		return len(t.SQL)
	}
	return t.List[i].End
}

// Kind is the parser's number of token i; ast.Token_NUL when there is no such token. An ASCII sign such as ( or , is
// its own character code.
func (t *Tokens) Kind(i int) ast.Token {
	if i < 0 || i >= len(t.List) {
		return ast.Token_NUL
	}
	return t.List[i].Kind
}

// Is tells whether token i is the single ASCII sign c, such as ( or a comma.
func (t *Tokens) Is(i int, c byte) bool {
	return i >= 0 && i < len(t.List) && t.List[i].End == t.List[i].Start+1 && t.SQL[t.List[i].Start] == c
}

// Text is token i as written; "" when there is no such token.
func (t *Tokens) Text(i int) string {
	if i < 0 || i >= len(t.List) {
		return ""
	}
	return t.SQL[t.List[i].Start:t.List[i].End]
}

// Ident decodes token i as an identifier: quotes undone, unquoted letters folded, cut to the length that Postgres
// keeps. Keywords count too, except reserved ones that follow neither a dot nor AS, where no identifier can be one.
func (t *Tokens) Ident(i int) (name string, ok bool) {
	if i < 0 || i >= len(t.List) {
		return "", false
	}
	switch k := t.List[i]; {
	case k.Kind == ast.Token_IDENT:
		return DecodeIdent(t.Text(i)), true
	case k.Kind == ast.Token_UIDENT:
		return t.unicodeIdent(i)
	case k.Keyword == ast.KeywordKind_RESERVED_KEYWORD:
		if !t.Is(i-1, '.') && t.Kind(i-1) != ast.Token_AS {
			return "", false
		}
		fallthrough
	case k.Keyword != ast.KeywordKind_NO_KEYWORD:
		return FoldIdent(t.Text(i)), true
	}
	return "", false
}

// IdentEnd is the byte offset after identifier token i: a UESCAPE clause belongs to the identifier.
func (t *Tokens) IdentEnd(i int) int {
	if t.Kind(i) == ast.Token_UIDENT && t.Kind(i+1) == ast.Token_UESCAPE {
		return t.End(i + 2)
	}
	return t.End(i)
}

// unicodeIdent decodes U&"…", with the escape character of a UESCAPE clause that follows.
func (t *Tokens) unicodeIdent(i int) (string, bool) {
	escape := byte('\\')
	if t.Kind(i+1) == ast.Token_UESCAPE {
		lit := t.Text(i + 2)
		if len(lit) != 3 || lit[0] != '\'' || lit[2] != '\'' {
			return "", false
		}
		escape = lit[1]
	}
	raw := t.Text(i)
	name, ok := decodeUnicode(Unquote(raw[2:]), escape)
	return TruncateIdent(name), ok
}

// Spells tells whether a name, which may be qualified, or its last part starts at token i.
func (t *Tokens) Spells(i int, name string) bool {
	written := ""
	for {
		part, ok := t.Ident(i)
		if !ok {
			return false
		}
		written += part
		if written == name || part == name {
			return true
		}
		if !t.Is(i+1, '.') {
			return false
		}
		written += "."
		i += 2
	}
}
