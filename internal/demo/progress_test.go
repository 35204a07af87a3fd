package demo

import (
	"strings"
	"testing"
	"time"
)

func TestTheDisplayWritesOverItsLineOnATerminalOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		terminal bool
		want     string
	}{
		{"on a terminal", true, "\r\x1b[K  0.0 s  active    one\r\x1b[K  0.0 s  active    two\r\x1b[Kdone\n"},
		{"in a pipe", false, "  0.0 s  active    one\n  0.0 s  active    two\ndone\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			d := &display{out: &out, terminal: c.terminal, start: time.Now(), phase: "active"}
			d.progress("one")
			d.progress("two")
			d.say("done")
			if out.String() != c.want {
				t.Errorf("got %q, want %q", out.String(), c.want)
			}
		})
	}
}
