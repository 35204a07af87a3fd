package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// An authBench is a server that speaks TLS and knows a user for each way to authenticate, all with the password "secret".
type authBench struct {
	cluster   *pgcluster.Cluster
	authority *testAuthority // signs the proxy's certificate, and client certificates for the server
	roots     *x509.CertPool // of the server's certificate
}

func newAuthBench(t *testing.T) *authBench {
	t.Helper()
	authority := newTestAuthority(t)
	cluster, err := pgcluster.Start(context.Background(), pgcluster.Options{
		TLS:      true,
		Settings: map[string]string{"ssl_ca_file": authority.file},
		HBA: []string{
			"host all postgres 127.0.0.1/32 trust",
			"host all scram 127.0.0.1/32 scram-sha-256",
			"host all md5 127.0.0.1/32 md5",
			"host all clear 127.0.0.1/32 password",
			"host all crowd 127.0.0.1/32 scram-sha-256",
			"hostssl all onlytls 127.0.0.1/32 scram-sha-256",
			"hostnossl all onlyplain 127.0.0.1/32 scram-sha-256",
			"hostssl all certified 127.0.0.1/32 cert",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Stop() })
	pgtest.Exec(t, cluster.URL("postgres"), `
		set password_encryption = 'scram-sha-256';
		create role scram login password 'secret';
		create role clear login password 'secret';
		create role onlytls login password 'secret';
		create role onlyplain login password 'secret';
		create role certified login;
		set password_encryption = 'md5';
		create role md5 login password 'secret'`)
	pem, err := os.ReadFile(cluster.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &authBench{cluster, authority, roots}
}

// upstream is the server under an sslmode.
func (b *authBench) upstream(mode string) UpstreamConfig {
	return UpstreamConfig{Network: "tcp", Address: b.cluster.Address(), SSLMode: mode, Database: "postgres"}
}

// door is a proxy that offers TLS.
func (b *authBench) door(t *testing.T, upstream UpstreamConfig, credentials Credentials) *door {
	t.Helper()
	return openDoor(t, Config{Upstream: upstream, TLS: b.authority.server(t), Credentials: credentials})
}

// secrets are the server's own SCRAM secrets, by way of an auth file.
func (b *authBench) secrets(t *testing.T) Credentials {
	t.Helper()
	conn := pgtest.Connect(t, b.cluster.URL("postgres"))
	rows, err := conn.Query(context.Background(), `select format('"%s" "%s"', rolname, rolpassword) from pg_authid where rolpassword like 'SCRAM%'`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return authFileOf(t, lines...)
}

func authFileOf(t *testing.T, lines ...string) Credentials {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadAuthFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connString is how a client reaches the server through the door; parameters are those of libpq.
func (d *door) connString(user, password string, params ...string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: d.addr, Path: "/postgres", RawQuery: strings.Join(params, "&")}
	return u.String()
}

// pgxLogin logs in with pgx and returns what it was refused with.
func pgxLogin(connString string) error {
	conn, err := pgx.Connect(context.Background(), connString)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), "select current_user")
	return err
}

// psqlLogin logs in with psql, so libpq, and returns what it was refused with.
func psqlLogin(connString string) error {
	out, err := exec.Command(pgtest.Bin("psql"), "-XAtwc", "select 'hello ' || current_user", connString).CombinedOutput()
	if err == nil && strings.HasPrefix(string(out), "hello ") {
		return nil
	}
	return errors.New(string(out))
}

// code is the SQLSTATE of a refusal.
func code(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

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

// testScramCombinations is the table of DESIGN §6. An outcome is "" for success, a SQLSTATE when the proxy refuses, and
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
	certified := b.upstream("require")
	certified.TLS = &tls.Config{Certificates: []tls.Certificate{b.authority.certificate(t, "certified")}}
	for name, c := range map[string]struct {
		user, password string
		upstream       UpstreamConfig
		want           string
	}{
		"trust":                       {"postgres", "", b.upstream("require"), ""},
		"md5":                         {"md5", "secret", b.upstream("require"), ""},
		"md5 with a wrong password":   {"md5", "wrong", b.upstream("require"), "28P01"},
		"clear text":                  {"clear", "secret", b.upstream("disable"), ""},
		"clear, with a wrong one":     {"clear", "wrong", b.upstream("disable"), "28P01"},
		"SCRAM with a wrong password": {"scram", "wrong", b.upstream("disable"), "28P01"},
		"a certificate":               {"certified", "", certified, ""},
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

// testServerBinding proves that -PLUS is used towards the server: with another binding the server must refuse.
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
			up, err := newUpstream(b.upstream("require"))
			if err != nil {
				t.Fatal(err)
			}
			packet := wire.AppendStartup(nil, 3<<16, []wire.Parameter{{Name: "user", Value: "scram"}, {Name: "database", Value: "postgres"}})
			server, err := up.connect(t.Context(), packet)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if server.binding == nil {
				t.Fatal("there is nothing to bind to")
			}
			server.binding[0] ^= c.tamper
			near, far := pipe(t)
			a := &authentication{link: &link{client: near, server: server}, ctx: t.Context()}
			if _, err := a.saslFromServer(wire.AuthSASL); err != nil {
				t.Fatal(err)
			}
			client := newScramClient(parsed, clientKeyOf("secret", parsed))
			client.bind(server.binding)
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
