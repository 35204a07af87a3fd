package wiretest

import (
	"net"
	"sync"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
)

// Serve listens until the test ends, does with each connection what serve says, and returns the address.
func Serve(t testing.TB, serve func(*Client)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(New(t, c))
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// Greeting is what a server sends when it trusts the client. key is what cancels the session; nil: none is sent.
func Greeting(key []byte) []byte {
	b := wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, 0})
	b = wire.AppendParameterStatus(b, "server_version", "15.0")
	if key != nil {
		b = wire.AppendBackendKeyData(b, 42, key)
	}
	return wire.AppendReadyForQuery(b, wire.Idle)
}
