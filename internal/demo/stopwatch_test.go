package demo

import (
	"testing"
	"time"
)

func TestStatementsThatOverlapNoTransitionTellHowBusyTheMachineIs(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond) }
	spans := []span{{at(10), at(40)}, {at(90), at(150)}, {at(195), at(205)}, {at(250), at(260)}}
	if got := calm([]window{{start: at(100), end: at(200)}, {start: at(300), end: at(400)}}, spans); got != 30*time.Millisecond {
		t.Errorf("the longest is %v", got)
	}
}

func TestTheLongestPauseIsOfStatementsThatOverlapTheTransition(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond) }
	w := window{start: at(100), end: at(200)}
	for _, c := range []struct {
		name  string
		spans []span
		want  time.Duration
	}{
		{"nothing ran", nil, 0},
		{"a statement within counts", []span{{at(110), at(130)}}, 20 * time.Millisecond},
		{"a statement before it does not count", []span{{at(10), at(100)}}, 0},
		{"a statement after it does not count", []span{{at(200), at(900)}}, 0},
		{"a statement that was under way at its start counts whole", []span{{at(50), at(110)}}, 60 * time.Millisecond},
		{"a statement that outlasts it counts whole", []span{{at(190), at(290)}, {at(110), at(111)}}, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.longest(c.spans); got != c.want {
				t.Errorf("longest pause is %v, want %v", got, c.want)
			}
		})
	}
}
