// Package startup takes a connection from its first byte to the first ReadyForQuery, and hands over a client and a server
// connection that are authenticated. It knows nothing of sessions, statements or migrations.
//
// # Use
//
//	e, err := startup.New(cfg, hooks)
//	l, err := e.Establish(ctx, conn) // a *wire.Error: the client has been told; any other: there was nothing to tell
//	…                                // whoever counts sessions counts this one
//	err = l.Open()                   // now the client hears ReadyForQuery
//	…
//	l.Leave()                        // gives its place to others
//
// # What happens
//
//	greet         requests for TLS and GSSAPI encryption, TLS from the first byte on, a CancelRequest (entrance.go, cancel.go)
//	request       the start-up packet: user, database, schema version (request.go, options.go)
//	admit         the caller's word on whether such a session is served
//	dial          a connection to the server, with TLS as sslmode says, and the packet as it came (dialer.go)
//	authenticate  what both say to each other is relayed until ReadyForQuery (authentication.go)
//
// Passwords pass through and are not kept. SCRAM binds to a TLS connection, and between two of them cannot be relayed: there
// the client is authenticated from a configured secret, and its proof yields the key with which the server is answered
// (sasl.go, scram.go). A login of which the server demands nothing proves nothing about the client: it is let in only where
// whoever reaches the one port could have reached the other (proof.go).
//
// # Limits
//
// Everything has a time limit, of which the client's own part has a shorter one. Connections that have not authenticated are
// limited in number, and the oldest has to go for a new one (crowd.go); those beyond MaxConnections are told so. A packet or
// a password message is limited before it is read.
//
// # Mirrored
//
// ProcessSSLStartup and ProcessStartupPacket (postmaster.c), process_postgres_switches (postgres.c), scram_exchange
// (auth-scram.c), PQconnectPoll (fe-connect.c): what a client hears is what PostgreSQL or libpq would say there, silence
// included.
package startup
