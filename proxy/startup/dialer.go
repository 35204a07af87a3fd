package startup

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

// A dialer opens connections to the server, with TLS as sslmode says. It is safe for concurrent use.
type dialer struct {
	network, address string
	database         string
	mode             string
	secrets          atomic.Pointer[dialerSecrets]
}

// dialerSecrets are what TLS towards the server goes by. They are immutable, and replaced as a whole.
type dialerSecrets struct {
	tls         *tls.Config      // nil when mode is disable
	certificate *tls.Certificate // of the proxy, for a server that asks for one; nil: none
}

// errHandshake marks a TLS handshake that failed, after which prefer goes on without TLS.
var errHandshake = errors.New("the TLS handshake failed")

func newDialer(cfg Upstream) (*dialer, error) {
	if cfg.Address == "" {
		return nil, errors.New("no address of the database server is configured")
	}
	d := &dialer{network: cfg.Network, address: cfg.Address, database: cfg.Database, mode: cfg.SSLMode}
	if d.network == "" {
		d.network = "tcp"
	}
	if d.mode == "" {
		d.mode = "prefer"
	}
	if d.network == "unix" { // as with libpq, sslmode means nothing on a Unix socket
		d.mode = "disable"
	}
	return d, d.renew(cfg)
}

// renew takes TLS from cfg, for connections that are opened from now on. After an error all is as it was.
func (d *dialer) renew(cfg Upstream) error {
	conf, err := upstreamTLS(cfg, d.mode)
	if err != nil {
		return err
	}
	d.secrets.Store(&dialerSecrets{conf, cfg.Certificate})
	return nil
}

// connect opens a connection and sends the start-up packet. Where sslmode leaves a choice and the server's first answer
// is an error, the other one is tried before the client hears of it, as PQconnectPoll does; later it could not be,
// because the client's answers cannot be had twice.
func (d *dialer) connect(ctx context.Context, packet []byte) (*wire.Conn, error) {
	first, err := d.attempt(ctx, d.mode != "disable" && d.mode != "allow", packet)
	if errors.Is(err, errHandshake) && d.mode == "prefer" {
		return d.attempt(ctx, false, packet)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case d.mode == "allow", d.mode == "prefer" && onTLS(first) != nil:
	default:
		return first, nil
	}
	defer expire(ctx, first)()
	if kind, err := first.In.Peek(); err != nil || kind != wire.ErrorResponse {
		return first, nil // an error shows again at the next read
	}
	second, err := d.attempt(ctx, onTLS(first) == nil, packet)
	if err != nil {
		return first, nil // its error is the one to tell
	}
	first.Close()
	return second, nil
}

// attempt opens a connection and sends the start-up packet.
func (d *dialer) attempt(ctx context.Context, secure bool, packet []byte) (*wire.Conn, error) {
	c, err := d.dial(ctx, secure)
	if err != nil {
		return nil, err
	}
	defer expire(ctx, c)()
	if err := c.Send(packet); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// dial opens a connection and, if secure, asks for TLS. A server without TLS is an error unless the mode is prefer.
func (d *dialer) dial(ctx context.Context, secure bool) (*wire.Conn, error) {
	net := net.Dialer{Timeout: dialTimeout}
	raw, err := net.DialContext(ctx, d.network, d.address)
	if err != nil {
		return nil, err
	}
	tune(raw)
	if !secure {
		return wire.NewConn(raw), nil
	}
	c, err := d.secure(ctx, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// secure sends an SSLRequest. Its answer is read as a single byte, so that nothing that was sent in the clear can be taken
// for what came through TLS (CVE-2021-23222).
func (d *dialer) secure(ctx context.Context, raw net.Conn) (*wire.Conn, error) {
	defer expire(ctx, raw)()
	if _, err := raw.Write(wire.AppendRequest(nil, wire.SSLRequestCode)); err != nil {
		return nil, err
	}
	var answer [1]byte
	if _, err := io.ReadFull(raw, answer[:]); err != nil {
		return nil, err
	}
	switch {
	case answer[0] == 'N' && d.mode == "prefer":
		return wire.NewConn(raw), nil
	case answer[0] == 'N':
		return nil, fmt.Errorf("it does not support TLS, which sslmode %s asks for", d.mode)
	case answer[0] != 'S':
		return nil, fmt.Errorf("it answered a request for TLS with %q: it is no PostgreSQL server", answer[0])
	}
	conf, certified := d.secrets.Load().forConnection()
	s := &secured{Conn: tls.Client(raw, conf)}
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	s.certified = *certified
	if shown := s.ConnectionState().PeerCertificates; len(shown) > 0 {
		s.binding = endPoint(shown[0])
	}
	return wire.NewConn(s), nil
}

// forConnection returns the configuration for one connection. After its handshake certified tells whether the proxy's
// certificate was shown.
func (s *dialerSecrets) forConnection() (conf *tls.Config, certified *bool) {
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
