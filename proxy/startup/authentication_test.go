package startup

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

func TestAuthenticationAgainstAServerWithTLS(t *testing.T) {
	t.Parallel()
	b := newAuthBench(t)
	t.Run("SCRAM with every combination of TLS", func(t *testing.T) { t.Parallel(); testScramCombinations(t, b) })
	t.Run("methods that are relayed", func(t *testing.T) { t.Parallel(); testRelayedMethods(t, b) })
	t.Run("secrets", func(t *testing.T) { t.Parallel(); testScramSecrets(t, b) })
	t.Run("sslmode", func(t *testing.T) { t.Parallel(); testSSLModes(t, b) })
	t.Run("the server's connection is bound", func(t *testing.T) { t.Parallel(); testServerBinding(t, b) })
	t.Run("a cancel request takes TLS to the server", func(t *testing.T) { t.Parallel(); testCancelOverTLS(t, b) })
}

// testScramCombinations has every combination of TLS, auth file and channel binding. An outcome is "" for success, a SQLSTATE when the proxy refuses, and
// "client" when the client itself will not go on because it demands a binding that it is not offered.
func testScramCombinations(t *testing.T, b *authBench) {
	const ok, refused, client = "", "28000", "client"
	secrets := b.secrets(t)
	for _, c := range []struct {
		clientTLS, serverTLS, authFile bool
		prefer, disable, require       string // by channel_binding
	}{
		{false, false, false, ok, ok, client},
		{false, true, false, ok, ok, client},
		{true, false, false, ok, ok, client},
		{true, true, false, refused, ok, client},
		{false, false, true, ok, ok, client},
		{false, true, true, ok, ok, client},
		{true, false, true, ok, ok, ok},
		{true, true, true, ok, ok, ok},
	} {
		name, mode, clientMode := "", "disable", "disable"
		if c.clientTLS {
			name, clientMode = "client on TLS, ", "require"
		}
		if c.serverTLS {
			name, mode = name+"server on TLS, ", "require"
		}
		var credentials Credentials
		if c.authFile {
			name, credentials = name+"auth file, ", secrets
		}
		for binding, want := range map[string]string{"prefer": c.prefer, "disable": c.disable, "require": c.require} {
			t.Run(name+"channel_binding="+binding, func(t *testing.T) {
				t.Parallel()
				d := b.door(t, b.upstream(mode), credentials)
				conn := d.connString("scram", "secret", "sslmode="+clientMode, "channel_binding="+binding)
				for driver, login := range map[string]func(string) error{"pgx": pgxLogin, "psql": psqlLogin} {
					checkOutcome(t, driver, login(conn), want)
				}
			})
		}
	}
}

func checkOutcome(t *testing.T, driver string, err error, want string) {
	t.Helper()
	switch want {
	case "":
		if err != nil {
			t.Errorf("%s: %v", driver, err)
		}
	case "client":
		if err == nil || !strings.Contains(err.Error(), "channel binding") || strings.Contains(err.Error(), "FATAL") {
			t.Errorf("%s: %v; want the client's own refusal", driver, err)
		}
	default:
		if err == nil || driver == "pgx" && code(err) != want || driver == "psql" && !strings.Contains(err.Error(), "--auth-file") {
			t.Errorf("%s: %v; want %s with a hint", driver, err, want)
		}
	}
}

func testRelayedMethods(t *testing.T, b *authBench) {
	certificate := b.authority.Certificate(t, "certified")
	owners := b.upstream("require")
	owners.TLS = &tls.Config{
		Certificates:         []tls.Certificate{certificate},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil },
	}
	for name, c := range map[string]struct {
		user, password string
		upstream       Upstream
		want           string
	}{
		"trust":                       {"postgres", "", b.upstream("require"), ""},
		"md5":                         {"md5", "secret", b.upstream("require"), ""},
		"md5 with a wrong password":   {"md5", "wrong", b.upstream("require"), "28P01"},
		"clear text":                  {"clear", "secret", b.upstream("disable"), ""},
		"clear, with a wrong one":     {"clear", "wrong", b.upstream("disable"), "28P01"},
		"SCRAM with a wrong password": {"scram", "wrong", b.upstream("disable"), "28P01"},
		"the owner's certificate":     {"certified", "", owners, "28000"},
		"no certificate":              {"certified", "", b.upstream("require"), "28000"},
		"an unknown user":             {"nobody", "x", b.upstream("disable"), "28000"},
	} {
		for _, authFile := range []bool{false, true} {
			run := name
			var credentials Credentials
			if authFile {
				run, credentials = name+", with an auth file", b.secrets(t)
			}
			t.Run(run, func(t *testing.T) {
				t.Parallel()
				d := b.door(t, c.upstream, credentials)
				for _, mode := range []string{"sslmode=require", "sslmode=disable"} {
					if err := pgxLogin(d.connString(c.user, c.password, mode)); (err != nil) != (c.want != "") || code(err) != c.want {
						t.Errorf("%s: got %v, want %q", mode, err, c.want)
					}
				}
			})
		}
	}
}

