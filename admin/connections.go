package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// MaxConnections is how many connections each listener holds at one time. Beyond it the oldest is closed of those on which no
// request is being served, so that probes and the command line get an answer however many others are held open.
const MaxConnections = 128

// maxRequests is how many requests but probes a listener serves at one time: there is always a connection left that can
// be closed for a new one.
const maxRequests = 96

// maxStreams bounds the event streams, which hold a connection each for as long as their clients like.
const maxStreams = 32

// bodyTimeout is how long a body may take to arrive.
const bodyTimeout = 5 * time.Second

// connections knows those of a listener, oldest first. It is safe for concurrent use.
type connections struct {
	mu      sync.Mutex
	open    []net.Conn
	working map[net.Conn]bool // a request that has arrived as a whole is being served; true: it is no probe
	busy    int               // how many are true
}

// connKey is under what a request's context has its connection.
type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// watch follows what becomes of a connection. It is an http.Server's ConnState.
func (c *connections) watch(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) >= MaxConnections {
			at := slices.IndexFunc(c.open, func(o net.Conn) bool { _, works := c.working[o]; return !works })
			if at < 0 {
				conn.Close()
				return
			}
			c.open[at].Close()
			c.open = slices.Delete(c.open, at, at+1)
		}
		c.open = append(c.open, conn)
	case http.StateClosed, http.StateHijacked:
		if at := slices.Index(c.open, conn); at >= 0 {
			c.open = slices.Delete(c.open, at, at+1)
		}
	}
}

// begin notes that a request is served from now on. It returns false when too many others are.
func (c *connections) begin(conn net.Conn, probe bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !probe {
		if c.busy >= maxRequests {
			return false
		}
		c.busy++
	}
	if c.working == nil {
		c.working = make(map[net.Conn]bool)
	}
	c.working[conn] = !probe
	return true
}

// end notes that the request is over, if it had begun.
func (c *connections) end(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.working[conn] {
		c.busy--
	}
	delete(c.working, conn)
}

var errBusy = &Problem{
	Status: http.StatusServiceUnavailable, Title: "Too many requests",
	Detail: "this instance serves no more requests at one time", Hint: "ask again when others are over",
}

// admit has next serve the requests of a server. A request whose body has not arrived counts for nothing: its connection
// may be closed for another. What answers without having read the body ends the connection, because net/http would
// wait for the rest before it answers.
func (s *Server) admit(c *connections, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, ok := r.Context().Value(connKey{}).(net.Conn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		defer c.end(conn)
		probe := isProbe(r.URL.Path)
		if r.Body != nil && r.Body != http.NoBody {
			w.Header().Set("Connection", "close")
			rc := http.NewResponseController(w)
			_ = rc.SetReadDeadline(time.Now().Add(bodyTimeout))
			r.Body = &arriving{ReadCloser: r.Body, arrived: func() error {
				_ = rc.SetReadDeadline(time.Time{})
				w.Header().Del("Connection")
				if !c.begin(conn, probe) {
					return errBusy
				}
				return nil
			}}
		} else if !c.begin(conn, probe) {
			s.fail(w, r, errBusy)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// arriving is a body that tells when all of it has been read.
type arriving struct {
	io.ReadCloser
	arrived func() error // called once
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err == io.EOF && a.arrived != nil {
		arrived := a.arrived
		a.arrived = nil
		if refused := arrived(); refused != nil {
			return n, refused
		}
	}
	return n, err
}
