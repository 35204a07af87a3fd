// Package admintest has a control without a database, for tests of the API and of the command line.
package admintest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// Epoch is the time at which everything in a Control happens.
var Epoch = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// A Control keeps migrations in memory and moves them through their phases at once, but for those that are blocked.
// Set the fields before it is used. Its methods are safe for concurrent use.
type Control struct {
	NotReady error                 // answer of Ready
	Snap     *rules.Snapshot       // answer of Snapshot; nil: nothing live
	Live     []migrate.SessionInfo // answer of Sessions
	Down     *migrate.Outage       // answer of Outage; with it live migrations are not served

	mu          sync.Mutex
	blocked     map[string][]migrate.Blocker
	denied      map[string]error
	lost        error
	migrations  []migrate.Status
	events      []migrate.Event
	changed     chan struct{} // closed and replaced at every change
	subscribers []chan migrate.Event
}

// Ready implements admin.Control.
func (c *Control) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.NotReady
}

// Outage implements admin.Control.
func (c *Control) Outage() *migrate.Outage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Down
}

// Fail begins an outage while the control is in use.
func (c *Control) Fail(o *migrate.Outage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Down, c.NotReady = o, o
}

// Lose makes the instance not ready, and have nothing to answer, while it is in use.
func (c *Control) Lose(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.NotReady, c.lost = why, why
}

// Snapshot implements admin.Control.
func (c *Control) Snapshot() *rules.Snapshot {
	if c.Snap != nil {
		return c.Snap
	}
	return &rules.Snapshot{Epoch: 1}
}

// PendingFor implements admin.Control.
func (c *Control) PendingFor() time.Duration { return 0 }

// Unreached implements admin.Control.
func (c *Control) Unreached(error) *migrate.UnreachedError { return nil }

// Sessions implements admin.Control.
func (c *Control) Sessions() []migrate.SessionInfo { return c.Live }

// Create implements admin.Control. The rule file is read, but no database says whether its names exist.
func (c *Control) Create(_ context.Context, file string, data []byte, actor string) (*migrate.Status, bool, error) {
	m, err := rules.Parse(file, data)
	if err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.find(m.ID); st != nil {
		if st.Source == string(data) {
			return clone(st), false, nil
		}
		return nil, false, &migrate.ConflictError{
			Message: m.ID + " is stored with other content", Hint: "choose another id",
		}
	}
	c.migrations = append(c.migrations, migrate.Status{
		ID: m.ID, Phase: rules.Draft, CreatedAt: Epoch, UpdatedAt: Epoch, Source: string(data), Operations: views(m),
	})
	c.record(m.ID, "created", file, actor)
	return clone(c.find(m.ID)), true, nil
}

func views(m *rules.Migration) (out []migrate.OperationView) {
	for _, op := range m.Operations {
		out = append(out, migrate.ViewOf(op))
	}
	return out
}

// List implements admin.Control.
func (c *Control) List(context.Context) ([]migrate.Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return nil, c.lost
	}
	var out []migrate.Status
	for i := range c.migrations {
		out = append(out, *c.served(clone(&c.migrations[i])))
	}
	return out, nil
}

// Get implements admin.Control.
func (c *Control) Get(_ context.Context, id string) (*migrate.Status, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.find(id); st != nil {
		return c.served(clone(st)), nil
	}
	return nil, notFound(id)
}

// Delete implements admin.Control.
func (c *Control) Delete(_ context.Context, id, actor string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.find(id)
	switch {
	case st == nil:
		return notFound(id)
	case st.Pending != nil:
		return &migrate.ConflictError{Message: id + " is being tried", Hint: "DELETE", HintCLI: "withdraw that first: segue cancel " + id}
	case st.Phase.Live():
		return &migrate.ConflictError{Message: id + " is " + string(st.Phase), Hint: "roll it back"}
	}
	c.migrations = slices.DeleteFunc(c.migrations, func(m migrate.Status) bool { return m.ID == id })
	c.record(id, "deleted", "", actor)
	return nil
}

// Cancel implements admin.Control.
func (c *Control) Cancel(_ context.Context, id, actor string) (migrate.Kind, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.find(id)
	switch {
	case st == nil:
		return "", notFound(id)
	case st.Pending == nil:
		return "", &migrate.ConflictError{Message: "nothing is being tried for " + id}
	}
	kind := st.Pending.Kind
	st.Pending, st.Blockers = nil, nil
	c.record(id, "withdrawn", string(kind), actor)
	return kind, nil
}

// Pause implements admin.Control.
func (c *Control) Pause(_ context.Context, id, actor string) error { return c.pause(id, actor, true) }

// Resume implements admin.Control.
func (c *Control) Resume(_ context.Context, id, actor string) error { return c.pause(id, actor, false) }

