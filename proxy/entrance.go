package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// startupTimeout is how long it may take from the first byte of a client until it is authenticated, like the server's own
// authentication_timeout. Of that the client itself may take Config.AuthenticationTimeout.
const startupTimeout = time.Minute

// Defaults of Config.
const (
	defaultMaxUnauthenticated    = 100
	defaultAuthenticationTimeout = 10 * time.Second
)

// An entrance takes connections from their first byte to the first ReadyForQuery.
type entrance struct {
	upstream    *upstream
	tls         *tls.Config // towards clients; nil: without
	credentials Credentials
	timeout     time.Duration
	clientTime  time.Duration // how much of it the client may take
	crowd       crowd
	places      places

	allowUnproved bool                // Config.AllowUnauthenticated
	loopback      func(net.Addr) bool // onLoopback, but for tests

	// admit is asked before the server is contacted; what it returns is told to the client instead.
	admit func(startup) *wire.Error
	// cancelHeld cancels the statement of that session if it is held at a gate, and tells whether it was.
	cancelHeld func(pid uint32, key []byte) bool
}

// newEntrance checks the configuration. Both hooks are called from many goroutines and must not block.
func newEntrance(cfg Config, admit func(startup) *wire.Error, cancelHeld func(pid uint32, key []byte) bool) (*entrance, error) {
	up, err := newUpstream(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	return &entrance{
		upstream: up, tls: cfg.TLS, credentials: cfg.Credentials, timeout: startupTimeout,
		clientTime:    cmp.Or(cfg.AuthenticationTimeout, defaultAuthenticationTimeout),
		crowd:         crowd{max: cmp.Or(cfg.MaxUnauthenticated, defaultMaxUnauthenticated)},
		places:        places{max: int64(cfg.MaxConnections)},
		allowUnproved: cfg.AllowUnauthenticated, loopback: onLoopback,
		admit: admit, cancelHeld: cancelHeld,
	}, nil
}

// establish serves a new connection up to the first ReadyForQuery, which the link's open sends. The caller owns the link, and
// gives its place back when it has ended. On an error both connections are closed and the client has been told what it can
// be told: errServed means that it was a CancelRequest, errGone that the client left.
func (e *entrance) establish(ctx context.Context, raw net.Conn) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	me := e.crowd.enter(giveUp)
	defer e.crowd.leave(me)
	tune(raw)
	unguard := expire(ctx, raw)
	l := &link{client: newConn(raw), params: make(map[string]string), patience: &patience{left: e.clientTime, giveUp: giveUp}}
	defer unguard()
	err := e.enter(ctx, l, me)
	if err == nil && !unguard() {
		err = errGone
	}
	if err != nil {
		if l.placed {
			e.places.give()
		}
		if context.Cause(ctx) == errCrowded && me.spoke.Load() {
			_ = raw.SetDeadline(time.Now().Add(tellTimeout)) // it is known to speak the protocol
			err = tooMany()
		}
		tell(l.client, err)
		l.close()
		return nil, err
	}
	l.patience = nil
	return l, nil
}

// tellTimeout bounds how long a client that is given up may take to accept that.
const tellTimeout = 100 * time.Millisecond

// tooMany is what the server says when max_connections is reached.
func tooMany() *wire.Error { return fatal("53300", "sorry, too many clients already") }

// enter fills the link step by step; on an error it leaves in it what was opened.
func (e *entrance) enter(ctx context.Context, l *link, me *newcomer) error {
	l.patience.begin()
	packet, err := e.greet(ctx, l)
	l.patience.end()
	if err != nil {
		return clientFailed(err)
	}
	me.spoke.Store(true)
	if packet.Code == wire.CancelRequestCode {
		return e.cancel(ctx, l.client, packet)
	}
	if l.startup, err = parseStartup(packet); err != nil {
		return clientFailed(err)
	}
	l.version = l.startup.version
	l.passthrough = l.startup.replication || l.startup.database != e.upstream.database
	if refusal := e.admit(l.startup); refusal != nil {
		return refusal
	}
	if l.placed = e.places.take(); !l.placed {
		return tooMany()
	}
	if l.server, err = e.upstream.connect(ctx, packet.Raw); err != nil {
		return e.unreachable(err)
	}
	unguard := expire(ctx, l.server)
	defer unguard()
	a := &authentication{link: l, ctx: ctx, credentials: e.credentials, allowUnproved: e.allowUnproved, loopback: e.loopback}
	if err := a.run(); err != nil {
		return err
	}
	if !unguard() {
		return errGone // the time was up just now
	}
	return nil
}

// greet answers requests for encryption until a packet of another kind comes. Mirrors ProcessSSLStartup and the first
// half of ProcessStartupPacket; either request may come first, each once.
func (e *entrance) greet(ctx context.Context, l *link) (wire.StartupPacket, error) {
	const tlsHandshake = 0x16
	first, err := l.client.in.Peek()
	if err != nil {
		return wire.StartupPacket{}, err
	}
	if first == tlsHandshake {
		if e.tls == nil {
			return wire.StartupPacket{}, errGone // as the server: without a word, for it would not be understood
		}
		if err := e.secureClient(ctx, l, true); err != nil {
			return wire.StartupPacket{}, err
		}
	}
	var askedTLS, askedGSS bool
	for {
		p, err := l.client.in.NextStartup()
		switch {
		case err != nil:
			return p, clientBroke(err)
		case p.Code == wire.SSLRequestCode && !askedTLS:
			askedTLS = true
			if l.client.in.Pending() > 0 {
				return p, unencrypted("SSL")
			}
			if e.tls == nil || l.client.secure() {
				err = l.client.send([]byte{'N'})
				break
			}
			askedGSS = true
			if err = l.client.send([]byte{'S'}); err == nil {
				err = e.secureClient(ctx, l, false)
			}
		case p.Code == wire.GSSENCRequestCode && !askedGSS:
			askedGSS = true
			if l.client.in.Pending() > 0 {
				return p, unencrypted("GSSAPI encryption")
			}
			err = l.client.send([]byte{'N'})
		default:
			return p, nil
		}
		if err != nil {
			return p, err
		}
	}
}

// unencrypted refuses bytes that came before encryption was agreed on: they may have been put there by somebody else
// (CVE-2021-3935).
func unencrypted(request string) error {
	err := fatal("08P01", "received unencrypted data after %s request", request)
	err.Detail = "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."
	return err
}

// unreachable is what a client is told when the server cannot be reached.
func (e *entrance) unreachable(err error) error {
	return withHint(fatal("08006", "could not connect to the database server at %s: %v", e.upstream.address, err),
		"Is the server running there, and does it accept connections from this host?")
}