func testScramSecrets(t *testing.T, b *authBench) {
	stale := "SCRAM-SHA-256$4096:" + strings.Join([]string{"c2FsdHNhbHRzYWx0c2FsdA==$e9UIqgbsCJ3fGmiVzzpXMv9+9T8mMRPS7B4VwYYZL7s=", "wUzGvi8nzZKWw1fGAcJvLVBsJPXcV4nUOoUVVFeVFRo="}, ":")
	tls := b.upstream("require")
	t.Run("a user that the auth file does not know is relayed where that is possible", func(t *testing.T) {
		t.Parallel()
		d := b.door(t, tls, authFileOf(t, `"other" "`+stale+`"`))
		if err := pgxLogin(d.connString("scram", "secret", "sslmode=disable")); err != nil {
			t.Errorf("client without TLS: %v", err)
		}
		if err := pgxLogin(d.connString("scram", "secret", "sslmode=require")); code(err) != "28000" {
			t.Errorf("client on TLS: %v", err)
		}
	})
	t.Run("a wrong password is refused as the server would", func(t *testing.T) {
		t.Parallel()
		d := b.door(t, tls, b.secrets(t))
		err := pgxLogin(d.connString("scram", "wrong", "sslmode=require"))
		if code(err) != "28P01" || !strings.Contains(err.Error(), `password authentication failed for user "scram"`) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("what the server says of a proof is relayed", func(t *testing.T) {
		t.Parallel()
		pgtest.Exec(t, b.cluster.URL("postgres"), "create role crowd login password 'secret' connection limit 0")
		d := b.door(t, tls, b.secrets(t))
		if err := pgxLogin(d.connString("scram", "secret", "sslmode=require")); err != nil {
			t.Error(err)
		}
		if err := pgxLogin(d.connString("crowd", "secret", "sslmode=require")); code(err) != "53300" {
			t.Errorf("after the proof: %v", err)
		}
		secret, _ := b.secrets(t).Secret("scram")
		broken, err := parseScramSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		damaged := authFileOf(t, `"scram" "`+renderSecret(broken, keyed(broken.serverKey, "other"))+`"`)
		err = pgxLogin(b.door(t, tls, damaged).connString("scram", "secret", "sslmode=require"))
		if code(err) != "28000" || !strings.Contains(err.Error(), "could not prove") {
			t.Errorf("a server with another key: %v", err)
		}
	})
	t.Run("a secret that is not the server's is named", func(t *testing.T) {
		t.Parallel()
		other := makeSecret("secret", []byte("another salt 16b"), 4096)
		d := b.door(t, tls, authFileOf(t, `"scram" "`+other+`"`))
		err := pgxLogin(d.connString("scram", "secret", "sslmode=require"))
		if code(err) != "28000" || !strings.Contains(err.Error(), "is not the server's") {
			t.Errorf("got %v", err)
		}
	})
}

// testServerBinding proves that -PLUS is used towards the Server: with another binding the server must refuse.
func testServerBinding(t *testing.T, b *authBench) {
	secret, ok := b.secrets(t).Secret("scram")
	if !ok {
		t.Fatal("no secret")
	}
	parsed, err := parseScramSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tamper byte
		want   string
	}{"its certificate": {0, ""}, "another certificate": {1, "28000"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up, err := newDialer(b.upstream("require"))
			if err != nil {
				t.Fatal(err)
			}
			packet := wire.AppendStartup(nil, 3<<16, []wire.Parameter{{Name: "user", Value: "scram"}, {Name: "database", Value: "postgres"}})
			server, err := up.connect(t.Context(), packet)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if binding(server) == nil {
				t.Fatal("there is nothing to bind to")
			}
			binding(server)[0] ^= c.tamper
			near, far := pipe(t)
			a := &authentication{Link: &Link{Client: near, Server: server}, ctx: t.Context()}
			if _, err := a.saslFromServer(wire.AuthSASL); err != nil {
				t.Fatal(err)
			}
			client := newScramClient(parsed, clientKeyOf("secret", parsed))
			client.bind(binding(server))
			err = a.scramWithServer(client)
			if got := codeOf(err); got != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			_ = far
		})
	}
}

func testCancelOverTLS(t *testing.T, b *authBench) {
	for _, mode := range []string{"disable", "allow", "prefer", "require"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := b.door(t, b.upstream(mode), nil)
			conn := pgtest.Connect(t, d.connString("postgres", "", "sslmode=require"))
			failed := make(chan error, 1)
			go func() {
				_, err := conn.Exec(context.Background(), "select pg_sleep(600)")
				failed <- err
			}()
			watcher := pgtest.Connect(t, b.cluster.URL("postgres"))
			pgtest.Eventually(t, func() bool {
				var n int
				err := watcher.QueryRow(context.Background(),
					"select count(*) from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'", conn.PgConn().PID()).Scan(&n)
				return err == nil && n == 1
			}, "the statement runs")
			if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
				t.Fatal(err)
			}
			if err := <-failed; code(err) != "57014" {
				t.Errorf("got %v", err)
			}
		})
	}
}
