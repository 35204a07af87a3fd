package migrate

import (
	"context"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// Traffic is the instance's own sessions, as the gate protocol needs them. The proxy implements it.
type Traffic interface {
	// Hold closes the gate on the tables: from its start, no statement that names one of them is sent to the server,
	// except by sessions whose backend already holds a lock on one (asked with holdsLock). It returns nil when no such
	// statement is in flight any more but those of sessions that hold a lock; the gate stays closed until Open.
	// If ctx ends first the gate is still closed, and Open must be called.
	Hold(ctx context.Context, tables []catalog.OID, holdsLock HoldsLock) error

	// Open installs the snapshot as the one that all further statements use, and lets go what is held. It is also how
	// a snapshot is installed when no gate was closed.
	Open(snap *rules.Snapshot)

	// Suspend holds every statement that names a table under migration, for the reason that who is held too long is told;
	// Open ends it. It is called again when the reason changes.
	Suspend(why *Outage)

	// End ends the sessions that are pinned to the versions, wherever they are, as pg_terminate_backend would, and lets no new
	// ones in. It does not wait. It holds until the next call; nil ends nothing.
	End(e *Ending)

	// Sessions lists the live sessions.
	Sessions() []SessionInfo

	// Use drains the counts of uses gathered since the last call.
	Uses() []UseCount
}

// HoldsLock tells which of the backends hold a granted lock on any of the tables, as pg_locks says.
type HoldsLock func(ctx context.Context, pids []uint32, tables []catalog.OID) (map[uint32]bool, error)

// SessionInfo describes one client session.
type SessionInfo struct {
	PID         uint32 `json:"pid"` // of the server's backend
	User        string `json:"user"`
	Database    string `json:"database"`
	Application string `json:"application_name"`
	Client      string `json:"client_addr"`
	Version     string `json:"version"` // "" when unpinned
	Held        bool   `json:"held"`    // waiting at a gate now

	// Needs are versions of which a session without one has used names that its default version does not have.
	Needs []string `json:"needs,omitempty"`

	// For how long the server has had a transaction of it open, that of a single statement included; 0: it has none.
	TransactionSeconds float64 `json:"transaction_seconds"`

	Refused *RefusedStatements `json:"refused,omitempty"` // nil: none was
}

// RefusedStatements are the statements of a session that were refused because Segue did not understand them.
type RefusedStatements struct {
	Count  int64     `json:"count"`
	Last   time.Time `json:"last"`   // by the instance's clock
	Reason string    `json:"reason"` // of the last one
}

// UseCount is how often a logical name of a table was used since the last report.
type UseCount struct {
	Version     string
	Table       catalog.OID
	Name        string
	Column      string
	Count       int64
	Sample      string // one statement, literals removed
	User        string
	Application string
	Ambiguous   bool
}
