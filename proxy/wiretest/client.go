// Package wiretest speaks the protocol message by message, as a client or in a server's place, for tests.
package wiretest

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// A Client speaks the protocol message by message. What it does not get, or does not understand, ends the test.
type Client struct {
	*wire.Conn
	T testing.TB
}

// New makes a client of a connection.
func New(t testing.TB, c net.Conn) *Client { return &Client{wire.NewConn(c), t} }

// Dial connects, until the test ends.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return New(t, c)
}

// Say sends bytes.
func (c *Client) Say(b []byte) {
	c.T.Helper()
	if _, err := c.Write(b); err != nil {
		c.T.Fatal(err)
	}
}

// Hello sends a start-up packet of protocol 3.0 for the test cluster's superuser.
func (c *Client) Hello(database string, more ...wire.Parameter) {
	c.T.Helper()
	params := append([]wire.Parameter{{Name: "user", Value: pgtest.Cluster().Superuser}, {Name: "database", Value: database}}, more...)
	c.Say(wire.AppendStartup(nil, 3<<16, params))
}

// Next reads one message whole, however large it is.
func (c *Client) Next() (wire.Frame, error) {
	f, err := c.In.Next()
	if err == nil {
		f, err = c.In.ReadRest(f, wire.MaxMessage)
	}
	return f, err
}

// Hear reads one message, which must be of that type, and returns a copy.
func (c *Client) Hear(kind byte) []byte {
	c.T.Helper()
	f, err := c.Next()
	if err != nil {
		c.T.Fatalf("waiting for %q: %v", kind, err)
	}
	if f.Type != kind {
		c.T.Fatalf("got %q %q, want %q", f.Type, f.Body, kind)
	}
	return append([]byte(nil), f.Body...)
}

// HearUntil reads messages up to one of that type, and returns the types of all.
func (c *Client) HearUntil(kind byte) string {
	c.T.Helper()
	var types []byte
	for {
		f, err := c.Next()
		if err != nil {
			c.T.Fatalf("waiting for %q after %q: %v", kind, types, err)
		}
		types = append(types, f.Type)
		if f.Type == wire.ErrorResponse && kind != wire.ErrorResponse {
			fields, _ := wire.DecodeError(f.Body)
			c.T.Fatalf("waiting for %q: %v", kind, fields.Error())
		}
		if f.Type == kind {
			return string(types)
		}
	}
}

// HearByte reads an answer to a request for encryption.
func (c *Client) HearByte() byte {
	c.T.Helper()
	var b [1]byte
	if _, err := io.ReadFull(c.In, b[:]); err != nil {
		c.T.Fatal(err)
	}
	return b[0]
}

// HearFatal reads an error, after which the connection must end.
func (c *Client) HearFatal() *wire.Error {
	c.T.Helper()
	fields, err := wire.DecodeError(c.Hear(wire.ErrorResponse))
	if err != nil {
		c.T.Fatal(err)
	}
	c.HearEnd()
	e := fields.Error()
	if e.Severity != "FATAL" {
		c.T.Errorf("severity %q", e.Severity)
	}
	return e
}

// HearError reads messages up to an error, which must come before ReadyForQuery.
func (c *Client) HearError() *wire.Error {
	c.T.Helper()
	for {
		f, err := c.In.Next()
		if err != nil {
			c.T.Fatalf("waiting for an error: %v", err)
		}
		if f.Type == wire.ReadyForQuery {
			c.T.Fatal("ready without an error")
		}
		if f.Type == wire.ErrorResponse {
			fields, err := wire.DecodeError(f.Body)
			if err != nil {
				c.T.Fatal(err)
			}
			return fields.Error()
		}
	}
}

// HearEnd waits for the end of the connection.
func (c *Client) HearEnd() {
	c.T.Helper()
	if f, err := c.In.Next(); !Gone(err) {
		c.T.Fatalf("the connection goes on: %q %q, %v", f.Type, f.Body, err)
	}
}

// Gone tells whether an error means that the other side has closed the connection; with bytes unread it is a reset.
func Gone(err error) bool {
	var op *net.OpError
	return err == io.EOF || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &op) && !op.Timeout()
}
