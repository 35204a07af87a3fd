package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
)

// A testAuthority signs certificates, and is trusted by who uses its pool.
type testAuthority struct {
	*pgcluster.Authority
	pool *x509.CertPool
	file string // its certificate, for libpq and the server
}

func newTestAuthority(t *testing.T) *testAuthority {
	t.Helper()
	a, err := pgcluster.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(a.PEM)
	dir, err := os.MkdirTemp("", "segue-authority-") // TempDir is closed to the account that the server runs as
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "authority.crt")
	if err := os.WriteFile(file, a.PEM, 0o644); err != nil {
		t.Fatal(err)
	}
	return &testAuthority{a, pool, file}
}

// certificate issues a certificate for localhost and a common name.
func (a *testAuthority) certificate(t *testing.T, commonName string) tls.Certificate {
	t.Helper()
	cert, key, err := a.Issue(commonName)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// server is the configuration of a proxy with a certificate for localhost.
func (a *testAuthority) server(t *testing.T) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.certificate(t, "localhost")}}
}
