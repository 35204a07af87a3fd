package startup

import (
	"crypto"
	_ "crypto/sha256" // the hashes that certificates are signed with
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"

	"github.com/seguedb/segue/proxy/wire"
)

// A secured connection is one on TLS.
type secured struct {
	*tls.Conn

	// binding is the tls-server-end-point of the certificate that was shown on this connection, by whichever side is its
	// server; nil when that certificate's signature has no single hash.
	binding []byte

	// certified says that a certificate of the proxy's was shown on this connection to the server.
	certified bool
}

// onTLS is the TLS of a connection, or nil.
func onTLS(c *wire.Conn) *secured {
	s, _ := c.Conn.(*secured)
	return s
}

// binding is what SCRAM can bind to on the connection; nil when there is nothing.
func binding(c *wire.Conn) []byte {
	if s := onTLS(c); s != nil {
		return s.binding
	}
	return nil
}

// certified reports whether a certificate of the proxy's was shown on the connection to the server.
func certified(c *wire.Conn) bool {
	s := onTLS(c)
	return s != nil && s.certified
}

// endPoint computes the channel binding tls-server-end-point (RFC 5929) of a certificate: its hash, with the hash function
// of its signature, or SHA-256 where that is MD5 or SHA-1. Mirrors be_tls_get_certificate_hash, which has no answer for
// signatures without a hash of their own, such as Ed25519: nil.
func endPoint(cert *x509.Certificate) []byte {
	var hash crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1,
		x509.SHA256WithRSA, x509.ECDSAWithSHA256, x509.DSAWithSHA256, x509.SHA256WithRSAPSS:
		hash = crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	default:
		return nil
	}
	h := hash.New()
	h.Write(cert.Raw)
	return h.Sum(nil)
}
