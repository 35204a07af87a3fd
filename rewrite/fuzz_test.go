package rewrite

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax/syntaxtest"
	"github.com/seguedb/segue/rules"
)

// FuzzRewrite feeds SQL to the whole rewriter. Whatever the text, it must not panic, must ask for relations only until
// it has been told of them, and must not make edits that fail their proof.
func FuzzRewrite(f *testing.F) {
	for _, template := range append(append([]string{}, readingStatements...), writingStatements...) {
		f.Add(strings.NewReplacer("{person}", "individual", "{surname}", "surname", "{id}", "id", "{line}", "pets", "{qty}", "owner").Replace(template))
	}
	for _, sql := range append(append([]string{concerned}, syntaxtest.Texts...), syntaxtest.Unreadable...) {
		f.Add(sql)
	}
	binder := realBinder(Options{Stats: new(Stats)})
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 2000 {
			return
		}
		for _, version := range []string{"surname", rules.Base, ""} {
			s := pinned(version)
			s.Overlay = map[rules.Name]*catalog.Relation{}
			checkAnyText(t, binder, s, sql)
		}
	})
}

func checkAnyText(t *testing.T, binder *Binder, s *Session, sql string) {
	t.Helper()
	before := binder.Stats().Unproven.Load()
	text := settled(t, binder, s, sql)
	if binder.Stats().Unproven.Load() > before {
		t.Fatalf("%q in version %q: a rewrite failed its proof", sql, s.Version)
	}
	if text.Client != sql || text.Changed != (text.SQL != sql) {
		t.Fatalf("%q: Client = %q, Changed = %v", sql, text.Client, text.Changed)
	}
	end := 0
	for i, st := range text.Statements {
		if st.Start < end || st.End < st.Start || st.End > len(text.SQL) {
			t.Fatalf("%q: statement %d is [%d, %d) of %q", sql, i+1, st.Start, st.End, text.SQL)
		}
		end = st.End
		if st.Failure != nil && !strings.Contains(text.SQL[st.Start:st.End], `SELECT "`+standInMark) && text.SQL != unreadable {
			t.Fatalf("%q: statement %d fails but is sent: %q", sql, i+1, text.SQL)
		}
		if st.Failure != nil && st.Failure.Position > utf8.RuneCountInString(sql)+1 {
			t.Fatalf("%q: position %d", sql, st.Failure.Position)
		}
	}
	if !text.Changed || text.SQL == unreadable {
		return
	}
	if _, err := ast.Parse(text.SQL); err != nil {
		t.Fatalf("%q becomes %q, which is none: %v", sql, text.SQL, err)
	}
	for position := range utf8.RuneCountInString(text.SQL) + 2 {
		if got := text.ClientPosition(position); got > utf8.RuneCountInString(sql)+1 || got < 0 {
			t.Fatalf("%q: position %d of %q maps to %d", sql, position, text.SQL, got)
		}
	}
}

// settled rewrites a text for a session whose server knows no relation but those of the catalog.
func settled(t *testing.T, binder *Binder, s *Session, sql string) *Text {
	t.Helper()
	for range 20 {
		text, err := binder.Rewrite(s, sql)
		if err == nil {
			return text
		}
		var need *NeedRelation
		if !errors.As(err, &need) {
			t.Fatalf("%q: %v", sql, err)
		}
		known := len(s.Overlay) + len(s.Answers)
		for _, name := range need.Names {
			s.Overlay[name] = nil
		}
		for _, question := range need.Questions {
			put(&s.Answers, question, "")
		}
		if len(s.Overlay)+len(s.Answers) == known {
			t.Fatalf("%q: asks again for %v", sql, need)
		}
	}
	t.Fatalf("%q: asks without end", sql)
	return nil
}
