package rewrite

import (
	"testing"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Every edit of what a constant means has to be one of how it is written, whatever stands next to it.
func TestAnEditOfWhatAConstantMeansIsWrittenIntoIt(t *testing.T) {
	t.Parallel()
	for _, constant := range []string{
		`'a b'`, `'it''s'`, `''`, `'abc'`, `E'a\nb\\c'`, `e'\'x\''`, `$$a b$$`, `$x$a$b$x$`, "'a' \n  'bc'", "E'a\\t'\n'b'", `'größer'`, `$$größer$$`,
	} {
		sql := "SELECT " + constant + "AS x"
		for _, replacement := range []string{"n", "it's", "", " AS y", `"Q"`, "$"} {
			for start := range constant {
				for end := start; end <= len(constant); end++ {
					checkConstantEdit(t, sql, []splice.Edit{{Start: start, End: end, New: replacement}})
					checkConstantEdit(t, sql, []splice.Edit{{Start: start, End: end, New: replacement}, {Start: end, End: end + 1, New: "z"}})
				}
			}
		}
	}
}

func checkConstantEdit(t *testing.T, sql string, edits []splice.Edit) {
	t.Helper()
	l, ok := constantIn(t, sql)
	if !ok {
		t.Fatalf("%s has no constant that can be read", sql)
	}
	if splice.Sort(edits, len(l.text)) != nil {
		return
	}
	splice.Separate(l.text, edits)
	want := splice.Apply(l.text, edits)
	written, ok := l.edits(edits, want, sql)
	if !ok {
		if l.dollar == "" {
			t.Errorf("%s: %v cannot be written", sql, edits)
		}
		return
	}
	if err := splice.Sort(written, len(sql)); err != nil {
		t.Fatalf("%s: %v gives %v: %v", sql, edits, written, err)
	}
	splice.Separate(sql, written)
	sent := splice.Apply(sql, written)
	if got, ok := constantIn(t, sent); !ok || got.text != want {
		t.Errorf("%s: %v makes %s, which means %q where %q was meant", sql, edits, sent, got.text, want)
	}
}

// constantIn reads the constant after SELECT.
func constantIn(t *testing.T, sql string) (*stringConstant, bool) {
	t.Helper()
	tokens, err := syntax.Scan(sql)
	if err != nil {
		return &stringConstant{}, false
	}
	b := &binding{bindInput: &bindInput{sql: sql, tokens: tokens}}
	return b.constantAt(1)
}

func TestAConstantThatIsNotFollowedIsNotRead(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{`SELECT U&'a'`, `SELECT E'\x41'`, `SELECT E'\101'`, `SELECT E'\u0041'`, `SELECT B'1'`, `SELECT 1`, `SELECT a`} {
		if _, ok := constantIn(t, sql); ok {
			t.Errorf("%s is read", sql)
		}
	}
}
