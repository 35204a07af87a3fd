package checker_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker"
)

func TestEveryGuardOfTheSQLIsTakenAwayInSomeScenario(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../change/guard.go")
	if err != nil {
		t.Fatal(err)
	}
	guards := regexp.MustCompile(`(?m)^\t\w+ +Guard = "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(guards) == 0 {
		t.Fatal("the guards cannot be found")
	}
	for _, g := range guards {
		if !slices.ContainsFunc(checker.Mutants(), func(m checker.Mutant) bool { return m.Guard == change.Guard(g[1]) }) {
			t.Errorf("no scenario needs the guard %q", g[1])
		}
	}
}
