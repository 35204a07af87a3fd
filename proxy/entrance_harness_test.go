package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// A door is an entrance that listens, and passes the bytes of established links both ways.
type door struct {
	*entrance
	addr   string
	links  chan *link // every link that was established, if somebody asks
	errs   chan error // what establish returned otherwise, if somebody asks
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// openDoor listens until the test ends. change may set what differs from an entrance that admits all.
func openDoor(t *testing.T, cfg Config, change ...func(*entrance)) *door {
	t.Helper()
	e, err := newEntrance(cfg, func(startup) *wire.Error { return nil }, func(uint32, []byte) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(e)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &door{entrance: e, addr: l.Addr().String(), links: make(chan *link, 100), errs: make(chan error, 100), cancel: cancel}
	d.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.wg.Go(func() { d.serve(ctx, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		cancel()
		d.wg.Wait()
	})
	return d
}

func (d *door) serve(ctx context.Context, c net.Conn) {
	l, err := d.establish(ctx, c)
	if err != nil {
		d.errs <- err
		return
	}
	d.links <- l
	_ = l.open() // a client that has gone is noticed below
	defer context.AfterFunc(ctx, l.close)()
	d.wg.Go(func() {
		defer l.close()
		io.Copy(l.server, l.client.in)
	})
	defer l.close()
	io.Copy(l.client, l.server.in)
}

// realUpstream is the configuration for the server behind a connection string, without TLS.
func realUpstream(t *testing.T, connString string) UpstreamConfig {
	t.Helper()
	u, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	return UpstreamConfig{Network: "tcp", Address: u.Host, SSLMode: "disable", Database: u.Path[1:]}
}

// openRealDoor is a door to a new database of the test's cluster, and that database as seen through it.
func openRealDoor(t *testing.T, change ...func(*entrance)) (*door, string) {
	t.Helper()
	direct := pgtest.Database(t)
	d := openDoor(t, Config{Upstream: realUpstream(t, direct)}, change...)
	return d, pgtest.Through(t, direct, d.addr)
}

// A rawClient speaks the protocol message by message.
type rawClient struct {
	t testing.TB
	*conn
}

func dialRaw(t testing.TB, addr string) *rawClient {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &rawClient{t, newConn(c)}
}

// say sends bytes.
func (c *rawClient) say(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// hello sends a start-up packet of protocol 3.0 for the test cluster's superuser.
func (c *rawClient) hello(database string, more ...wire.Parameter) {
	c.t.Helper()
	params := append([]wire.Parameter{{Name: "user", Value: pgtest.Cluster().Superuser}, {Name: "database", Value: database}}, more...)
	c.say(wire.AppendStartup(nil, 3<<16, params))
}

// next reads one message whole, however large it is.
func (c *rawClient) next() (wire.Frame, error) {
	f, err := c.in.Next()
	if err == nil {
		f, err = c.in.ReadRest(f, wire.MaxMessage)
	}
	return f, err
}

// hear reads one message, which must be of that type, and returns a copy.
func (c *rawClient) hear(kind byte) []byte {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for %q: %v", kind, err)
	}
	if f.Type != kind {
		c.t.Fatalf("got %q %q, want %q", f.Type, f.Body, kind)
	}
	return append([]byte(nil), f.Body...)
}

// hearUntil reads messages up to one of that type, and returns the types of all.
func (c *rawClient) hearUntil(kind byte) string {
	c.t.Helper()
	var types []byte
	for {
		f, err := c.next()
		if err != nil {
			c.t.Fatalf("waiting for %q after %q: %v", kind, types, err)
		}
		types = append(types, f.Type)
		if f.Type == wire.ErrorResponse && kind != wire.ErrorResponse {
			fields, _ := wire.DecodeError(f.Body)
			c.t.Fatalf("waiting for %q: %v", kind, fields.Error())
		}
		if f.Type == kind {
			return string(types)
		}
	}
}

// hearByte reads an answer to a request for encryption.
func (c *rawClient) hearByte() byte {
	c.t.Helper()
	var b [1]byte
	if _, err := io.ReadFull(c.in, b[:]); err != nil {
		c.t.Fatal(err)
	}
	return b[0]
}

// hearFatal reads an error, after which the connection must end.
func (c *rawClient) hearFatal() *wire.Error {
	c.t.Helper()
	fields, err := wire.DecodeError(c.hear(wire.ErrorResponse))
	if err != nil {
		c.t.Fatal(err)
	}
	c.hearEnd()
	e := fields.Error()
	if e.Severity != "FATAL" {
		c.t.Errorf("severity %q", e.Severity)
	}
	return e
}

// hearEnd waits for the end of the connection.
func (c *rawClient) hearEnd() {
	c.t.Helper()
	if f, err := c.in.Next(); !gone(err) {
		c.t.Fatalf("the connection goes on: %q %q, %v", f.Type, f.Body, err)
	}
}

// gone tells whether an error means that the other side has closed the connection; with bytes unread it is a reset.
func gone(err error) bool {
	var op *net.OpError
	return err == io.EOF || errors.As(err, &op) && !op.Timeout()
}

// fakeServer is an upstream that does what serve says with each connection.
func fakeServer(t *testing.T, serve func(*rawClient)) UpstreamConfig {
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
				serve(&rawClient{t, newConn(c)})
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return UpstreamConfig{Network: "tcp", Address: l.Addr().String(), SSLMode: "disable", Database: "d"}
}

// greeting is what a server sends when it trusts the client.
func greeting(key []byte) []byte {
	b := wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, 0})
	b = wire.AppendParameterStatus(b, "server_version", "15.0")
	if key != nil {
		b = wire.AppendBackendKeyData(b, 42, key)
	}
	return wire.AppendReadyForQuery(b, wire.Idle)
}
