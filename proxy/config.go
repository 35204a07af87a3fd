package proxy

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/rewrite"
)

// Config of a Server. The zero value of a duration or size means its default.
type Config struct {
	startup.Config // from the first byte of a connection until it is authenticated

	Versions VersionPolicy // what version a session is pinned to

	DrainTimeout   time.Duration // on Shutdown: how long transactions may go on; default 30s
	HoldTimeout    time.Duration // how long a statement may be held while the instance is suspended; default 30s
	CatchUpTimeout time.Duration // how long an error may be held back until CatchUp has returned; default 5s
	Rewrite        rewrite.Options
	// Loops is how many loops serve the sessions that need nothing but to be passed on. 0: none, so that each session has
	// goroutines of its own, as on systems without epoll.
	Loops int
	// StrictOracle is for tests: a RowDescription that is not as predicted ends the session with an error. Without it the
	// result is delivered, logged and counted, and the text is refused from then on.
	StrictOracle bool
	Log          hclog.Logger

	// SchemaChanged is called, from any goroutine, after a statement that may have changed relations. known is nil, or a
	// function to be called, from any goroutine, when the snapshot in force shows the catalog as it was read at some later
	// time.
	SchemaChanged func(known func())

	// Heirs tells whether one of the relations, which the catalog of the snapshot in force does not have, inherits from one
	// of the tables, or may do so. pid is the backend that has used them. It is called from any goroutine, before a result is
	// delivered. nil: such results are delivered as they are.
	Heirs func(ctx context.Context, pid uint32, relations, tables []catalog.OID) (bool, error)

	// SearchPath tells in which schemas a role looks for names with that search_path, of those that exist and that it may
	// use; pg_temp stands for the temporary schema of its session. It is called from any goroutine, where a session's own
	// server must not be asked. nil: a statement that depends on it is refused.
	SearchPath func(ctx context.Context, role, setting string) ([]string, error)

	// CatchUp reads what is stored in the database now, and returns when Open was called with it if it is news; an error
	// says why that is not known. It is called, from any goroutine, after a statement has failed because of a name that
	// may be outdated, and when a session's own catalog has other names than the snapshot. nil: such a statement fails, and
	// is not tried again.
	CatchUp func(context.Context) error

	// Progress says how far a version has come that is not served yet, although its migration is active; "" where that is not
	// known. It is called from any goroutine and does not wait. nil: it is never known.
	Progress func(version string) string

	// Unserved is called for each new session of the upstream's database, from any goroutine, and may block. An error says
	// why none can be served yet; the client gets it as 08006. nil: sessions are always served.
	Unserved func() error
}

// VersionPolicy decides the version of a session that has not chosen one itself.
type VersionPolicy struct {
	SchemaVersion string // --schema-version; wins over Match
	Match         []VersionMatch
	Default       string // version in which unpinned statements are bound first; rules.Base when empty
	Unpinned      rewrite.UnpinnedMode
}

// VersionMatch pins sessions by user and application_name; empty fields match all.
type VersionMatch struct {
	User        string `yaml:"user"`
	Application string `yaml:"application_name"`
	Version     string `yaml:"version"`
}
