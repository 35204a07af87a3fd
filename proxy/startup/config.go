package startup

import (
	"crypto/tls"
	"time"
)

// Config of an Entrance. The zero value of a duration or number means its default.
type Config struct {
	Upstream Upstream

	TLS         *tls.Config // towards clients; nil: SSLRequest is answered N
	Credentials Credentials // --auth-file; nil: authentication is relayed
	// AllowUnauthenticated has clients let in of whom the server demands no proof. Without it they are let in only where both
	// sides are TCP on loopback.
	AllowUnauthenticated bool

	MaxConnections        int           // clients that are served at one time, the next is told 53300; 0: no limit
	MaxUnauthenticated    int           // connections that have not authenticated, beyond which the oldest is closed; default 100
	AuthenticationTimeout time.Duration // how long a client may take for its part of authenticating; default 10s
}

// An Upstream says where the server is and how TLS towards it is used.
type Upstream struct {
	Network string      // tcp or unix
	Address string      // host:port or socket path
	SSLMode string      // disable, allow, prefer, require, verify-ca, verify-full
	TLS     *tls.Config // roots and server name for SSLMode; certificates in it are those of somebody else and never shown
	// Certificate is shown to a server that asks for one, on each connection that is relayed. nil: none.
	Certificate *tls.Certificate
	Database    string // rules are of this database; sessions of other databases are passed through untouched
}

// Credentials finds SCRAM secrets, as pg_authid.rolpassword holds them. ok is false for an unknown user. It is asked from
// many goroutines.
type Credentials interface {
	Secret(user string) (secret string, ok bool)
}
