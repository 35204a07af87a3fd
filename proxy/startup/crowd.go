package startup

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// errCrowded is why a connection that had not authenticated was given up in favour of a newer one.
var errCrowded = errors.New("too many connections have not authenticated")

// errSlow is why a connection was given up whose client took too long to authenticate.
var errSlow = errors.New("the client took too long to authenticate")

// A crowd holds the connections that have not authenticated. There is a limit to them, and it is the oldest that has to go
// for a new one: whoever means to authenticate does so within milliseconds, while a connection that is held open to take
// places grows old. So connections that say nothing, however many, do not keep others out. It is safe for concurrent use.
type crowd struct {
	mu  sync.Mutex
	max int
	in  []*newcomer // oldest first
}

// A newcomer is a connection that has not authenticated.
type newcomer struct {
	giveUp context.CancelCauseFunc
	spoke  atomic.Bool // it has sent its start-up packet: a server connection was spent on it
}

// enter adds a connection, which giveUp ends, and gives up the oldest if there is no place: one that has not sent its
// start-up packet, if there is any such.
func (c *crowd) enter(giveUp context.CancelCauseFunc) *newcomer {
	n := &newcomer{giveUp: giveUp}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.max > 0 && len(c.in) >= c.max {
		at := max(0, slices.IndexFunc(c.in, func(n *newcomer) bool { return !n.spoke.Load() }))
		c.in[at].giveUp(errCrowded)
		c.in = slices.Delete(c.in, at, at+1)
	}
	c.in = append(c.in, n)
	return n
}

// leave removes a connection that has authenticated, or has ended.
func (c *crowd) leave(n *newcomer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := slices.Index(c.in, n); at >= 0 {
		c.in = slices.Delete(c.in, at, at+1)
	}
}

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

// places counts the connections that are served, from their start-up packet on. It is safe for concurrent use.
type places struct {
	max   int64 // 0: no limit
	taken atomic.Int64
}

// take takes a place, and reports whether there was one. give gives it back.
func (p *places) take() bool {
	if n := p.taken.Add(1); p.max > 0 && n > p.max {
		p.taken.Add(-1)
		return false
	}
	return true
}

func (p *places) give() { p.taken.Add(-1) }
