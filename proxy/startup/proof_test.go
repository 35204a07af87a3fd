package startup

import (
	"errors"
	"net"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// far has an entrance take every TCP connection of a side for one from another machine.
func far(client, server bool) func(*Entrance) {
	return func(e *Entrance) {
		port := e.upstream.address[strings.LastIndexByte(e.upstream.address, ':')+1:]
		e.loopback = func(a net.Addr) bool {
			tcp, ok := a.(*net.TCPAddr)
			isServer := ok && strconv.Itoa(tcp.Port) == port
			return onLoopback(a) && (isServer && !server || !isServer && !client)
		}
	}
}

func TestWhoProvesNothingIsLetInOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	b := newAuthBench(t)
	relay := b.authority.Certificate(t, "certified")
	withCertificate, socket := b.upstream("require"), b.upstream("disable")
	withCertificate.Certificate = &relay
	socket.Network, socket.Address = "unix", filepath.Join(b.cluster.Dir, ".s.PGSQL."+strconv.Itoa(b.cluster.Port))
	secrets := b.secrets(t)
	const in, out = "", "28000"
	for name, c := range map[string]struct {
		user     string
		upstream Upstream
		change   func(*Entrance)
		want     string
	}{
		"trust on loopback":                                {"postgres", b.upstream("disable"), nil, in},
		"trust on loopback, with TLS to the server":        {"postgres", b.upstream("require"), nil, in},
		"trust for a client elsewhere":                     {"postgres", b.upstream("disable"), far(true, false), out},
		"trust by a server elsewhere":                      {"postgres", b.upstream("disable"), far(false, true), out},
		"trust with both elsewhere":                        {"postgres", b.upstream("require"), far(true, true), out},
		"trust on a Unix socket":                           {"postgres", socket, nil, out},
		"peer on a Unix socket":                            {osUser(t), socket, nil, out},
		"the proxy's own certificate":                      {"certified", withCertificate, nil, out},
		"trust, with the proxy's certificate beside it":    {"postgres", withCertificate, nil, out},
		"SCRAM, with the proxy's certificate beside it":    {"doubly", withCertificate, nil, in},
		"SCRAM without the certificate that is demanded":   {"doubly", b.upstream("require"), nil, out},
		"SCRAM with both elsewhere":                        {"scram", b.upstream("require"), far(true, true), in},
		"md5 with both elsewhere":                          {"md5", b.upstream("require"), far(true, true), in},
		"a password with both elsewhere, on TLS":           {"clear", b.upstream("require"), far(true, true), in},
		"a password on a Unix socket, the client on TLS":   {"clear", socket, far(true, true), in},
		"a password without TLS to the server":             {"clear", b.upstream("disable"), far(false, true), out},
		"a password without TLS to the server on loopback": {"clear", b.upstream("disable"), nil, in},
	} {
		for _, authFile := range []bool{false, true} {
			if authFile {
				name += ", with an auth file"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var changes []func(*Entrance)
				if c.change != nil {
					changes = append(changes, c.change)
				}
				cfg := Config{Upstream: c.upstream, TLS: b.authority.Server(t)}
				if authFile {
					cfg.Credentials = secrets
				}
				d := openDoor(t, cfg, changes...)
				err := pgxLogin(d.connString(c.user, "secret", "sslmode=require", "channel_binding=disable"))
				if code(err) != c.want || (err == nil) != (c.want == in) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				cfg.AllowUnauthenticated = true
				d = openDoor(t, cfg, changes...)
				err = pgxLogin(d.connString(c.user, "secret", "sslmode=require", "channel_binding=disable"))
				if needs := strings.HasPrefix(name, "a password without") || strings.HasPrefix(name, "SCRAM without"); (err == nil) != (c.want == in || !needs) {
					t.Errorf("with --allow-unauthenticated: %v", err)
				}
			})
		}
	}
	t.Run("a password to a client that is not on TLS", func(t *testing.T) {
		t.Parallel()
		d := openDoor(t, Config{Upstream: b.upstream("require"), TLS: b.authority.Server(t)}, far(true, false))
		err := pgxLogin(d.connString("clear", "secret", "sslmode=disable"))
		if code(err) != "28000" || !strings.Contains(err.Error(), "between client and proxy is not encrypted") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("walsenders and other databases are no way around it", func(t *testing.T) {
		t.Parallel()
		d := openDoor(t, Config{Upstream: b.upstream("disable")}, far(true, false))
		for _, params := range [][]wire.Parameter{
			{{Name: "user", Value: "postgres"}, {Name: "database", Value: "template1"}},
			{{Name: "user", Value: "postgres"}, {Name: "database", Value: "postgres"}, {Name: "replication", Value: "database"}},
		} {
			c := wiretest.Dial(t, d.addr)
			c.Say(wire.AppendStartup(nil, 3<<16, params))
			if e := c.HearFatal(); e.Code != "28000" || !strings.Contains(e.Hint, "pg_hba.conf") || !strings.Contains(e.Hint, "--allow-unauthenticated") {
				t.Errorf("%v: got %v", params, e)
			}
		}
	})
	t.Run("a cancel request is forwarded", func(t *testing.T) {
		t.Parallel()
		d := openDoor(t, Config{Upstream: withCertificate}, far(true, true))
		c := wiretest.Dial(t, d.addr)
		c.Say(wire.AppendCancelRequest(nil, 7, []byte("abcd")))
		c.HearEnd()
		if err := <-d.errs; !errors.Is(err, errServed) {
			t.Errorf("establish returned %v", err)
		}
	})
}

// osUser is the account that the tests run as.
func osUser(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}
