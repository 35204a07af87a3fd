package migrate

import (
	"testing"
	"time"
)

func TestBackoffDoublesUpToItsCapWithJitter(t *testing.T) {
	t.Parallel()
	var b backoff
	whole := backoffFirst
	for range 40 {
		got := b.next(backoffGate)
		if got < whole/2 || got > whole {
			t.Fatalf("after %d failures it waits %s, want between %s and %s", b.failed, got, whole/2, whole)
		}
		whole = min(2*whole, backoffGate)
	}
	b.reset()
	if got := b.next(backoffGate); got > 100*time.Millisecond {
		t.Errorf("after a reset it waits %s", got)
	}
}
