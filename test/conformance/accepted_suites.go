package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed accepted_suites.txt
var acceptedSuitesText string

// A suiteAcceptance is a test of a suite that may come out otherwise in a mode than directly.
type suiteAcceptance struct {
	suite, mode, test string
	shows             string // is in the output of the mode, and not in the direct one
	reason            string
	used              bool
}

// covers tells whether the test differs in the mode in the way that is accepted, and in no other test's or mode's.
func (a *suiteAcceptance) covers(suite, mode, test string, direct, got outcomeOf) bool {
	return a.suite == suite && a.mode == mode && a.test == test &&
		strings.Contains(got.output, a.shows) && !strings.Contains(direct.output, a.shows)
}

// suiteAcceptances reads accepted_suites.txt.
func suiteAcceptances(text string) ([]*suiteAcceptance, error) {
	lines, err := reasoned("accepted_suites.txt", text)
	if err != nil {
		return nil, err
	}
	var out []*suiteAcceptance
	for _, l := range lines {
		a := &suiteAcceptance{reason: l.reason, shows: l.about}
		for _, field := range []*string{&a.suite, &a.mode, &a.test} {
			*field, a.shows, _ = strings.Cut(a.shows, " ")
			a.shows = strings.TrimSpace(a.shows)
		}
		if a.shows == "" {
			return nil, fmt.Errorf("%s: want suite, mode, test, text of its output, --, reason", l.place)
		}
		out = append(out, a)
	}
	return out, nil
}

// sift takes from the names of tests that differ those whose difference is accepted, and counts these.
func sift(list []*suiteAcceptance, suite, mode string, direct, got results) (differ []string, accepted int) {
	differ = slices.DeleteFunc(direct.others(got), func(test string) bool {
		for _, a := range list {
			if a.covers(suite, mode, test, direct[test], got[test]) {
				a.used = true
				accepted++
				return true
			}
		}
		return false
	})
	return differ, accepted
}

// outlived are the acceptances about these modes of a suite that nothing has used.
func outlived(list []*suiteAcceptance, suite string, modes []string) (out []error) {
	for _, a := range list {
		if a.suite == suite && slices.Contains(modes, a.mode) && !a.used {
			out = append(out, fmt.Errorf("accepted_suites.txt: %s does not differ any more in %s, %s, by %q", a.test, suite, a.mode, a.shows))
		}
	}
	return out
}
