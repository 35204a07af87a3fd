package startup

import (
	"crypto/tls"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestDirectTLSDemandsTheProtocolsName(t *testing.T) {
	t.Parallel()
	authority := wiretest.NewAuthority(t)
	d, _ := openRealDoor(t, func(e *Entrance) { e.tls = authority.Server(t) })
	dial := func(t *testing.T, protocols ...string) *wiretest.Client {
		t.Helper()
		c, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: authority.Pool, ServerName: "localhost", NextProtos: protocols})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return wiretest.New(t, c)
	}
	t.Run("with it a session begins", func(t *testing.T) {
		c := dial(t, alpn)
		c.Hello(d.upstream.database)
		c.HearUntil(wire.ReadyForQuery)
	})
	t.Run("a request for TLS inside is answered N", func(t *testing.T) {
		c := dial(t, alpn)
		c.Say(wire.AppendRequest(nil, wire.SSLRequestCode))
		if b := c.HearByte(); b != 'N' {
			t.Errorf("answer %q", b)
		}
	})
	t.Run("without it there is none", func(t *testing.T) {
		dial(t).HearEnd() // as the server: COMMERROR in ProcessSSLStartup
	})
	t.Run("with another one the handshake fails", func(t *testing.T) {
		if c, err := tls.Dial("tcp", d.addr, &tls.Config{RootCAs: authority.Pool, ServerName: "localhost", NextProtos: []string{"h2"}}); err == nil {
			c.Close()
			t.Error("it succeeded")
		}
	})
	t.Run("without TLS the connection ends", func(t *testing.T) {
		plain, _ := openRealDoor(t)
		if _, err := tls.Dial("tcp", plain.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}}); err == nil {
			t.Error("it succeeded")
		}
	})
}
