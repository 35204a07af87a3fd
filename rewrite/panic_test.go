package rewrite

import (
	"strings"
	"testing"
)

func TestAPanicOfTheBinderIsARefusalOfThatText(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	b.bind = func(*bindInput) (*bound, error) { panic("out of its depth") }
	text := mustRewrite(t, b, pinned("surname"), "SELECT surname FROM individual")
	failure := text.Statements[0].Failure
	if failure == nil || failure.Code != codeRefused || !strings.Contains(failure.Detail, "out of its depth") {
		t.Errorf("the text fails with %+v", failure)
	}
	if text.SQL == text.Client {
		t.Error("the text is sent as it is")
	}
	if n := b.stats.Unproven.Load(); n != 1 {
		t.Errorf("%d rewrites are counted as not proved", n)
	}
}
