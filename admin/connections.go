package admin

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// MaxConnections is how many connections the server holds at one time, on all its listeners. Beyond it the oldest that waits
// for a request is closed, so that probes and the command line get an answer however many others are held open.
const MaxConnections = 128

// maxStreams bounds the event streams, which hold a connection each for as long as their clients like.
const maxStreams = 32

// connections knows those of a server, oldest first. It is safe for concurrent use.
type connections struct {
	mu      sync.Mutex
	open    []net.Conn
	working map[net.Conn]bool // a request is being served
}

// watch follows what becomes of a connection. It is an http.Server's ConnState.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.working == nil {
		c.working = make(map[net.Conn]bool)
	}
	switch state {
	case http.StateNew:
		if len(c.open) >= MaxConnections {
			if at := slices.IndexFunc(c.open, func(o net.Conn) bool { return !c.working[o] }); at >= 0 {
				c.open[at].Close()
				c.open = slices.Delete(c.open, at, at+1)
			} else {
				conn.Close()
				return
			}
		}
		c.open = append(c.open, conn)
	case http.StateActive:
		c.working[conn] = true
	case http.StateIdle:
		delete(c.working, conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.working, conn)
		if at := slices.Index(c.open, conn); at >= 0 {
			c.open = slices.Delete(c.open, at, at+1)
		}
	}
}
