package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite"
)

func TestThePageSaysWhatTheCodeRefuses(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/refused.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := fill(string(page), rewrite.Refusals(), rewrite.Unmapped())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/refused.md is not up to date, run `go generate ./rewrite` (-want +have):\n%s", diff)
	}
}

func TestAPageWithoutTheMarkersIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"", begin, end, end + begin, begin + end} {
		if got, err := fill(page, nil, nil); err == nil {
			t.Errorf("%q was filled: %q", page, got)
		}
	}
}

func TestAnEntryIsOneRowWhateverItHolds(t *testing.T) {
	t.Parallel()
	got := table([]rewrite.Refusal{{What: "`a || b`", Why: "w", Instead: "i"}})
	want := "| what | why | instead |\n|---|---|---|\n| `a \\|\\| b` | w | i |\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
