package proxy

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// A conn is one end of a session: a connection with its frames. The Reader may have read ahead, so nothing else may read
// from the net.Conn. Its in and out are used by one goroutine each.
type conn struct {
	net.Conn
	in  *wire.Reader
	out *wire.Writer

	// binding is the tls-server-end-point of the certificate that was shown on this connection, by whichever side is
	// its server; nil without TLS, or when that certificate's signature has no single hash.
	binding []byte

	// certified says that a certificate of the proxy's was shown on this connection to the server.
	certified bool
}

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, in: wire.NewReader(c, 0), out: wire.NewWriter(c)}
}

// send writes whole messages at once, with what was collected before.
func (c *conn) send(messages []byte) error {
	if _, err := c.out.Write(messages); err != nil {
		return err
	}
	return c.out.Flush()
}

// endStream ends the direction to the other side, which may still send.
func (c *conn) endStream() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// secure tells whether the connection is on TLS.
func (c *conn) secure() bool {
	_, ok := c.Conn.(*tls.Conn)
	return ok
}

// A link is a client and a server connection that are authenticated. The server has sent its first ReadyForQuery; the
// client sees it when the link is opened.
type link struct {
	client, server *conn
	startup        startup
	pid            uint32            // of the backend, from BackendKeyData; 0 when the server sent none
	key            []byte            // what cancels it; nil when the server sent none
	params         map[string]string // ParameterStatus seen so far
	version        string            // chosen by start-up parameter or options; "" when none was
	passthrough    bool              // a walsender, or a database without rules: bytes go both ways unseen
	status         byte              // of the first ReadyForQuery
	placed         bool              // it has taken one of the entrance's places
	patience       *patience         // until it is authenticated
}

// open lets the client know that it may begin. It comes last, so that whoever has heard it finds the session counted.
func (l *link) open() error { return l.client.send(nil) }

// close ends both connections.
func (l *link) close() {
	l.client.Close()
	if l.server != nil {
		l.server.Close()
	}
}

// tune makes a socket notice a peer that has vanished, and send what is written at once.
func tune(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	// Both fail only for a socket that is closed already, which the next read tells.
	_ = tcp.SetNoDelay(true)
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 10 * time.Second, Count: 6})
}
