package wiretest

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
)

// An Authority signs certificates, and is trusted by who uses its Pool.
type Authority struct {
	*pgcluster.Authority
	Pool *x509.CertPool
	File string // its certificate, for libpq and the server
}

// NewAuthority makes one that lasts until the test ends.
func NewAuthority(t testing.TB) *Authority {
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
	return &Authority{a, pool, file}
}

// Certificate issues a certificate for localhost and a common name.
func (a *Authority) Certificate(t testing.TB, commonName string) tls.Certificate {
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

// Server is the configuration of a proxy with a certificate for localhost.
func (a *Authority) Server(t testing.TB) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.Certificate(t, "localhost")}}
}