// Brake implements admin.Control.
func (c *Control) Brake(_ context.Context, id string, b migrate.Brakes, actor string) error {
	return c.onBackfill(id, "braked", b.String(), actor, func(p *migrate.Progress) { p.Brakes = &b })
}

func (c *Control) pause(id, actor string, paused bool) error {
	return c.onBackfill(id, map[bool]string{true: "paused", false: "resumed"}[paused], "", actor, func(p *migrate.Progress) { p.Paused = paused })
}

func (c *Control) onBackfill(id, event, detail, actor string, change func(*migrate.Progress)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.find(id)
	switch {
	case st == nil:
		return notFound(id)
	case st.Progress == nil:
		return &migrate.ConflictError{
			Message: id + " has no backfill under way, so there is nothing to pause or resume",
			Hint:    "DELETE /v1/migrations/" + id + "/transition withdraws a transition", HintCLI: "segue cancel " + id,
		}
	}
	p := *st.Progress
	change(&p)
	st.Progress = &p
	c.record(id, event, detail, actor)
	return nil
}

// Backfills implements admin.Control.
func (c *Control) Backfills() map[string]*migrate.Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]*migrate.Progress{}
	for _, st := range c.migrations {
		if st.Progress != nil {
			out[st.ID] = st.Progress
		}
	}
	return out
}

// Request implements admin.Control.
func (c *Control) Request(_ context.Context, id string, r migrate.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.find(id)
	if st == nil {
		return notFound(id)
	}
	if err := c.denied[id]; err != nil {
		return err
	}
	to := r.Target()
	if st.Phase == to || st.Pending != nil && st.Pending.Kind == r.Kind {
		return nil
	}
	if !slices.Contains(migrate.Allowed(st.Phase), r.Kind) {
		return &migrate.ConflictError{
			Message: fmt.Sprintf("%s is %s, so it cannot %s", id, st.Phase, r.Kind),
			Hint:    "activate it first", Allowed: migrate.Allowed(st.Phase),
		}
	}
	if blockers, stuck := c.blocked[id]; stuck && r.Kind != migrate.Activate {
		reason := "a lock on the tables is held for longer than the drain limit"
		for _, b := range blockers {
			reason += ": " + b.Why
		}
		st.Pending = &migrate.Pending{Kind: r.Kind, To: to, Since: Epoch, Attempts: 3, LastError: reason}
		st.Blockers = blockers
		c.record(id, "attempt", "blocked", r.Actor)
		return nil
	}
	st.Phase = to
	c.record(id, "done", string(r.Kind), r.Actor)
	return nil
}

// Block makes transitions of the migration, but for activate, be tried in vain until Free or Cancel.
func (c *Control) Block(id string, by ...migrate.Blocker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocked == nil {
		c.blocked = map[string][]migrate.Blocker{}
	}
	c.blocked[id] = by
}

// Deny makes every Request for the migration fail with err.
func (c *Control) Deny(id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied == nil {
		c.denied = map[string]error{}
	}
	c.denied[id] = err
}

// Free lets the pending transition of a blocked migration happen, and the following ones at once.
func (c *Control) Free(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.blocked, id)
	st := c.find(id)
	if st == nil || st.Pending == nil {
		return
	}
	st.Phase, st.Pending, st.Blockers = st.Pending.To, nil, nil
	c.record(id, "done", "", "")
}

// Wait implements admin.Control.
func (c *Control) Wait(ctx context.Context, id string) (*migrate.Status, error) {
	for {
		st, err := c.Get(ctx, id)
		if err != nil || st.Pending == nil {
			return st, err
		}
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return st, ctx.Err()
		case <-changed:
		}
	}
}

// Assess implements admin.Control: a blocked migration has findings.
func (c *Control) Assess(ctx context.Context, id string) ([]assess.Finding, error) {
	if _, err := c.Get(ctx, id); err != nil {
		return nil, err
	}
	return c.findings(id), nil
}

// AssessFile implements admin.Control.
func (c *Control) AssessFile(_ context.Context, file string, data []byte) ([]assess.Finding, error) {
	m, err := rules.Parse(file, data)
	if err != nil {
		return nil, err
	}
	return c.findings(m.ID), nil
}

func (c *Control) findings(id string) (out []assess.Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.blocked[id] {
		out = append(out, assess.Finding{
			ID: "lock-held", Severity: assess.Block, Object: fmt.Sprintf("pid %d", b.PID), Message: b.Why, Hint: "wait", Sessions: []migrate.Blocker{b},
		})
	}
	return out
}

// Plan implements admin.Control.
func (c *Control) Plan(ctx context.Context, id string) ([]migrate.Step, error) {
	if _, err := c.Get(ctx, id); err != nil {
		return nil, err
	}
	return []migrate.Step{{
		From: rules.Active, Phase: rules.Cutover, Gated: true, SQL: "ALTER TABLE public.individual RENAME COLUMN last_name TO surname",
		Lock: "ACCESS EXCLUSIVE on public.individual", Note: "changes the catalog only",
	}}, nil
}

