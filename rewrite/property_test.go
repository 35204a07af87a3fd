package rewrite_test

import (
	"flag"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/rewrite"
)

// The same statements in every run, and few of them. For a hunt:
//
//	go test ./rewrite -run UnderAnyLens -rapid.seed=0 -rapid.checks=10000 -timeout=2h
func init() {
	for name, value := range map[string]string{
		"rapid.seed": "1", "rapid.checks": "12", "rapid.steps": "8", "rapid.nofailfile": "true",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

func TestStatementsBehaveTheSameUnderAnyLens(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name   string
		policy proxy.VersionPolicy
		pinned bool
	}{
		{"a pinned session", proxy.VersionPolicy{}, true},
		{"a session of the default version", proxy.VersionPolicy{Unpinned: rewrite.UnpinnedDefault}, false},
		{"a session without a version", proxy.VersionPolicy{Unpinned: rewrite.UnpinnedAuto}, false},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			stage := newStage(t, mode.policy)
			var count tally
			rapid.Check(t, func(t *rapid.T) {
				w := stage.draw(t, mode.pinned)
				w.auto = mode.policy.Unpinned == rewrite.UnpinnedAuto && !mode.pinned
				path := searchPath(w.searchPath)
				t.Repeat(map[string]func(*rapid.T){"statement": func(t *rapid.T) {
					w.try(t, newMaker(t, w.list, w.cat, path).statement(w.client.PgConn().TxStatus() != 'I'), &count)
				}})
			})
			t.Logf("%d statements ran, %d failed in both, %d of them with another error, %d were refused",
				count.ran, count.failed, count.otherwise, count.refused)
			count.check(t)
		})
	}
}

// check demands that the statements were worth something.
func (c *tally) check(t *testing.T) {
	if total := c.ran + c.failed + c.refused; c.ran < total/3 {
		t.Errorf("of %d statements only %d ran", total, c.ran)
	} else if c.refused > 3+total/25 {
		t.Errorf("of %d statements %d were refused", total, c.refused)
	} else if c.otherwise > 2+c.failed/20 {
		t.Errorf("of %d errors %d are others", c.failed, c.otherwise)
	}
}

func searchPath(setting string) (out []string) {
	for name := range strings.SplitSeq(setting, ", ") {
		out = append(out, strings.Trim(name, `"`))
	}
	return out
}
