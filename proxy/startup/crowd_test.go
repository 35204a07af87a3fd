package startup

import (
	"slices"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// Connections that say nothing, stop in the middle of a start-up packet or of a TLS handshake, or answer no challenge, keep
// nobody out: a client that authenticates is let in at once, and the oldest of the others has to go.
func TestConnectionsThatDoNotAuthenticateKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const limit = 4
	b := newAuthBench(t)
	for name, stall := range map[string]func(*wiretest.Client){
		"silent":                           func(*wiretest.Client) {},
		"in the middle of a packet":        func(c *wiretest.Client) { c.Say([]byte{0, 0, 0, 40, 0}) },
		"in the middle of a TLS handshake": func(c *wiretest.Client) { c.Say(wire.AppendRequest(nil, wire.SSLRequestCode)); c.HearByte() },
		"asked for a password": func(c *wiretest.Client) {
			c.Say(wire.AppendStartup(nil, 3<<16, []wire.Parameter{{Name: "user", Value: "scram"}, {Name: "database", Value: "postgres"}}))
			c.Hear(wire.Authentication)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, Config{Upstream: b.upstream("disable"), TLS: b.authority.Server(t), MaxUnauthenticated: limit, AuthenticationTimeout: time.Hour},
				func(e *Entrance) { e.timeout = time.Hour })
			var stalled []*wiretest.Client
			for range 3 * limit {
				c := wiretest.Dial(t, d.addr)
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
					f, err := c.Next()
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
				} else if !wiretest.Gone(err) {
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

// A crowd of either kind, however fast it comes, makes no place at the cost of the other kind.
func TestACrowdOfOneKindKeepsTheOtherKind(t *testing.T) {
	t.Parallel()
	const limit = 6
	for name, floodSpeaks := range map[string]bool{"of silent ones": false, "of ones that have asked to log in": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := crowd{max: limit}
			given := map[*newcomer]bool{}
			enter := func(speaks bool) *newcomer {
				var n *newcomer
				n = c.enter(func(error) { given[n] = true })
				if speaks {
					c.spoke(n)
				}
				return n
			}
			enter(floodSpeaks)
			var others []*newcomer
			for range limit/2 - 1 {
				others = append(others, enter(!floodSpeaks))
			}
			for range 20 * limit {
				enter(floodSpeaks)
			}
			for i, n := range others {
				if given[n] {
					t.Errorf("number %d was given up", i)
				}
			}
			if len(c.in) != limit {
				t.Errorf("%d are kept", len(c.in))
			}
			silent := 0
			for _, n := range slices.Clone(c.in) {
				if !n.spoke {
					silent++
				}
			}
			if silent != c.silent {
				t.Errorf("%d are silent, and %d are counted", silent, c.silent)
			}
		})
	}
}
