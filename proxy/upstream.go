package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// dialTimeout bounds one attempt to reach the server.
const dialTimeout = 15 * time.Second

// An upstream opens connections to the server, with TLS as sslmode says. It is safe for concurrent use.
type upstream struct {
	network, address string
	database         string
	mode             string
	secrets          atomic.Pointer[upstreamSecrets]
}

// upstreamSecrets are what TLS towards the server goes by. They are immutable, and replaced as a whole.
type upstreamSecrets struct {
	tls         *tls.Config      // nil when mode is disable
	certificate *tls.Certificate // of the proxy, for a server that asks for one; nil: none
}

// errHandshake marks a TLS handshake that failed, after which prefer goes on without TLS.
var errHandshake = errors.New("the TLS handshake failed")

func newUpstream(cfg UpstreamConfig) (*upstream, error) {
	if cfg.Address == "" {
		return nil, errors.New("no address of the database server is configured")
	}
	u := &upstream{network: cfg.Network, address: cfg.Address, database: cfg.Database, mode: cfg.SSLMode}
	if u.network == "" {
		u.network = "tcp"
	}
	if u.mode == "" {
		u.mode = "prefer"
	}
	if u.network == "unix" { // as with libpq, sslmode means nothing on a Unix socket
		u.mode = "disable"
	}
	return u, u.renew(cfg)
}

// renew takes TLS from cfg, for connections that are opened from now on. After an error all is as it was.
func (u *upstream) renew(cfg UpstreamConfig) error {
	conf, err := upstreamTLS(cfg, u.mode)
	if err != nil {
		return err
	}
	u.secrets.Store(&upstreamSecrets{conf, cfg.Certificate})
	return nil
}

// connect opens a connection and sends the start-up packet. Where sslmode leaves a choice and the server's first answer
// is an error, the other one is tried before the client hears of it, as PQconnectPoll does; later it could not be,
// because the client's answers cannot be had twice.
func (u *upstream) connect(ctx context.Context, packet []byte) (*conn, error) {
	first, err := u.attempt(ctx, u.mode != "disable" && u.mode != "allow", packet)
	if errors.Is(err, errHandshake) && u.mode == "prefer" {
		return u.attempt(ctx, false, packet)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case u.mode == "allow", u.mode == "prefer" && first.secure():
	default:
		return first, nil
	}
	defer expire(ctx, first)()
	if kind, err := first.in.Peek(); err != nil || kind != wire.ErrorResponse {
		return first, nil // an error shows again at the next read
	}
	second, err := u.attempt(ctx, !first.secure(), packet)
	if err != nil {
		return first, nil // its error is the one to tell
	}
	first.Close()
	return second, nil
}

// attempt opens a connection and sends the start-up packet.
func (u *upstream) attempt(ctx context.Context, secure bool, packet []byte) (*conn, error) {
	c, err := u.dial(ctx, secure)
	if err != nil {
		return nil, err
	}
	defer expire(ctx, c)()
	if err := c.send(packet); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// dial opens a connection and, if secure, asks for TLS. A server without TLS is an error unless the mode is prefer.
func (u *upstream) dial(ctx context.Context, secure bool) (*conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	raw, err := dialer.DialContext(ctx, u.network, u.address)
	if err != nil {
		return nil, err
	}
	tune(raw)
	if !secure {
		return newConn(raw), nil
	}
	c, err := u.secure(ctx, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// secure sends an SSLRequest. Its answer is read as a single byte, so that nothing that was sent in the clear can be taken
// for what came through TLS (CVE-2021-23222).
func (u *upstream) secure(ctx context.Context, raw net.Conn) (*conn, error) {
	defer expire(ctx, raw)()
	if _, err := raw.Write(wire.AppendRequest(nil, wire.SSLRequestCode)); err != nil {
		return nil, err
	}
	var answer [1]byte
	if _, err := io.ReadFull(raw, answer[:]); err != nil {
		return nil, err
	}
	switch {
	case answer[0] == 'N' && u.mode == "prefer":
		return newConn(raw), nil
	case answer[0] == 'N':
		return nil, fmt.Errorf("it does not support TLS, which sslmode %s asks for", u.mode)
	case answer[0] != 'S':
		return nil, fmt.Errorf("it answered a request for TLS with %q: it is no PostgreSQL server", answer[0])
	}
	conf, certified := u.secrets.Load().forConnection()
	secured := tls.Client(raw, conf)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	c := newConn(secured)
	c.certified = *certified
	if shown := secured.ConnectionState().PeerCertificates; len(shown) > 0 {
		c.binding = endPoint(shown[0])
	}
	return c, nil
}

// forConnection returns the configuration for one connection. After its handshake certified tells whether the proxy's
// certificate was shown.
func (s *upstreamSecrets) forConnection() (conf *tls.Config, certified *bool) {
	certified = new(bool)
	if s.certificate == nil {
		return s.tls, certified
	}
	conf = s.tls.Clone()
	conf.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if asked.SupportsCertificate(s.certificate) != nil {
			return new(tls.Certificate), nil // none: the server says what it thinks of that
		}
		*certified = true
		return s.certificate, nil
	}
	return conf, certified
}

// expire makes the connection's reads and writes fail when ctx ends. The function that it returns ends that.
func expire(ctx context.Context, c net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
}
