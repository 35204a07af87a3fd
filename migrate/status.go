package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// List lists all stored migrations in order of creation.
func (i *Instance) List(ctx context.Context) ([]Status, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	all, err := store.LoadMigrations(ctx, pool)
	if err != nil {
		return nil, err
	}
	t, err := store.LoadTransition(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(all))
	for n, m := range all {
		st, err := statusOf(m, t)
		if err != nil {
			return nil, err
		}
		st.NotServed = i.outageOf(m.Phase)
		if err := st.measure(ctx, pool); err != nil {
			return nil, err
		}
		out[n] = *st
	}
	return out, nil
}

// Get returns one migration, or ErrNotFound.
func (i *Instance) Get(ctx context.Context, id string) (*Status, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	// The transition is read first: if it ends in between, the phase is the one that it made.
	t, err := store.LoadTransition(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	st, err := statusOf(m, t)
	if err != nil {
		return nil, err
	}
	st.NotServed = i.outageOf(m.Phase)
	return st, st.measure(ctx, pool)
}

// load reads one migration; the error is ErrNotFound when there is none.
func load(ctx context.Context, db store.DB, id string) (*rules.Migration, error) {
	m, err := store.LoadMigration(ctx, db, id, false)
	if errors.Is(err, store.ErrNotStored) {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	return m, err
}

// statusOf is the migration with the pending transition, if that is its own.
func statusOf(m *rules.Migration, t *store.Transition) (*Status, error) {
	st := &Status{ID: m.ID, Phase: m.Phase, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, Source: m.Source}
	for _, op := range m.Operations {
		st.Operations = append(st.Operations, ViewOf(op))
	}
	for _, c := range m.Changes() {
		if r := c.Resolved(); r != nil && (st.Stage == "" || r.Stage == m.Unfinished()) {
			st.Stage = r.Stage
		}
	}
	if t == nil || t.Migration != m.ID {
		return st, nil
	}
	st.Pending = &Pending{Kind: Kind(t.Kind), Since: t.RequestedAt, Attempts: t.Attempts, LastError: t.LastError, Leader: t.Leader, Holds: t.Attempt != 0}
	if st.Pending.Kind == Rollback {
		st.Pending.To = t.To
	}
	if t.NextTry != nil {
		st.Pending.NextTry = *t.NextTry
	}
	if t.LastError != "" {
		st.WaitingFor = []string{t.LastError}
	}
	if err := json.Unmarshal(t.Blockers, &st.Blockers); err != nil {
		return nil, fmt.Errorf("the blockers of %q cannot be read: %w", m.ID, err)
	}
	return st, nil
}

// ViewOf is the operation in words and in parts.
func ViewOf(op rules.Operation) OperationView {
	v := OperationView{Kind: op.Kind(), Table: op.Target().String()}
	for _, n := range op.Names() {
		v.From, v.To = n.From, n.To
	}
	if sides, ok := op.(interface{ Sides() (from, to []string) }); ok {
		from, to := sides.Sides()
		v.From, v.To = strings.Join(from, ", "), strings.Join(to, ", ")
	}
	return v
}

// Instances lists the fleet.
func (i *Instance) Instances(ctx context.Context) ([]InstanceInfo, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	rows, err := store.LoadInstances(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.Expired = r.Expired || r.Silence > patience(r.Lease)
	}
	var out []InstanceInfo
	fleet, err := members(ctx, pool, rows)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		var sessions []SessionInfo
		if at := slices.IndexFunc(fleet, func(m member) bool { return m.ID == r.ID }); at >= 0 {
			sessions = fleet[at].sessions
		}
		info := InstanceInfo{
			ID: r.ID, Started: r.Started, Heartbeat: r.Heartbeat, Epoch: r.Epoch, Expired: r.Expired,
			Self: r.ID == i.cfg.ID, Sessions: len(sessions),
		}
		// What is wrong with the database is wrong for all that can read it.
		if o := i.Outage(); o != nil && (info.Self || o.Kind == WrongNames && !info.Expired) {
			info.NotServed = o
		}
		out = append(out, info)
	}
	return out, nil
}
