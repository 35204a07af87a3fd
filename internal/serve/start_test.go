package serve

import "testing"

func TestAReasonIsSaidOnceAndThenEverLessOften(t *testing.T) {
	t.Parallel()
	var r reminder
	var said []int
	for try := 1; try <= 300; try++ {
		first, again := r.due("down", try)
		if first != (try == 1) {
			t.Errorf("at try %d it is new: %t", try, first)
		}
		if again {
			said = append(said, try)
		}
	}
	if len(said) != 4 || said[0] != 31 || said[3] != 248 {
		t.Errorf("it is said again at tries %v", said)
	}
	if first, _ := r.due("other", 301); !first {
		t.Error("another reason is not new")
	}
}
