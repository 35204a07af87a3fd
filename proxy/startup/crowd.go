package startup

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// errCrowded is why a connection that had not authenticated was given up in favour of a newer one.
var errCrowded = errors.New("too many connections have not authenticated")

// A crowd holds the connections that have not authenticated. There is a limit to them, and it is the oldest that has to go
// for a new one: whoever means to authenticate does so within milliseconds, while a connection that is held open to take
// places grows old. So connections that say nothing, however many, do not keep others out. Nor do those that send a start-up
// packet and no password keep out those whose packet is still to come, or the other way round: it is the oldest of the kind
// that has more than half of the places. It is safe for concurrent use.
type crowd struct {
	mu     sync.Mutex
	max    int
	in     []*newcomer // oldest first
	silent int         // of them have not sent their start-up packet
}

// A newcomer is a connection that has not authenticated.
type newcomer struct {
	giveUp context.CancelCauseFunc
	spoke  bool // it has sent its start-up packet: a server connection was spent on it. It is set by the connection itself
}

// enter adds a connection, which giveUp ends, and gives up another one if there is no place.
func (c *crowd) enter(giveUp context.CancelCauseFunc) *newcomer {
	n := &newcomer{giveUp: giveUp}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.max > 0 && len(c.in) >= c.max {
		spoke := 2*c.silent < len(c.in)
		c.remove(slices.IndexFunc(c.in, func(n *newcomer) bool { return n.spoke == spoke })).giveUp(errCrowded)
	}
	c.in = append(c.in, n)
	c.silent++
	return n
}

// spoke takes note that a connection has sent its start-up packet.
func (c *crowd) spoke(n *newcomer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.spoke = true
	if slices.Contains(c.in, n) {
		c.silent--
	}
}

// remove takes the connection at that index out. c.mu is held.
func (c *crowd) remove(at int) *newcomer {
	n := c.in[at]
	c.in = slices.Delete(c.in, at, at+1)
	if !n.spoke {
		c.silent--
	}
	return n
}

// leave removes a connection that has authenticated, has ended, or asks for a cancel. It may be called again.
func (c *crowd) leave(n *newcomer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := slices.Index(c.in, n); at >= 0 {
		c.remove(at)
	}
}
