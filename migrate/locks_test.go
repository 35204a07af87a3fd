package migrate

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
)

func TestQuestionsForLocksThatWaitArePutTogether(t *testing.T) {
	t.Parallel()
	var l lockQuestions
	tables := []catalog.OID{7}
	var asked [][]uint32
	ask := func(q *lockQuestion) (map[uint32]bool, error) {
		asked = append(asked, slices.Sorted(slices.Values(q.pids)))
		return map[uint32]bool{q.pids[0]: true}, nil
	}
	l.asking.Lock() // a question is on its way
	first, mine := l.join([]uint32{1}, tables)
	if !mine {
		t.Fatal("nobody puts the first question")
	}
	for pid := uint32(2); pid < 5; pid++ {
		if q, mine := l.join([]uint32{pid}, tables); mine || q != first {
			t.Fatalf("pid %d does not join the question that waits", pid)
		}
	}
	other, mine := l.join([]uint32{9}, []catalog.OID{8})
	if !mine || other == first {
		t.Fatal("a question about other tables has joined")
	}
	l.asking.Unlock()
	l.put(first, ask)
	l.put(other, ask)
	<-first.done
	if diff := cmp.Diff([][]uint32{{1, 2, 3, 4}, {9}}, asked); diff != "" {
		t.Errorf("questions put (-want +got):\n%s", diff)
	}
	if got := slices.Collect(maps.Keys(first.held)); len(got) != 1 || got[0] != 1 {
		t.Errorf("the answer is %v", got)
	}
	if q, mine := l.join([]uint32{5}, tables); !mine || q == first {
		t.Error("a question joins one that has been answered")
	}
}
