package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/assess"
)

func TestThePageHasTheHazardsOfTheCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/hazards.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := fill(string(page), assess.Hazards())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("docs/hazards.md is not up to date, run `go generate ./assess` (-want +have):\n%s", diff)
	}
}

func TestAPageWithoutTheMarkersIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"", begin, end, end + begin} {
		if got, err := fill(page, nil); err == nil {
			t.Errorf("%q was filled: %q", page, got)
		}
	}
}

func TestEveryGroupHasATitle(t *testing.T) {
	t.Parallel()
	for _, g := range assess.Groups() {
		if titles[g] == "" {
			t.Errorf("the group %s has no title", g)
		}
	}
}
