package startup

import (
	"net"

	"github.com/seguedb/segue/proxy/wire"
)

// The server lets a client in by what the client proves, and by what it knows of the connection. Of a relayed connection the
// second is true of the proxy alone: its address (trust), its operating system account (peer, ident) and its certificate
// (cert). So a login for which the server has asked nothing proves nothing about the client, and is refused.

// proved is asked when the server accepts the client, and returns an error if the client has proved nothing.
//
// On one machine, with TCP on both sides, trust means the same for the client as for the proxy: whoever reaches the one port
// could have used the other. A Unix socket is not such a side, because there the server may ask the kernel whose process
// connects, and may be out of reach of others; and a certificate is the proxy's own wherever the server is.
func (a *authentication) proved() error {
	if a.challenged || a.allowUnproved {
		return nil
	}
	if a.loopback(a.Client.RemoteAddr()) && a.loopback(a.Server.RemoteAddr()) && !certified(a.Server) {
		return nil
	}
	return wire.Fatal("28000", "the database server lets user %q in without asking for any proof, so anybody who reaches this proxy could be that user", a.Request.User).
		WithHint("Have pg_hba.conf of the server demand a password (scram-sha-256) of connections from the proxy, in place of trust, peer, ident or cert. " +
			"If all who can reach the proxy may be any such user, start it with --allow-unauthenticated.")
}

// discreet is asked when the server wants the password itself (password, LDAP, PAM, RADIUS, tokens), and returns an error if
// somebody on the way could read it.
func (a *authentication) discreet() error {
	for _, side := range []struct {
		*wire.Conn
		name, cure string
	}{
		{a.Client, "between client and proxy", "Connect with sslmode=require; the proxy needs --tls-cert and --tls-key for it."},
		{a.Server, "between proxy and server", "Give the proxy's --upstream an sslmode of require or more."},
	} {
		if onTLS(side.Conn) == nil && !a.loopback(side.RemoteAddr()) && !onSocket(side.RemoteAddr()) {
			return wire.Fatal("28000", "the database server asks for the password of user %q in clear text, and the connection %s is not encrypted", a.Request.User, side.name).
				WithHint(side.cure)
		}
	}
	return nil
}

// challenge takes note of what the server demands of the client, before it is relayed.
func (a *authentication) challenge(kind uint32) error {
	switch kind {
	case wire.AuthOK:
		return a.proved()
	case wire.AuthCleartext:
		a.challenged = true
		return a.discreet()
	}
	a.challenged = true
	return nil
}

// onLoopback reports whether an address of a connection is one of this machine alone.
func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func onSocket(a net.Addr) bool {
	_, ok := a.(*net.UnixAddr)
	return ok
}
