package startup

import (
	"cmp"
	"context"
	"crypto/tls"
	"maps"
	"net"
	"sync/atomic"
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

// An Entrance takes connections from their first byte to the first ReadyForQuery. It is safe for concurrent use.
type Entrance struct {
	upstream    *dialer
	tls         *tls.Config // towards clients; nil: without
	credentials Credentials
	timeout     time.Duration
	clientTime  time.Duration // how much of it the client may take
	crowd       crowd
	places      places

	own, foreign *lane         // for cancel requests
	repeating    chan struct{} // has a place for each that may have to be sent again

	reported atomic.Pointer[map[string]string] // the parameters of the last login, which most others share

	allowUnproved bool                // Config.AllowUnauthenticated
	loopback      func(net.Addr) bool // onLoopback, but for tests

	// admit is asked before the server is contacted; what it returns is told to the client instead.
	admit func(Request) *wire.Error
	// cancelHeld finds the session of a cancel request, and cancels its statement if that is held at a gate.
	cancelHeld func(pid uint32, key []byte) Cancelled
	// settle and the waiting for what comes of a request: see Hooks.
	settle func(ctx context.Context, pid uint32, key []byte) (heeded func(context.Context) bool)
}

// Hooks are what an Entrance asks of its caller. They are called from many goroutines; but for Settle and what it returns they must not block.
type Hooks struct {
	Admit      func(Request) *wire.Error              // nil: the server may be contacted; else the client is told that
	CancelHeld func(pid uint32, key []byte) Cancelled // cancels the statement of the session with that key, if it is held

	// Settle waits until all is at the server that the session's client has sent, as long as the context lets it. A server that has
	// not begun with it ignores a cancel request. So heeded, which is called when one was sent, waits, again as long as the context
	// lets it, for a sign that no other is needed; nil: not all was at the server, so another one is.
	Settle func(ctx context.Context, pid uint32, key []byte) (heeded func(context.Context) bool)
}

// New checks the configuration.
func New(cfg Config, hooks Hooks) (*Entrance, error) {
	up, err := newDialer(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	return &Entrance{
		upstream: up, tls: cfg.TLS, credentials: cfg.Credentials, timeout: startupTimeout,
		clientTime: cmp.Or(cfg.AuthenticationTimeout, defaultAuthenticationTimeout),
		crowd:      crowd{max: cmp.Or(cfg.MaxUnauthenticated, defaultMaxUnauthenticated)},
		places:     places{max: int64(cfg.MaxConnections)},
		own:        newLane(ownCancels, ownWaiting, true), foreign: newLane(foreignCancels, foreignWaiting, false),
		repeating:     make(chan struct{}, repeatedCancels),
		allowUnproved: cfg.AllowUnauthenticated, loopback: onLoopback,
		admit: hooks.Admit, cancelHeld: hooks.CancelHeld, settle: hooks.Settle,
	}, nil
}

// Establish serves a new connection up to the first ReadyForQuery, which Open of the link sends. The caller owns the link, and
// calls its Leave when the session has ended. After an error both connections are closed, and the client has been told what it
// can be told. That is a *wire.Error, its own or one of the server's; any other error says that there was nothing to tell: the
// connection was a CancelRequest, or the client has left.
func (e *Entrance) Establish(ctx context.Context, raw net.Conn) (*Link, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	me := e.crowd.enter(giveUp)
	defer e.crowd.leave(me)
	tune(raw)
	unguard := expire(ctx, raw)
	l := &Link{Client: wire.NewConn(raw), Parameters: make(map[string]string), patience: &patience{left: e.clientTime, giveUp: giveUp}}
	defer unguard()
	err := e.enter(ctx, l, me)
	if err == nil && !unguard() {
		err = errGone
	}
	if err != nil {
		l.Leave()
		if context.Cause(ctx) == errCrowded && me.spoke {
			_ = raw.SetDeadline(time.Now().Add(tellTimeout)) // it is known to speak the protocol
			err = tooMany()
		}
		tell(l.Client, err)
		l.Close()
		return nil, err
	}
	l.patience = nil
	l.Parameters = e.share(l.Parameters)
	return l, nil
}

// share is a map like p: that of the login before, if it is, so that thousands of sessions of one application have one.
func (e *Entrance) share(p map[string]string) map[string]string {
	if last := e.reported.Load(); last != nil && maps.Equal(*last, p) {
		return *last
	}
	e.reported.Store(&p)
	return p
}

// tellTimeout bounds how long a client that is given up may take to accept that.
const tellTimeout = 100 * time.Millisecond

// tooMany is what the server says when max_connections is reached.
func tooMany() *wire.Error { return wire.Fatal("53300", "sorry, too many clients already") }

// enter fills the link step by step; on an error it leaves in it what was opened.
func (e *Entrance) enter(ctx context.Context, l *Link, me *newcomer) error {
	l.patience.begin()
	packet, err := e.greet(ctx, l)
	l.patience.end()
	if err != nil {
		return clientFailed(err)
	}
	if packet.Code == wire.CancelRequestCode {
		e.crowd.leave(me) // it has bounds of its own, and keeps no place from a login
		return e.serveCancel(ctx, l.Client, packet)
	}
	e.crowd.spoke(me)
	if l.Request, err = parseRequest(packet); err != nil {
		return clientFailed(err)
	}
	l.PassThrough = l.Request.Replication || l.Request.Database != e.upstream.database
	if refusal := e.admit(l.Request); refusal != nil {
		return refusal
	}
	if !e.places.take() {
		return tooMany()
	}
	l.places = &e.places
	if l.Server, err = e.upstream.connect(ctx, packet.Raw); err != nil {
		return e.unreachable(err)
	}
	unguard := expire(ctx, l.Server)
	defer unguard()
	a := &authentication{Link: l, ctx: ctx, credentials: e.credentials, allowUnproved: e.allowUnproved, loopback: e.loopback}
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
func (e *Entrance) greet(ctx context.Context, l *Link) (wire.StartupPacket, error) {
	const tlsHandshake = 0x16
	first, err := l.Client.In.Peek()
	if err != nil {
		return wire.StartupPacket{}, err
	}
	if first == tlsHandshake {
		if e.tls == nil {
			return wire.StartupPacket{}, errGone // as the Server: without a word, for it would not be understood
		}
		if err := e.secureClient(ctx, l, true); err != nil {
			return wire.StartupPacket{}, err
		}
	}
	var askedTLS, askedGSS bool
	for {
		p, err := l.Client.In.NextStartup()
		switch {
		case err != nil:
			return p, clientBroke(err)
		case p.Code == wire.SSLRequestCode && !askedTLS:
			askedTLS = true
			if l.Client.In.Pending() > 0 {
				return p, unencrypted("SSL")
			}
			if e.tls == nil || onTLS(l.Client) != nil {
				err = l.Client.Send([]byte{'N'})
				break
			}
			askedGSS = true
			if err = l.Client.Send([]byte{'S'}); err == nil {
				err = e.secureClient(ctx, l, false)
			}
		case p.Code == wire.GSSENCRequestCode && !askedGSS:
			askedGSS = true
			if l.Client.In.Pending() > 0 {
				return p, unencrypted("GSSAPI encryption")
			}
			err = l.Client.Send([]byte{'N'})
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
	err := wire.Fatal("08P01", "received unencrypted data after %s request", request)
	err.Detail = "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack."
	return err
}

// RenewTLS has connections to the server go by the roots and certificates of cfg from now on. Where the server is does not
// change. After an error all is as it was.
func (e *Entrance) RenewTLS(cfg Upstream) error { return e.upstream.renew(cfg) }

// unreachable is what a client is told when the server cannot be reached.
func (e *Entrance) unreachable(err error) error {
	return wire.Fatal("08006", "could not connect to the database server at %s: %v", e.upstream.address, err).
		WithHint("Is the server running there, and does it accept connections from this host?")
}
