package serve

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/proxy/startup"
)

// Files say where the secrets of an instance are; an empty path stands for none.
type Files struct {
	TLSCert, TLSKey     string // shown to clients
	RelayCert, RelayKey string // shown to the server, on connections that are relayed
	AuthFile            string // SCRAM secrets of the users
}

// Secrets are what Files hold, as it was when they were last read, and the certificates that the upstream URL names. They are
// safe for concurrent use.
type Secrets struct {
	files  Files
	client atomic.Pointer[tls.Certificate]
	users  atomic.Pointer[startup.Credentials]
	owner  atomic.Pointer[pgconn.Config] // of the upstream URL; nil before use

	mu       sync.Mutex // held while they are read
	upstream string
	relay    *tls.Certificate
	proxy    *proxy.Server // nil before use
}

// ReadSecrets reads all files. An error names the setting that is wrong.
func ReadSecrets(f Files) (*Secrets, error) {
	s := &Secrets{files: f}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload reads all files again, for connections that are opened from now on. What cannot be used is left as it was, and is in
// the error; the rest is taken.
func (s *Secrets) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if pair, err := readPair("--tls-cert", s.files.TLSCert, s.files.TLSKey); err != nil {
		errs = append(errs, err)
	} else {
		s.client.Store(pair)
	}
	if s.files.AuthFile != "" {
		if users, err := startup.LoadAuthFile(s.files.AuthFile); err != nil {
			errs = append(errs, err)
		} else {
			s.users.Store(&users)
		}
	}
	if pair, err := readPair("--relay-sslcert", s.files.RelayCert, s.files.RelayKey); err != nil {
		errs = append(errs, err)
	} else {
		s.relay = pair
	}
	if s.proxy != nil {
		errs = append(errs, s.renewUpstream())
	}
	return errors.Join(errs...)
}

// readPair reads a certificate and its key; no path, no certificate.
func readPair(setting, cert, key string) (*tls.Certificate, error) {
	if cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err == nil {
		pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0])
	}
	if err != nil {
		return nil, fmt.Errorf("the certificate of %s cannot be used: %w", setting, err)
	}
	return &pair, nil
}

// configure has the proxy use the secrets.
func (s *Secrets) configure(cfg *proxy.Config) {
	if s.files.TLSCert != "" {
		// Clients that speak TLS from the first byte on ask for this protocol by name.
		cfg.TLS = &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"postgresql"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.client.Load(), nil },
		}
	}
	if s.files.AuthFile != "" {
		cfg.Credentials = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg.Upstream.Certificate = s.relay
}

// Secret implements startup.Credentials.
func (s *Secrets) Secret(user string) (string, bool) { return (*s.users.Load()).Secret(user) }

// attach has Reload renew what the server's side of the proxy and the control connections of the upstream URL use.
func (s *Secrets) attach(p *proxy.Server, upstream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxy, s.upstream = p, upstream
}

// renewUpstream reads again what the upstream URL names. s.mu is held.
func (s *Secrets) renewUpstream() error {
	cfg, err := Upstream(s.upstream)
	if err != nil {
		return err
	}
	owner, err := pgconn.ParseConfig(s.upstream)
	if err != nil {
		return fmt.Errorf("the upstream URL cannot be read: %w", err)
	}
	cfg.Certificate = s.relay
	if err := s.proxy.RenewTLS(cfg); err != nil {
		return err
	}
	s.owner.Store(owner)
	return nil
}

var _ startup.Credentials = (*Secrets)(nil)
