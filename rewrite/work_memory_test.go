package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rewrite/syntax"
)

func TestATextOfTooManyBytesIsRefused(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{MaxBytes: 1000})
	text := func(n int) string { return "SELECT surname FROM individual" + strings.Repeat(" ", n) }
	s := pinned("surname")
	w := &testWork{}
	s.Work = w
	got := mustRewrite(t, b, s, text(1000))
	if f := got.Statements[0].Failure; f == nil || f.Code != codeTooLarge || f.Hint == "" || !strings.Contains(f.Message, "--max-statement-size") {
		t.Errorf("the failure is %v", f)
	}
	if w.begun != 0 {
		t.Error("a text that is refused for its size was begun")
	}
	if got := mustRewrite(t, b, s, text(900)); got.Statements[0].Failure != nil {
		t.Errorf("a text within the limit fails with %v", got.Statements[0].Failure)
	}
}

func TestTheMemoryThatATextNeedsIsAskedFor(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{})
	s := pinned("surname")
	needs := func(text string) int {
		w := &testWork{}
		s.Work = w
		mustRewrite(t, b, s, text)
		return w.needs
	}
	blank := strings.Repeat(" ", 10_000)
	few, many := needs("SELECT surname FROM individual"+blank), needs("SELECT surname"+strings.Repeat(", surname", 10_000)+" FROM individual")
	body := needs("DO $$BEGIN PERFORM surname FROM individual; END$$" + blank)
	if few < 10_000*memoryOfByte || many < 20_000*memoryOfToken || body < 10_000*memoryOfBody {
		t.Errorf("blanks need %d bytes, columns %d, a body %d", few, many, body)
	}
	hungry := &Error{Code: "57014"}
	s.Work = &testWork{starve: hungry}
	if got := mustRewrite(t, b, s, "SELECT surname, 1 FROM individual"); got.Statements[0].Failure != hungry || !got.GivenUp {
		t.Errorf("a text that gets no memory fails with %v", got.Statements[0].Failure)
	}
}

func TestWhatIsReadOfATextIsBounded(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{})
	list := strings.Repeat("1,", syntax.DefaultMaxTokens/2)
	for name, sql := range map[string]string{
		"a list":                           "SELECT surname FROM individual WHERE id IN (" + list + "1)",
		"behind what cannot be cut":        "SELECT surname FROM individual WHERE id IN (\\, " + list + "1)",
		"before a string that has no end":  "SELECT surname FROM individual WHERE id IN (" + list + "')",
		"in a body":                        "DO $$BEGIN PERFORM surname FROM individual WHERE id IN (" + list + "1); END$$",
		"in a body, before what cannot be": "DO $$BEGIN PERFORM surname FROM individual WHERE id IN (" + list + "'); END$$",
	} {
		got := mustRewrite(t, b, pinned("surname"), sql)
		if f := got.Statements[0].Failure; f == nil || f.Hint == "" {
			t.Errorf("%s: the failure is %v", name, f)
		}
	}
}
