package startup

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// testSSLModes logs in without a client's TLS, so that what is seen is the hop to the server.
func testSSLModes(t *testing.T, b *authBench) {
	withTLS, withoutTLS := b.cluster.Address(), pgtest.Cluster().Address()
	trusting := &tls.Config{RootCAs: b.roots}
	misnamed := &tls.Config{RootCAs: b.roots, ServerName: "db.example.com"}
	stranger := &tls.Config{RootCAs: wiretest.NewAuthority(t).Pool}
	for name, c := range map[string]struct {
		mode, address string
		tls           *tls.Config
		user          string
		onTLS         bool
		want          string // part of the error; "" for success
	}{
		"disable":                                           {"disable", withTLS, nil, "scram", false, ""},
		"disable for a user who must use TLS":               {"disable", withTLS, nil, "onlytls", false, "no pg_hba.conf entry"},
		"allow":                                             {"allow", withTLS, nil, "scram", false, ""},
		"allow for a user who must use TLS":                 {"allow", withTLS, nil, "onlytls", true, ""},
		"allow for an unknown user":                         {"allow", withTLS, nil, "nobody", true, "no pg_hba.conf entry"},
		"allow with a server without TLS":                   {"allow", withoutTLS, nil, "postgres", false, ""},
		"prefer":                                            {"prefer", withTLS, nil, "scram", true, ""},
		"prefer is the default":                             {"", withTLS, nil, "scram", true, ""},
		"prefer for a user who must not use TLS":            {"prefer", withTLS, nil, "onlyplain", false, ""},
		"prefer with a server without TLS":                  {"prefer", withoutTLS, nil, "postgres", false, ""},
		"require":                                           {"require", withTLS, nil, "scram", true, ""},
		"require for a user who must not use TLS":           {"require", withTLS, nil, "onlyplain", true, "no pg_hba.conf entry"},
		"require with a server without TLS":                 {"require", withoutTLS, nil, "postgres", false, "does not support TLS"},
		"require with roots checks who signed":              {"require", withTLS, stranger, "scram", true, "unknown authority"},
		"verify-ca":                                         {"verify-ca", withTLS, trusting, "scram", true, ""},
		"verify-ca with another name":                       {"verify-ca", withTLS, misnamed, "scram", true, ""},
		"verify-ca with another authority":                  {"verify-ca", withTLS, stranger, "scram", true, "unknown authority"},
		"verify-ca with a server without TLS":               {"verify-ca", withoutTLS, trusting, "postgres", false, "does not support TLS"},
		"verify-full":                                       {"verify-full", withTLS, trusting, "scram", true, ""},
		"verify-full with another name":                     {"verify-full", withTLS, misnamed, "scram", true, "db.example.com"},
		"verify-full with another authority":                {"verify-full", withTLS, stranger, "scram", true, "unknown authority"},
		"verify-full with a server without TLS":             {"verify-full", withoutTLS, trusting, "postgres", false, "does not support TLS"},
		"prefer goes on without TLS if the handshake fails": {"prefer", withTLS, &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}, "scram", false, ""},
		"require does not":                                  {"require", withTLS, &tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}, "scram", false, "handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := b.door(t, Upstream{Network: "tcp", Address: c.address, SSLMode: c.mode, TLS: c.tls, Database: "postgres"}, nil)
			err := pgxLogin(d.connString(c.user, "secret", "sslmode=disable"))
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if l := <-d.links; (onTLS(l.Server) != nil) != c.onTLS {
				t.Errorf("on TLS: %v", (onTLS(l.Server) != nil))
			}
		})
	}
}

func TestAnUpstreamThatCannotWorkIsAMistakeOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  Upstream
		want string
	}{
		"an unknown sslmode": {Upstream{Address: "a:1", SSLMode: "always"}, `sslmode "always" is not known`},
		"no address":         {Upstream{}, "no address"},
		"no port":            {Upstream{Address: "a", SSLMode: "require"}, "not host:port"},
	} {
		if _, err := newDialer(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u, err := newDialer(Upstream{Network: "unix", Address: "/tmp/.s.PGSQL.5432", SSLMode: "require"}); err != nil || u.mode != "disable" {
		t.Errorf("a Unix socket: %+v, %v", u, err)
	}
}

func TestWhatAnswersARequestForTLSWithSomethingElseIsNoServer(t *testing.T) {
	t.Parallel()
	cfg := fakeServer(t, func(s *wiretest.Client) {
		s.In.NextStartup()
		s.Say([]byte("HTTP/1.1 400 Bad Request"))
	})
	cfg.SSLMode = "require"
	d := openDoor(t, Config{Upstream: cfg})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if e := c.HearFatal(); e.Code != "08006" || !strings.Contains(e.Message, "no PostgreSQL server") {
		t.Errorf("got %v", e)
	}
}

func TestBytesOfTheServerBeforeTLSAreNotTakenForItsOwn(t *testing.T) {
	t.Parallel()
	cfg := fakeServer(t, func(s *wiretest.Client) {
		s.In.NextStartup()
		s.Say(append([]byte{'S'}, wiretest.Greeting(nil)...))
		s.In.Next()
	})
	cfg.SSLMode = "require"
	d := openDoor(t, Config{Upstream: cfg})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if e := c.HearFatal(); e.Code != "08006" || !strings.Contains(e.Message, "handshake") {
		t.Errorf("got %v", e)
	}
}

func TestTheFirstErrorIsToldWhenTheOtherWayCannotBeTried(t *testing.T) {
	t.Parallel()
	cfg := fakeServer(t, func(s *wiretest.Client) {
		p, err := s.In.NextStartup()
		if err != nil {
			return
		}
		if p.Code == wire.SSLRequestCode {
			s.Say([]byte{'N'})
			return
		}
		s.Say(wire.Fatal("53300", "sorry, too many clients already").AppendTo(nil))
	})
	cfg.SSLMode = "allow"
	d := openDoor(t, Config{Upstream: cfg})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if e := c.HearFatal(); e.Code != "53300" {
		t.Errorf("got %v", e)
	}
}
