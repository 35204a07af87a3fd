package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATestOfASuiteDiffersOnlyAsIsAccepted(t *testing.T) {
	t.Parallel()
	const line = "isolation  parsed  toast  refused: a text  --  because\n"
	fine, refused := outcomeOf{true, "1 row"}, outcomeOf{false, "refused: a text"}
	for name, c := range map[string]struct {
		suite, mode string
		direct, got results
		differ      []string
		outlived    int
	}{
		"as on the list":               {"isolation", modeParsed, results{"toast": fine}, results{"toast": refused}, nil, 0},
		"in another way":               {"isolation", modeParsed, results{"toast": fine}, results{"toast": {false, "the connection was lost"}}, []string{"toast"}, 1},
		"in what it says directly too": {"isolation", modeParsed, results{"toast": refused}, results{"toast": {true, "refused: a text, and more"}}, []string{"toast"}, 1},
		"not at all":                   {"isolation", modeParsed, results{"toast": fine}, results{"toast": fine}, nil, 1},
		"that did not run":             {"isolation", modeParsed, results{"toast": fine}, results{}, []string{"toast"}, 1},
		"in another mode":              {"isolation", modePassthrough, results{"toast": fine}, results{"toast": refused}, []string{"toast"}, 0},
		"of another suite":             {"pgproto", modeParsed, results{"toast": fine}, results{"toast": refused}, []string{"toast"}, 0},
		"of another name":              {"isolation", modeParsed, results{"toast2": fine}, results{"toast2": refused}, []string{"toast2"}, 1},
		"beside another one": {
			"isolation", modeParsed, results{"toast": fine, "b": fine}, results{"toast": refused, "b": refused}, []string{"b"}, 0},
	} {
		list, err := suiteAcceptances(line)
		if err != nil {
			t.Fatal(err)
		}
		differ, accepted := sift(list, c.suite, c.mode, c.direct, c.got)
		if !slices.Equal(differ, c.differ) || accepted != len(c.direct.others(c.got))-len(c.differ) {
			t.Errorf("a test %s: %v differ and %d are accepted, want %v", name, differ, accepted, c.differ)
		}
		if got := outlived(list, c.suite, []string{c.mode}); len(got) != c.outlived {
			t.Errorf("a test %s: reported as outlived are %v, want %d", name, got, c.outlived)
		}
	}
}

func TestTheListOfAcceptedTestsIsWhole(t *testing.T) {
	t.Parallel()
	list, err := suiteAcceptances("# comment\n\nisolation  parsed  toast  some -- of it  --  because\n")
	want := []*suiteAcceptance{{suite: "isolation", mode: modeParsed, test: "toast", shows: "some", reason: "of it  --  because"}}
	if diff := cmp.Diff(want, list, cmp.AllowUnexported(suiteAcceptance{})); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, line := range []string{"isolation parsed toast text", "isolation parsed toast text -- ", "isolation parsed toast -- because", "isolation -- because"} {
		if _, err := suiteAcceptances(line); err == nil {
			t.Errorf("the line %q is taken", line)
		}
	}
	if _, err := suiteAcceptances(acceptedSuitesText); err != nil {
		t.Errorf("accepted_suites.txt: %v", err)
	}
}
