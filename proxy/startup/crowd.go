package startup

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// errCrowded is why a connection that had not authenticated was given up in favour of a newer one.
var errCrowded = errors.New("too many connections have not authenticated")

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
