package startup

import (
	"context"
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
	"github.com/seguedb/segue/proxy/wiretest"
)

// An authBench is a server that speaks TLS and knows a user for each way to authenticate, all with the password "secret".
type authBench struct {
	cluster   *pgcluster.Cluster
	authority *wiretest.Authority // signs the proxy's certificate, and client certificates for the server
	roots     *x509.CertPool      // of the server's certificate
}

func newAuthBench(t *testing.T) *authBench {
	t.Helper()
	authority := wiretest.NewAuthority(t)
	cluster, err := pgcluster.Start(context.Background(), pgcluster.Options{
		TLS:      true,
		Settings: map[string]string{"ssl_ca_file": authority.File},
		HBA: []string{
			"local all clear password",
			"local all " + osUser(t) + " peer",
			"local all all trust",
			"hostssl all doubly 127.0.0.1/32 scram-sha-256 clientcert=verify-ca",
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
		create role doubly login password 'secret';
		do $$ begin execute format('create role %I login', '`+osUser(t)+`'); exception when duplicate_object then null; end $$;
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
func (b *authBench) upstream(mode string) Upstream {
	return Upstream{Network: "tcp", Address: b.cluster.Address(), SSLMode: mode, Database: "postgres"}
}

// door is a proxy that offers TLS.
func (b *authBench) door(t *testing.T, upstream Upstream, credentials Credentials) *door {
	t.Helper()
	return openDoor(t, Config{Upstream: upstream, TLS: b.authority.Server(t), Credentials: credentials})
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
