package migrate

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/rules"
)

// Config of an Instance. The zero value of a duration means its default.
type Config struct {
	Upstream   string        // connection string of the owner of the tables
	ID         string        // of this instance; made up when empty
	DrainLimit time.Duration // how long a gate may be closed; default 1s
	Lease      time.Duration // how old the last read of the control tables may be while serving; default 5s
	Poll       time.Duration // of the control tables, beside LISTEN; default 500ms
	Log        hclog.Logger
}

// An Instance is this process' part in the fleet: it follows the control tables, takes part in gates, and leads
// transitions when it can get the leader's lock. All methods are safe for concurrent use.
type Instance struct{}

// NewInstance makes an instance that is not running yet.
func NewInstance(cfg Config, traffic Traffic) (*Instance, error) { panic("being built") }

// Start connects, creates or upgrades schema segue, registers, reads the first snapshot and installs it with
// Traffic.Open. After it returned nil the instance follows the control tables until Stop, reconnecting by itself.
func (i *Instance) Start(ctx context.Context) error { panic("being built") }

// Stop removes the instance's row and ends its work. An attempt that it leads is finished or undone first.
func (i *Instance) Stop(ctx context.Context) error { panic("being built") }

// Ready is nil when the control tables have been read within the lease, else it says why not.
func (i *Instance) Ready() error { panic("being built") }

// Snapshot is the one in force; never nil after Start.
func (i *Instance) Snapshot() *rules.Snapshot { panic("being built") }

// Refresh reads the catalog again soon, because DDL was seen; it does not wait.
func (i *Instance) Refresh() { panic("being built") }

// Create stores a rule file as a draft. created is false when the same content was stored before. The same id with
// other content is a *ConflictError; a mistake in the file is a *rules.FileError.
func (i *Instance) Create(ctx context.Context, file string, data []byte, actor string) (st *Status, created bool, err error) {
	panic("being built")
}

// List lists all stored migrations in order of creation.
func (i *Instance) List(ctx context.Context) ([]Status, error) { panic("being built") }

// Get returns one migration, or ErrNotFound.
func (i *Instance) Get(ctx context.Context, id string) (*Status, error) { panic("being built") }

// Delete removes a draft or rolled-back migration, or withdraws the pending transition of another.
func (i *Instance) Delete(ctx context.Context, id, actor string) error { panic("being built") }

// Request asks for a transition. It is checked and stored, so that any instance goes on trying it, also after a
// restart; asking for what is already so, or already pending, is harmless. Use Wait for the outcome.
func (i *Instance) Request(ctx context.Context, id string, r Request) error { panic("being built") }

// Wait returns when the pending transition of the migration is over or ctx ends, with the migration as it is then;
// a transition that failed for good is an error.
func (i *Instance) Wait(ctx context.Context, id string) (*Status, error) { panic("being built") }

// Plan lists the DDL of each transition to come, with its locks.
func (i *Instance) Plan(ctx context.Context, id string) ([]Step, error) { panic("being built") }

// ExitSQL is a script for psql that finishes (to: Contracted) or undoes (to: RolledBack) the migration by hand.
func (i *Instance) ExitSQL(ctx context.Context, id string, to rules.Phase) (string, error) {
	panic("being built")
}

// Usage lists the uses of the names that the migration touches.
func (i *Instance) Usage(ctx context.Context, id string) ([]Usage, error) { panic("being built") }

// Events is the history of one migration, or of all when id is empty, newest last.
func (i *Instance) Events(ctx context.Context, id string) ([]Event, error) { panic("being built") }

// Instances lists the fleet.
func (i *Instance) Instances(ctx context.Context) ([]InstanceInfo, error) { panic("being built") }

// Sessions lists the sessions of this instance.
func (i *Instance) Sessions() []SessionInfo { panic("being built") }

// Subscribe returns a channel that gets each new event until ctx ends; slow receivers miss events.
func (i *Instance) Subscribe(ctx context.Context) <-chan Event { panic("being built") }
