package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/ast"
)

// lexed are texts with every kind of token, and those where one could end in several ways.
var lexed = []string{
	ordinary, concerned,
	`SELECT U&"d\0061t\+000061" , u&"x!0061" uescape '!', U&'\0061' FROM t`,
	`SELECT E'a\'b', e'\\', 'it''s', b'01', X'1f', n'foo', N 'x', ''`,
	"SELECT 'a'\n 'b', 'a'  \t\r\n\n'b''c' 'd', E'a'\n'\\''",
	`SELECT $x$ $y$ $x$, $$$$, $$ ' $$, $1, $23, $é$ $é$, $a1$ $a $a1$`,
	`SELECT 1, 1.5, 1., .5, 1e3, 1E-3, 1.5e+3, 1_000, 0x1F, 0b1, 0o17, 1e, 1..2, x1, a.b.c, 1.5.5`,
	`SELECT a::int, a:=b, a=>b, a>=b, a<=b, a<>b, a!=b, a->b, a->>'c', a||b, a@>b, -1, +-1, a*-1, a<-1, a@-1, a<=-1, a=-b, ~a, |/2, a?b, a?|b, a#>b`,
	"SELECT a/*x*/b, a--x\n-b, a*/**/b, a<--x\nb, a/-1, /* a /* b */ c */ d, a+/*--*/b",
	`SELECT "É""x", é, a$b, _x, "a b", [1:2], arr[1], (a).b, a.*`,
	"SELECT\ta\fb\rd",
	"-- only a comment", "", ";", "/**/",
	`CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $_$BEGIN RETURN $1; END$_$`,
	`:x :1 a:b`,
	"SELECT U&'x'", `SELECT u & "x", u&x, u &'x'`,
}

// rejected are texts that end within a token, or have what is none.
var rejected = []string{`'a`, `"a`, `E'a\'`, `U&"a`, `$$a`, `/* a`, `/* /* */`, `$a$b$c$`, `"a""`, `'a''`, `{`, `$`, `x'1`}

func TestTheLexerSaysWhatTheParsersScannerSays(t *testing.T) {
	t.Parallel()
	for _, sql := range lexed {
		compareLexers(t, sql)
	}
}

// compareLexers demands the parser's tokens wherever both lexers can cut the text.
func compareLexers(t *testing.T, sql string) {
	t.Helper()
	want, err := parserTokens(sql)
	if err != nil {
		return
	}
	got, ok := lex(sql)
	if !ok {
		t.Errorf("lex(%q) fails", sql)
		return
	}
	for i := range want.list {
		if want.list[i].kind == ast.Token_FCONST { // so are integers of more than 32 bits, which is all the same to us
			want.list[i].kind = ast.Token_ICONST
		}
	}
	for i := range got {
		if got[i].kind == ast.Token_FCONST {
			got[i].kind = ast.Token_ICONST
		}
	}
	if diff := cmp.Diff(want.list, got, cmp.AllowUnexported(token{})); diff != "" && len(want.list)+len(got) > 0 {
		t.Errorf("%q:\n%s", sql, diff)
	}
}

func TestATextThatEndsWithinATokenIsLeftToTheParser(t *testing.T) {
	t.Parallel()
	for _, sql := range rejected {
		if _, ok := lex(sql); ok {
			t.Errorf("lex(%q) succeeds", sql)
		}
	}
}

func TestKeywordsFitTheLexersBuffer(t *testing.T) {
	t.Parallel()
	for word := range ast.Keywords() {
		if len(word) > maxKeyword {
			t.Errorf("%s has %d bytes", word, len(word))
		}
	}
}

func FuzzLexer(f *testing.F) {
	for _, sql := range append(lexed, rejected...) {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 1000 || strings.IndexByte(sql, 0) >= 0 {
			return
		}
		if tree, err := ast.Parse(sql); err != nil || len(tree.Stmts) == 0 {
			return // only texts that can be rewritten matter
		}
		compareLexers(t, sql)
	})
}
