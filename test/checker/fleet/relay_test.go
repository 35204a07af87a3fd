package fleet

import (
	"sync/atomic"
	"testing"
)

// sent has an instance send statements, and returns where the ambush was, or 0.
func sent(a *ambush, statements ...string) int {
	a.hits = make(chan *hit, 1)
	r := &relay{instance: &instance{}, ambush: new(atomic.Pointer[ambush])}
	r.ambush.Store(a)
	c := &control{relay: r, count: -1}
	for n, sql := range statements {
		if c.meets(sql) != nil {
			return n + 1
		}
	}
	return 0
}

func TestAnAmbushIsAtTheStatementThatWasChosen(t *testing.T) {
	t.Parallel()
	const limits = "SET LOCAL lock_timeout = 400; SET LOCAL statement_timeout = 400"
	other := []string{"begin", "SELECT 1", "SELECT 2", "commit", "SELECT epoch FROM segue.epoch", "begin", limits, "SELECT 1", "commit"}
	transition := []string{"begin", limits, "SELECT epoch FROM segue.epoch FOR UPDATE", "SELECT 1", limits, "ALTER TABLE t", "commit"}
	all := append(append(append([]string{}, other...), transition...), transition...)
	first, second := len(other), len(other)+len(transition)
	for name, tc := range map[string]struct {
		ambush *ambush
		want   int
	}{
		"the first that only a transition has": {&ambush{transition: true, at: 2}, first + 3},
		"DDL":                                  {&ambush{transition: true, at: 4}, first + 6},
		"COMMIT, where a transition has less":  {&ambush{transition: true, at: 9}, first + 7},
		"one of the next transition":           {&ambush{transition: true, at: 3, skip: 1}, second + 4},
		"any":                                  {&ambush{at: 5}, 5},
		"one that does not come":               {&ambush{transition: true, at: 2, skip: 2}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sent(tc.ambush, all...); got != tc.want {
				t.Errorf("it was at statement %d, want %d", got, tc.want)
			}
		})
	}
}
