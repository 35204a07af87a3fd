package demo

import (
	"slices"
	"time"
)

// A span is one statement as its client saw it, from sending to the last byte of the answer.
type span struct {
	start, end time.Time
}

// A window is the time of one transition, from the request until it was reported done.
type window struct {
	name       string
	start, end time.Time
}

// calm is the longest of the statements that overlap no window: how long any may take on this machine at this time.
func calm(windows []window, spans []span) time.Duration {
	var out time.Duration
	for _, s := range spans {
		if !slices.ContainsFunc(windows, func(w window) bool { return w.overlaps(s) }) {
			out = max(out, s.end.Sub(s.start))
		}
	}
	return out
}

func (w window) overlaps(s span) bool { return s.end.After(w.start) && s.start.Before(w.end) }

// longest is the longest of the statements that overlap the window: no client waited longer for anything while the
// transition was under way.
func (w window) longest(spans []span) time.Duration {
	var out time.Duration
	for _, s := range spans {
		if w.overlaps(s) {
			out = max(out, s.end.Sub(s.start))
		}
	}
	return out
}
