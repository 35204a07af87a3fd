package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rewrite/syntax"
)

// continued are strings that go on in another line, in all the ways in which PostgreSQL lets them.
var continued = []string{
	"'l' -- c\n'1'", "'l'--c\r\n'1'", "'l' -- c\r'1'", "'l' \t-- c\n -- d\n\n--\n\t'1'", "'l' -- '\n'1'", "'l' -- \"$$\n'1' -- x\n'2'",
	"'it''s' -- c\n'''1'''", "E'a\\'' -- c\n'\\'b' -- d\n'\\\\'", "e'a' -- c\n'\\n'", "U&'\\0061' -- c\n'\\0062'",
	"U&'!0061' -- c\n'!0062' UESCAPE '!'", "B'01' -- c\n'10'", "x'1f' -- c\n'2e'", "N'a' -- c\n'b'", "'--' -- c\n'--'",
	"'/*' -- c\n'*/'", "'é' -- ü\n'ß'",
}

func TestAStringGoesOnBehindAComment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "new")
	for _, s := range continued {
		w.check(t, "SELECT {surname}, "+s+" AS s, {id} FROM {person} WHERE {surname} <> "+strings.Replace(s, "B'", "'", 1)+"::text OR true ORDER BY 3")
	}
	for _, s := range []string{"'l' /* c */\n'1'", "'l'\n/* c */ '1'", "'l' -- c\n\"1\"", "'l' '1'", "'l' -- c\n$$1$$"} {
		text := w.rewrite(t, "SELECT "+s+" "+w.names["surname"]+" FROM "+w.names["person"])
		if f := text.Statements[0].Failure; f != nil && f.Code != "42601" {
			t.Errorf("%q: %v", s, f)
		}
	}
}

func TestALiteralThatGoesOnBehindACommentIsOneToken(t *testing.T) {
	t.Parallel()
	for _, s := range continued {
		list, ok := syntax.Lex(s)
		want := 1
		switch s[0] {
		case 'N':
			want = 2 // a keyword of its own
		case 'U':
			want += strings.Count(s, "UESCAPE") * 2
		}
		if !ok || len(list) != want {
			t.Errorf("%q is cut into %d tokens, want %d", s, len(list), want)
		}
		if tree, err := syntax.Parse("SELECT " + s); err != nil {
			t.Errorf("%q: %v", s, err)
		} else if n := len(tree.Stmts[0].Stmt.GetSelectStmt().TargetList); n != 1 {
			t.Errorf("%q is %d expressions", s, n)
		}
	}
}
