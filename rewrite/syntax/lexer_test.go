package syntax

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax/syntaxtest"
)

func TestTheLexerSaysWhatTheParsersScannerSays(t *testing.T) {
	t.Parallel()
	for _, sql := range syntaxtest.Texts {
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
	got, ok := Lex(sql)
	if !ok {
		t.Errorf("lex(%q) fails", sql)
		return
	}
	for i := range want.List {
		if want.List[i].Kind == ast.Token_FCONST { // so are integers of more than 32 bits, which is all the same to us
			want.List[i].Kind = ast.Token_ICONST
		}
	}
	for i := range got {
		if got[i].Kind == ast.Token_FCONST {
			got[i].Kind = ast.Token_ICONST
		}
	}
	if diff := cmp.Diff(want.List, got, cmp.AllowUnexported(Token{})); diff != "" && len(want.List)+len(got) > 0 {
		t.Errorf("%q:\n%s", sql, diff)
	}
}

func TestATextThatEndsWithinATokenIsLeftToTheParser(t *testing.T) {
	t.Parallel()
	for _, sql := range syntaxtest.Unreadable {
		if _, ok := Lex(sql); ok {
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
	for _, sql := range slices.Concat(syntaxtest.Texts, syntaxtest.Unreadable) {
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
