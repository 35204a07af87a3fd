package startup

import (
	"testing"
	"time"
)

func TestTheTimeThatTheServerTakesIsNotTheClients(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 1)
	p := &patience{left: time.Hour, giveUp: func(why error) { gone <- why }}
	p.begin()
	p.end()
	if p.timer != nil || p.left <= 0 || p.left >= time.Hour {
		t.Errorf("%v are left, and a timer runs: %v", p.left, p.timer != nil)
	}
	p.left = 0
	p.begin()
	if err := <-gone; err != errSlow {
		t.Errorf("given up because of %v", err)
	}
	p.end()
}
