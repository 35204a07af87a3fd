package wire

import (
	"crypto/tls"
	"net"

	"github.com/seguedb/segue/proxy/loop"
)

// A Conn is a connection with its frames. The Reader may have read ahead, so nothing else may read from the net.Conn. In
// and Out are used by one goroutine each.
type Conn struct {
	net.Conn
	In  *Reader
	Out *Writer
}

// NewConn makes a Conn of a connection from which nothing has been read.
func NewConn(c net.Conn) *Conn {
	return &Conn{Conn: c, In: NewReader(c, 0), Out: NewWriter(c)}
}

// Send writes whole messages at once, with what was collected before.
func (c *Conn) Send(messages []byte) error {
	if _, err := c.Out.Write(messages); err != nil {
		return err
	}
	return c.Out.Flush()
}

// Move has the connection read and written by a loop, or by goroutines as those of a loop are, if it is of a kind that a loop
// can have. It is called before anything else is done with c by others.
func (c *Conn) Move(to *loop.Loop) {
	of, ok := to.Take(c.Conn)
	if !ok {
		return
	}
	c.Conn = of
	c.In.from(of)
	c.Out.to(of)
}

// Looped is the connection that a loop can have; nil when it is none.
func (c *Conn) Looped() *loop.Conn {
	of, _ := c.Conn.(*loop.Conn)
	return of
}

// Unread tells whether bytes have come that nobody has read from the socket. It may be called at any time by anybody.
func (c *Conn) Unread() bool {
	if of := c.Looped(); of != nil {
		return of.Unread()
	}
	under := c.Conn
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn()
	}
	return unread(rawConn(under))
}

// EndStream ends the direction to the other side, which may still send.
func (c *Conn) EndStream() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
