package startup

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
)

// upstreamTLS is the configuration for connections to the server under an sslmode, with libpq's meaning: only verify-full
// checks the host's name; verify-ca, and require when roots are configured, check who signed; the others check nothing.
func upstreamTLS(cfg Upstream, mode string) (*tls.Config, error) {
	switch mode {
	case "disable":
		return nil, nil
	case "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return nil, fmt.Errorf("sslmode %q is not known; it is one of disable, allow, prefer, require, verify-ca, verify-full", mode)
	}
	conf := &tls.Config{}
	if cfg.TLS != nil {
		conf = cfg.TLS.Clone()
	}
	// Whoever is relayed must not be taken for the owner of the connection string that these came from.
	conf.Certificates, conf.GetClientCertificate = nil, nil
	if len(conf.NextProtos) == 0 {
		conf.NextProtos = []string{alpn}
	}
	if conf.ServerName == "" {
		host, _, err := net.SplitHostPort(cfg.Address)
		if err != nil {
			return nil, fmt.Errorf("the address of the database server is not host:port: %w", err)
		}
		conf.ServerName = host
	}
	if mode == "verify-full" {
		conf.InsecureSkipVerify = false
		return conf, nil
	}
	conf.InsecureSkipVerify = true // what has to be verified is verified below
	if mode == "verify-ca" || mode == "require" && conf.RootCAs != nil {
		roots := conf.RootCAs
		conf.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return conf, nil
}

// verifyChain checks that the server's certificate leads to one of the roots, whatever name it is for.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
