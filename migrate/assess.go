package migrate

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Assess tells what is in the way of a stored migration now.
func (i *Instance) Assess(ctx context.Context, id string) ([]assess.Finding, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	return i.assess(ctx, pool, m, false)
}

// AssessFile tells what would be in the way of a rule file, without storing it. A mistake in it is a *rules.FileError.
func (i *Instance) AssessFile(ctx context.Context, file string, data []byte) ([]assess.Finding, error) {
	m, err := rules.Parse(file, data)
	if err != nil {
		return nil, err
	}
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	return i.assess(ctx, pool, m, true)
}

func (i *Instance) assess(ctx context.Context, pool *pgxpool.Pool, m *rules.Migration, validate bool) ([]assess.Finding, error) {
	all, err := store.LoadMigrations(ctx, pool)
	if err != nil {
		return nil, err
	}
	cat, err := catalog.Load(ctx, pool)
	if err != nil {
		return nil, err
	}
	if outage, err := i.unservable(all, cat); err != nil {
		return nil, err
	} else if outage != nil {
		return assess.NotServed(outage.Migration, outage.Reason, outage.Hint(), outage.Mend), nil
	}
	if validate && !has(all, m.ID) {
		if err := rules.Validate(m, all, cat); err != nil {
			return nil, err
		}
	}
	return assess.Look(ctx, &assess.Subject{
		Migration: m, All: all, Catalog: cat, DB: pool,
		Fleet: &clientele{i: i, db: pool, id: m.ID, wait: i.cfg.Lease / 2, leave: toLeave},
	})
}
