package startup

import (
	"net"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// A Link is a client and a server connection that are authenticated. The server has sent its first ReadyForQuery; the
// client sees it when the link is opened. It belongs to whoever Establish has returned it to.
type Link struct {
	Client, Server *wire.Conn
	Request        Request           // what the client has asked for
	PID            uint32            // of the backend, from BackendKeyData; 0 when the server sent none
	Key            []byte            // what cancels it; nil when the server sent none
	Parameters     map[string]string // ParameterStatus seen until then; links share it
	PassThrough    bool              // a walsender, or a database without rules: bytes go both ways unseen
	Status         byte              // of the first ReadyForQuery

	places   *places   // it has taken one of these; nil before
	patience *patience // until it is authenticated
}

// Open lets the client know that it may begin. It comes last, so that whoever has heard it finds the session counted.
func (l *Link) Open() error { return l.Client.Send(nil) }

// Close ends both connections. It may be called several times, from any goroutine.
func (l *Link) Close() {
	l.Client.Close()
	if l.Server != nil {
		l.Server.Close()
	}
}

// Leave gives the place of the link among Config.MaxConnections to others. It is called once, when the session has ended.
func (l *Link) Leave() {
	if l.places != nil {
		l.places.give()
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
