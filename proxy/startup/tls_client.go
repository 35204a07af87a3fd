package startup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/seguedb/segue/proxy/wire"
)

// alpn is the protocol name that direct TLS demands.
const alpn = "postgresql"

// secureClient puts the client's side of the link on TLS. direct: the client began with the handshake, without an
// SSLRequest, and so must have named the protocol (ProcessSSLStartup).
func (e *Entrance) secureClient(ctx context.Context, l *Link, direct bool) error {
	var shown *tls.Certificate
	s := &secured{Conn: tls.Server(ahead{l.Client.Conn, l.Client.In}, recordCertificate(e.tls, &shown))}
	if err := s.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	l.Client = wire.NewConn(s)
	if direct && s.ConnectionState().NegotiatedProtocol != alpn {
		return fmt.Errorf("%w: direct TLS without ALPN", errGone)
	}
	if shown != nil {
		s.binding = certificateBinding(shown)
	}
	return nil
}

// recordCertificate returns the configuration for one connection, which notes the certificate that is shown: its hash is
// what a client binds to. Sessions are not resumed, as with PostgreSQL, for then none would be shown.
func recordCertificate(base *tls.Config, shown **tls.Certificate) *tls.Config {
	conf := base.Clone()
	conf.SessionTicketsDisabled = true
	conf.NextProtos = []string{alpn}
	certificates, choose := conf.Certificates, conf.GetCertificate
	conf.Certificates = nil
	conf.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := chooseCertificate(hello, certificates, choose)
		*shown = cert
		return cert, err
	}
	return conf
}

// chooseCertificate picks as crypto/tls does.
func chooseCertificate(hello *tls.ClientHelloInfo, list []tls.Certificate, choose func(*tls.ClientHelloInfo) (*tls.Certificate, error)) (*tls.Certificate, error) {
	if choose != nil && (len(list) == 0 || hello.ServerName != "") {
		if cert, err := choose(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate to show")
	}
	for i := range list {
		if hello.SupportsCertificate(&list[i]) == nil {
			return &list[i], nil
		}
	}
	return &list[0], nil
}

// certificateBinding is endPoint of a certificate that may not have been parsed.
func certificateBinding(cert *tls.Certificate) []byte {
	leaf := cert.Leaf
	if leaf == nil && len(cert.Certificate) > 0 {
		leaf, _ = x509.ParseCertificate(cert.Certificate[0]) // the handshake has just sent it
	}
	if leaf == nil {
		return nil
	}
	return endPoint(leaf)
}

// ahead is a connection of which a Reader has already read something.
type ahead struct {
	net.Conn
	in *wire.Reader
}

func (a ahead) Read(p []byte) (int, error) { return a.in.Read(p) }
