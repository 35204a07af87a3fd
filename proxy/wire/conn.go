package wire

import "net"

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

// EndStream ends the direction to the other side, which may still send.
func (c *Conn) EndStream() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
