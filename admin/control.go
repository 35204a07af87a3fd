package admin

import (
	"context"
	"time"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// Control is what the API needs of the process' part in the fleet; *migrate.Instance is the one that serves, and its
// comments are the contract.
type Control interface {
	Ready() error
	Outage() *migrate.Outage
	Snapshot() *rules.Snapshot
	PendingFor() time.Duration
	Backfills() map[string]*migrate.Progress
	Unreached(err error) *migrate.UnreachedError

	Create(ctx context.Context, file string, data []byte, actor string) (st *migrate.Status, created bool, err error)
	List(ctx context.Context) ([]migrate.Status, error)
	Get(ctx context.Context, id string) (*migrate.Status, error)
	Delete(ctx context.Context, id, actor string) error
	Cancel(ctx context.Context, id, actor string) (migrate.Kind, error)
	Pause(ctx context.Context, id, actor string) error
	Resume(ctx context.Context, id, actor string) error
	Brake(ctx context.Context, id string, b migrate.Brakes, actor string) error
	Request(ctx context.Context, id string, r migrate.Request) error
	Wait(ctx context.Context, id string) (*migrate.Status, error)

	Assess(ctx context.Context, id string) ([]assess.Finding, error)
	AssessFile(ctx context.Context, file string, data []byte) ([]assess.Finding, error)
	Plan(ctx context.Context, id string) ([]migrate.Step, error)
	ExitSQL(ctx context.Context, id string, to rules.Phase) (string, error)
	Usage(ctx context.Context, id string) ([]migrate.Usage, error)
	Events(ctx context.Context, id string) ([]migrate.Event, error)

	Overview(ctx context.Context) (*migrate.Overview, error)
	Instances(ctx context.Context) ([]migrate.InstanceInfo, error)
	Sessions() []migrate.SessionInfo
	Subscribe(ctx context.Context) <-chan migrate.Event
}

var _ Control = (*migrate.Instance)(nil)
