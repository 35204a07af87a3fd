package main

import (
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/rewrite"
)

// serveFlags are the settings of one instance, as given.
type serveFlags struct {
	upstream, listen, adminListen, metricsListen, instanceID string
	passwordCommand                                          string
	embedded, pprof                                          bool

	schemaVersion, defaultVersion, unpinned, introspection string
	waitVersion                                            bool
	match                                                  []string

	tlsCert, tlsKey, authFile string
	relayCert, relayKey       string
	allowUnauthenticated      bool

	maxConnections, maxUnauthenticated int
	maxStatementSize                   int
	authenticationTimeout              time.Duration

	throttle string

	loops                                                 int
	drainTimeout, drainLimit, holdTimeout, lease, bindCPU time.Duration
	deferredRetry                                         time.Duration

	logLevel, logFormat string
}

func (s *serveFlags) register(f *pflag.FlagSet) {
	f.String("config", "", "YAML file with these settings, named as the flags are")

	f.StringVar(&s.upstream, "upstream", "", "connection string of the server and the owner of the tables; sslmode, sslrootcert, sslcert and sslkey as in libpq")
	f.StringVar(&s.passwordCommand, "upstream-password-command", "", "shell command that prints the password of the upstream URL's user; run for each connection of the instance's own, so that it may expire")
	f.BoolVar(&s.embedded, "embedded", false, "start a throw-away local PostgreSQL instead of --upstream")
	f.StringVar(&s.listen, "listen", "127.0.0.1:6432", "address for clients")
	f.StringVar(&s.adminListen, "admin-listen", "127.0.0.1:8432", "address of the admin API; empty for none; off loopback it needs --admin-token-file")
	f.StringVar(&s.metricsListen, "metrics-listen", "", "address of /metrics and the probes alone, read only and without a token; empty for none")
	f.StringVar(&s.instanceID, "instance-id", "", "name of this instance in the fleet (default: made up)")

	f.StringVar(&s.schemaVersion, "schema-version", "", "version of every session that does not choose one itself: for the sidecar of one app build")
	f.StringVar(&s.defaultVersion, "default-version", "", "version in which unpinned statements are bound first (default base)")
	f.StringVar(&s.unpinned, "unpinned", "auto", "statements of sessions without a version: auto (the default version, or the one other that knows their names), default or refuse")
	f.StringVar(&s.introspection, "introspection", "on", "whether sessions of a version see its names in pg_catalog and information_schema (on), or those of the database (off)")
	f.StringArrayVar(&s.match, "match", nil, "version by user and application, such as user=shop,application_name=web,version=surname; can be repeated, the first that fits wins")
	f.BoolVar(&s.waitVersion, "wait-version", false, "not ready before the versions of --schema-version, --default-version and --match are served")

	f.StringVar(&s.tlsCert, "tls-cert", "", "certificate chain for TLS towards clients (PEM)")
	f.StringVar(&s.tlsKey, "tls-key", "", "its private key (PEM)")
	f.StringVar(&s.authFile, "auth-file", "", `SCRAM secrets of the users, lines of "user" "SCRAM-SHA-256$…": needed for SCRAM with TLS on both sides`)

	f.StringVar(&s.relayCert, "relay-sslcert", "", "certificate chain (PEM) for a server that demands one of every connection; shown for all clients, and never that of --upstream")
	f.StringVar(&s.relayKey, "relay-sslkey", "", "its private key (PEM)")
	f.BoolVar(&s.allowUnauthenticated, "allow-unauthenticated", false, "let clients in of whom the server demands no proof (trust, peer, ident, cert); without it only with TCP on loopback on both sides")

	f.IntVar(&s.maxConnections, "max-connections", 0, "clients served at one time; the next is told 53300 (default: what the limit of open files allows, at most 10000)")
	f.IntVar(&s.maxUnauthenticated, "max-unauthenticated", serve.DefaultMaxUnauthenticated, "connections that have not authenticated; beyond it the oldest is closed")
	f.IntVar(&s.maxStatementSize, "max-statement-size", rewrite.DefaultMaxBytes, "bytes of a statement that names a table under migration, beyond which it is refused (54000)")
	f.DurationVar(&s.authenticationTimeout, "authentication-timeout", 10*time.Second, "how long a client may take for its part of authenticating, from its first byte on")

	f.DurationVar(&s.drainTimeout, "drain-timeout", 30*time.Second, "at the end: how long open transactions may go on")
	f.DurationVar(&s.drainLimit, "drain-limit", time.Second, "how long a gate may be closed")
	f.DurationVar(&s.deferredRetry, "deferred-retry", time.Minute, "how long until rows that on_error: defer has left are tried again")
	f.StringVar(&s.throttle, "throttle-query", "", "SQL that reads: backfills wait as long as its first value is neither NULL, false, 0 nor empty")
	f.DurationVar(&s.holdTimeout, "hold-timeout", 30*time.Second, "how long a statement is held while the instance has lost touch with its control tables")
	f.DurationVar(&s.lease, "lease", 5*time.Second, "how old the last read of the control tables may be while serving")

	f.DurationVar(&s.bindCPU, "bind-cpu", 2*time.Second, "how long one statement that names a table under migration may take of a processor to be bound")

	f.IntVar(&s.loops, "loops", max(1, runtime.GOMAXPROCS(0)/2), "threads that relay for all sessions without TLS; 0: none, so that each session has goroutines of its own")

	f.BoolVar(&s.pprof, "pprof", false, "serve profiles at /debug/pprof/ of the admin API")
	f.StringVar(&s.logLevel, "log-level", "info", "trace, debug, info, warn or error")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
}