// ExitSQL implements admin.Control.
func (c *Control) ExitSQL(ctx context.Context, id string, to rules.Phase) (string, error) {
	if _, err := c.Get(ctx, id); err != nil {
		return "", err
	}
	return "-- to " + string(to) + "\nBEGIN;\nCOMMIT;\n", nil
}

// Usage implements admin.Control.
func (c *Control) Usage(ctx context.Context, id string) ([]migrate.Usage, error) {
	if _, err := c.Get(ctx, id); err != nil {
		return nil, err
	}
	return []migrate.Usage{{
		Migration: id, Version: rules.Base, Table: "public.individual", Column: "last_name", Old: true, Count: 42,
		Last: Epoch, Sample: "SELECT last_name FROM individual WHERE id = $1", User: "shop", Application: "web",
	}}, nil
}

// Events implements admin.Control.
func (c *Control) Events(_ context.Context, id string) ([]migrate.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []migrate.Event
	for _, e := range c.events {
		if id == "" || e.Migration == id {
			out = append(out, e)
		}
	}
	return out, nil
}

// Overview implements admin.Control.
func (c *Control) Overview(ctx context.Context) (*migrate.Overview, error) {
	all, _ := c.List(ctx)
	o := &migrate.Overview{At: Epoch.Add(4 * time.Minute), Server: "db.example:5432", Database: "shop", Directs: 1, Attention: []string{}}
	for _, st := range all {
		st.Source = ""
		m := migrate.MigrationOverview{Migration: st, Says: st.Says(), Next: st.Next(), Since: st.UpdatedAt}
		if st.Phase.Live() {
			m.OldNames = &migrate.OldNames{
				Last:    &migrate.Usage{Table: "public.individual", Column: "last_name", User: "shop", Application: "web", Last: Epoch},
				Silence: 3600, Earliest: Epoch.Add(time.Hour),
			}
		}
		if st.Pending != nil {
			o.Attention = append(o.Attention, "it waits")
		}
		o.Migrations = append(o.Migrations, m)
	}
	o.Instances, _ = c.Instances(ctx)
	o.Sessions = []migrate.VersionSessions{{Version: "", Sessions: 1}, {Version: rules.Base, Sessions: 2}}
	o.Direct = []migrate.Blocker{{PID: 5541, User: "batch", Application: "bypasser"}}
	if down := c.Outage(); down != nil {
		o.Held = &migrate.Held{Because: down.Reason, Since: down.Since, Sessions: 3}
		o.Attention = append(o.Attention, down.Reason)
	}
	return o, nil
}

// Instances implements admin.Control.
func (c *Control) Instances(context.Context) ([]migrate.InstanceInfo, error) {
	down := c.Outage()
	return []migrate.InstanceInfo{
		{ID: "one", Started: Epoch, Heartbeat: Epoch, Epoch: 7, Self: true, Sessions: len(c.Live), NotServed: down},
		{ID: "two", Started: Epoch, Heartbeat: Epoch, Epoch: 7, NotServed: down},
	}, nil
}

// Subscribe implements admin.Control.
func (c *Control) Subscribe(ctx context.Context) <-chan migrate.Event {
	ch := make(chan migrate.Event, 16)
	c.mu.Lock()
	c.subscribers = append(c.subscribers, ch)
	c.mu.Unlock()
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.subscribers = slices.DeleteFunc(c.subscribers, func(s chan migrate.Event) bool { return s == ch })
		close(ch)
	})
	return ch
}

func (c *Control) find(id string) *migrate.Status {
	for i := range c.migrations {
		if c.migrations[i].ID == id {
			return &c.migrations[i]
		}
	}
	return nil
}

// record notes an event and wakes whoever waits; c.mu is held.
func (c *Control) record(id, kind, detail, actor string) {
	ev := migrate.Event{At: Epoch, Migration: id, Kind: kind, Detail: detail, Actor: actor}
	c.events = append(c.events, ev)
	if c.changed != nil {
		close(c.changed)
	}
	c.changed = make(chan struct{})
	for _, s := range c.subscribers {
		select {
		case s <- ev:
		default:
		}
	}
}

// served says of a live migration why it is not.
func (c *Control) served(st *migrate.Status) *migrate.Status {
	if st.Phase.Live() {
		st.NotServed = c.Down
	}
	return st
}

// clone keeps what callers get apart from what is stored.
func clone(st *migrate.Status) *migrate.Status {
	out := *st
	if st.Pending != nil {
		p := *st.Pending
		out.Pending = &p
	}
	return &out
}

func notFound(id string) error { return fmt.Errorf("%w: %q", migrate.ErrNotFound, id) }

// ErrNotReady is a reason for NotReady.
var ErrNotReady = errors.New("the control tables have not been read for 6s")
