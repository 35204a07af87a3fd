package startup

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// A door is an entrance that listens, and passes the bytes of established links both ways.
type door struct {
	*Entrance
	addr   string
	links  chan *Link // every link that was established, if somebody asks
	errs   chan error // what establish returned otherwise, if somebody asks
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// openDoor listens until the test ends. change may set what differs from an entrance that admits all.
func openDoor(t *testing.T, cfg Config, change ...func(*Entrance)) *door {
	t.Helper()
	e, err := New(cfg, Hooks{
		Admit: func(Request) *wire.Error { return nil }, CancelHeld: func(uint32, []byte) Cancelled { return Foreign },
		Settle: func(context.Context, uint32, []byte) func(context.Context) bool {
			return func(context.Context) bool { return true }
		},
	})
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
	d := &door{Entrance: e, addr: l.Addr().String(), links: make(chan *Link, 100), errs: make(chan error, 100), cancel: cancel}
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
	l, err := d.Establish(ctx, c)
	if err != nil {
		d.errs <- err
		return
	}
	d.links <- l
	_ = l.Open() // a client that has gone is noticed below
	defer context.AfterFunc(ctx, l.Close)()
	d.wg.Go(func() {
		defer l.Close()
		io.Copy(l.Server, l.Client.In)
	})
	defer l.Close()
	io.Copy(l.Client, l.Server.In)
}

// realUpstream is the configuration for the server behind a connection string, without TLS.
func realUpstream(t *testing.T, connString string) Upstream {
	t.Helper()
	u, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	return Upstream{Network: "tcp", Address: u.Host, SSLMode: "disable", Database: u.Path[1:]}
}

// openRealDoor is a door to a new database of the test's cluster, and that database as seen through it.
func openRealDoor(t *testing.T, change ...func(*Entrance)) (*door, string) {
	t.Helper()
	direct := pgtest.Database(t)
	d := openDoor(t, Config{Upstream: realUpstream(t, direct)}, change...)
	return d, pgtest.Through(t, direct, d.addr)
}

// fakeServer is an upstream that does what serve says with each connection.
func fakeServer(t *testing.T, serve func(*wiretest.Client)) Upstream {
	t.Helper()
	return Upstream{Network: "tcp", Address: wiretest.Serve(t, serve), SSLMode: "disable", Database: "d"}
}
