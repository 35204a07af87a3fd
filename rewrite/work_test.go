package rewrite

import (
	"strings"
	"testing"
	"time"
)

// A testWork ends the work after so many questions.
type testWork struct {
	refuse, stop *Error
	starve       *Error // for want of memory
	after        int
	begun, ended int
	needs        int
	spent        time.Duration
}

func (w *testWork) Postpones() bool    { return false }
func (w *testWork) Begin(int) *Error   { w.begun++; return w.refuse }
func (w *testWork) Needs(n int) *Error { w.needs = n; return w.starve }
func (w *testWork) End()               { w.ended++ }

func (w *testWork) Spent(string) *time.Duration { return &w.spent }

func (w *testWork) Stopped() *Error {
	if w.after--; w.after < 0 {
		return w.stop
	}
	return nil
}

func TestTheBindingOfATextCanBeStopped(t *testing.T) {
	t.Parallel()
	cancelled := &Error{Code: "57014", Message: "canceling statement due to user request"}
	binder, text := NewBinder(testSnapshot(150000), Options{MaxCached: 1 << 20}), longTexts["AND"](2000)
	s := pinned("surname")
	for after := range 20 {
		w := &testWork{stop: cancelled, after: after}
		s.Work = w
		got := mustRewrite(t, binder, s, text)
		if got.Statements[0].Failure != cancelled || w.begun != 1 || w.ended != 1 {
			t.Fatalf("stopped after %d questions: failure %v, begun %d times and ended %d times", after, got.Statements[0].Failure, w.begun, w.ended)
		}
	}
	s.Work = &testWork{refuse: cancelled}
	if got := mustRewrite(t, binder, s, text); got.Statements[0].Failure != cancelled {
		t.Errorf("a work that may not begin fails with %v", got.Statements[0].Failure)
	}
	w := &testWork{}
	s.Work = w
	if got := mustRewrite(t, binder, s, text); got.Statements[0].Failure != nil {
		t.Errorf("what was stopped before is kept: %v", got.Statements[0].Failure)
	}
	mustRewrite(t, binder, s, text)
	if w.begun != 1 {
		t.Errorf("a text in the cache is begun %d times", w.begun)
	}
}

// A text is bound again whenever the server has answered a question, which does not give it the time anew.
func TestTheBindingsOfATextShareItsTime(t *testing.T) {
	t.Parallel()
	binder, text, s := NewBinder(testSnapshot(150000), Options{BindCPU: time.Hour}), longTexts["AND"](1000), pinned("surname")
	w := &testWork{after: 1 << 30}
	s.Work = w
	if got := mustRewrite(t, binder, s, text); got.Statements[0].Failure != nil || w.spent <= 0 {
		t.Errorf("failure %v, spent %s", got.Statements[0].Failure, w.spent)
	}
	w.spent = time.Hour
	got := mustRewrite(t, binder, s, strings.Replace(text, "AND", "OR", 1))
	if f := got.Statements[0].Failure; f == nil || f.Code != codeTooComplex || w.spent <= time.Hour {
		t.Errorf("failure %v, spent %s", f, w.spent)
	}
}

func TestATextThatTakesTooMuchOfAProcessorIsRefused(t *testing.T) {
	t.Parallel()
	got := mustRewrite(t, NewBinder(testSnapshot(150000), Options{BindCPU: time.Microsecond}), pinned("surname"), longTexts["AND"](1000))
	if f := got.Statements[0].Failure; f == nil || f.Code != codeTooComplex || f.Hint == "" {
		t.Errorf("the failure is %v", f)
	}
}
