package startup

import (
	"context"
	"errors"
	"time"
)

// errSlow is why a connection was given up whose client took too long to authenticate.
var errSlow = errors.New("the client took too long to authenticate")

// A patience is the time that a client has for its own part of authenticating: while the server is waited for, it does not
// run. It is for one goroutine.
type patience struct {
	left   time.Duration
	giveUp context.CancelCauseFunc
	timer  *time.Timer
	since  time.Time
}

// begin lets the time run until end, and gives the connection up when there is none left.
func (p *patience) begin() {
	if p == nil {
		return
	}
	p.since = time.Now()
	p.timer = time.AfterFunc(p.left, func() { p.giveUp(errSlow) })
}

func (p *patience) end() {
	if p == nil || p.timer == nil {
		return
	}
	p.timer.Stop()
	p.timer = nil
	p.left -= time.Since(p.since)
}
