package proxy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// Connections that say nothing, stop in the middle of a start-up packet or of a TLS handshake, or answer no challenge, keep
// nobody out: a client that authenticates is let in at once, and the oldest of the others has to go.
func TestConnectionsThatDoNotAuthenticateKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const limit = 4
	b := newAuthBench(t)
	for name, stall := range map[string]func(*rawClient){
		"silent":                           func(*rawClient) {},
		"in the middle of a packet":        func(c *rawClient) { c.say([]byte{0, 0, 0, 40, 0}) },
		"in the middle of a TLS handshake": func(c *rawClient) { c.say(wire.AppendRequest(nil, wire.SSLRequestCode)); c.hearByte() },
		"asked for a password": func(c *rawClient) {
			c.say(wire.AppendStartup(nil, 3<<16, []wire.Parameter{{Name: "user", Value: "scram"}, {Name: "database", Value: "postgres"}}))
			c.hear(wire.Authentication)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, Config{Upstream: b.upstream("disable"), TLS: b.authority.server(t), MaxUnauthenticated: limit, AuthenticationTimeout: time.Hour},
				func(e *entrance) { e.timeout = time.Hour })
			var stalled []*rawClient
			for range 3 * limit {
				c := dialRaw(t, d.addr)
				stall(c)
				stalled = append(stalled, c)
			}
			for range limit {
				if err := pgxLogin(d.connString("scram", "secret", "sslmode=disable")); err != nil {
					t.Fatal(err)
				}
			}
			// At most the limit can be there still. Which they are depends on the order in which they were met.
			type ending struct {
				frame wire.Frame
				err   error
			}
			endings := make(chan ending, len(stalled))
			for _, c := range stalled {
				go func() {
					f, err := c.next()
					endings <- ending{f, err}
				}()
			}
			for range 2 * limit {
				end := <-endings
				f, err := end.frame, end.err
				if name == "asked for a password" {
					if fields, _ := wire.DecodeError(f.Body); err != nil || fields.Get(wire.FieldCode) != "53300" {
						t.Errorf("a client that is given up hears %q, %v", f.Raw, err)
					}
				} else if !gone(err) {
					t.Errorf("a client that is given up hears %q, %v", f.Raw, err)
				}
			}
			pgtest.Eventually(t, func() bool {
				d.crowd.mu.Lock()
				defer d.crowd.mu.Unlock()
				return len(d.crowd.in) <= limit
			}, "no more than the limit are kept")
		})
	}
}

func TestTheTimeThatTheServerTakesIsNotTheClients(t *testing.T) {
	t.Parallel()
	gone := make(chan error, 1)
	p := &patience{left: time.Hour, giveUp: func(why error) { gone <- why }}
	p.begin()
	p.end()
	if p.timer != nil || p.left <= 0 || p.left >= time.Hour {
		t.Errorf("%v are left, and a timer runs: %v", p.left, p.timer != nil)
	}
	p.left = 0
	p.begin()
	if err := <-gone; err != errSlow {
		t.Errorf("given up because of %v", err)
	}
	p.end()
}

func TestBeyondMaxConnectionsClientsAreToldWhatTheServerSays(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.MaxConnections = 2 })
	one, two := p.login(), p.login(wire.Parameter{Name: "replication", Value: "database"})
	for range 3 {
		c := dialRaw(t, p.addr)
		c.hello(p.database)
		if e := c.hearFatal(); e.Code != "53300" || e.Message != "sorry, too many clients already" {
			t.Errorf("got %v", e)
		}
	}
	t.Run("cancel requests are served", func(t *testing.T) {
		c := dialRaw(t, p.addr)
		c.say(wire.AppendCancelRequest(nil, 1, []byte("abcd")))
		c.hearEnd()
	})
	for _, c := range []*rawClient{one, two} {
		c.say(wire.AppendTerminate(nil))
		c.hearEnd()
	}
	pgtest.Eventually(t, func() bool { return p.entrance.places.taken.Load() == 0 }, "places are given back")
	p.login()
	p.login()
}

func TestAPlaceIsGivenBackByWhoDoesNotGetIn(t *testing.T) {
	t.Parallel()
	b := newAuthBench(t)
	d := b.door(t, b.upstream("disable"), nil)
	for _, password := range []string{"wrong", "worse"} {
		if err := pgxLogin(d.connString("scram", password, "sslmode=disable")); code(err) != "28P01" {
			t.Error(err)
		}
	}
	var e *wire.Error
	if err := <-d.errs; !errors.As(err, &e) || !strings.Contains(e.Message, "password") {
		t.Errorf("got %v", err)
	}
	pgtest.Eventually(t, func() bool { return d.places.taken.Load() == 0 }, "places are given back")
}
