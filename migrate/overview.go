package migrate

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// An Overview is the state of everything at one moment, as far as the instance can find it out in a moment.
type Overview struct {
	At         time.Time           `json:"at"`     // by the server's clock, as all times are
	Server     string              `json:"server"` // host and port of the upstream
	Database   string              `json:"database"`
	Migrations []MigrationOverview `json:"migrations"` // in order of creation
	Instances  []InstanceInfo      `json:"instances"`
	Sessions   []VersionSessions   `json:"sessions"`  // of the whole fleet
	Direct     []Blocker           `json:"direct"`    // sessions that come through no instance, at most maxDirect of them
	Directs    int                 `json:"directs"`   // how many there are
	Held       *Held               `json:"held"`      // null: no statement is held
	Unknown    []string            `json:"unknown"`   // what could not be found out
	Attention  []string            `json:"attention"` // what an operator has to look after; empty: nothing
}

// A MigrationOverview is one migration with what it means and what comes next.
type MigrationOverview struct {
	Migration Status    `json:"migration"` // without its source
	Says      string    `json:"says"`
	Next      string    `json:"next"`
	Since     time.Time `json:"since"` // that it is in its phase
	OldNames  *OldNames `json:"old_names,omitempty"`
}

// OldNames is what keeps the old names of a live migration needed.
type OldNames struct {
	Last     *Usage    `json:"last,omitempty"`    // the last use; absent: there was none
	Silence  float64   `json:"silence_seconds"`   // that contract demands
	Earliest time.Time `json:"earliest,omitzero"` // when contract becomes possible, if none is used any more
}

// VersionSessions is how many sessions of the fleet are of a version.
type VersionSessions struct {
	Version  string `json:"version"` // "" for those without one
	Sessions int    `json:"sessions"`
}

// Held says that statements on tables under migration are held at this moment.
type Held struct {
	Because  string    `json:"because"`
	Since    time.Time `json:"since,omitzero"`
	Sessions int       `json:"sessions"` // that wait, in the whole fleet
}

// overviewTime is how long instances are waited for, so that an overview comes at once also when one has gone.
const overviewTime = 500 * time.Millisecond

// maxDirect bounds the sessions that are listed one by one.
const maxDirect = 10

// Overview reads the state of everything.
func (i *Instance) Overview(ctx context.Context) (*Overview, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	o := &Overview{Migrations: []MigrationOverview{}, Sessions: []VersionSessions{}, Direct: []Blocker{}}
	upstream := i.lines.config.ConnConfig
	o.Server, o.Database = net.JoinHostPort(upstream.Host, strconv.Itoa(int(upstream.Port))), upstream.Database
	if err := pool.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&o.At); err != nil {
		return nil, fmt.Errorf("cannot read the server's clock: %w", err)
	}
	if err := i.storeUses(ctx, pool); err != nil {
		return nil, err
	}
	all, err := i.List(ctx)
	if err != nil {
		return nil, err
	}
	for n := range all {
		if err := i.oversee(ctx, pool, o, &all[n]); err != nil {
			return nil, err
		}
	}
	c, err := i.count(ctx, overviewTime)
	if err != nil {
		return nil, err
	}
	for _, s := range c.unknown() {
		o.Unknown = append(o.Unknown, s.Why)
	}
	past, err := strangers(ctx, pool, c)
	if err != nil {
		return nil, err
	}
	o.Directs, o.Direct = len(past), append(o.Direct, past[:min(len(past), maxDirect)]...)
	if o.Instances, err = i.Instances(ctx); err != nil {
		return nil, err
	}
	t, err := store.LoadTransition(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	o.count(c, t, i.Outage())
	o.attend()
	return o, nil
}

// oversee adds one migration.
func (i *Instance) oversee(ctx context.Context, db store.DB, o *Overview, st *Status) error {
	st.Source = ""
	m := MigrationOverview{Migration: *st, Says: st.Says(), Next: st.Next(), Since: st.UpdatedAt}
	if st.Phase.Live() {
		stored, err := load(ctx, db, st.ID)
		if err != nil {
			return err
		}
		if m.OldNames, err = oldNames(ctx, db, o.At, stored); err != nil {
			return err
		}
	}
	o.Migrations = append(o.Migrations, m)
	return nil
}

// oldNames is who used an old name last, and when contract becomes possible at the earliest.
func oldNames(ctx context.Context, db store.DB, now time.Time, m *rules.Migration) (*OldNames, error) {
	old := &OldNames{Silence: m.ContractAfter.Seconds()}
	watched, err := liveFor(ctx, db, m.ID)
	if err != nil {
		return nil, err
	}
	begun := now.Add(-watched)
	use, age, err := store.LastOldUse(ctx, db, m.ID)
	if err != nil {
		return nil, err
	}
	if use != nil {
		u := usageOf(use)
		old.Last = &u
		if last := now.Add(-age); last.After(begun) {
			begun = last
		}
	}
	old.Earliest = begun.Add(m.ContractAfter)
	return old, nil
}

// count adds up the sessions of the fleet, and says whether statements are held.
func (o *Overview) count(c *census, t *store.Transition, outage *Outage) {
	waiting := 0
	byVersion := map[string]int{}
	for _, m := range c.instances {
		for _, s := range m.sessions {
			byVersion[s.Version]++
			if s.Held {
				waiting++
			}
		}
	}
	for version, n := range byVersion {
		o.Sessions = append(o.Sessions, VersionSessions{version, n})
	}
	slices.SortFunc(o.Sessions, func(a, b VersionSessions) int { return strings.Compare(a.Version, b.Version) })
	switch {
	case outage != nil:
		o.Held = &Held{Because: outage.Reason, Since: outage.Since, Sessions: waiting}
	case t != nil && t.Attempt != 0:
		o.Held = &Held{Because: fmt.Sprintf("%s of %q", t.Kind, t.Migration), Sessions: waiting}
		if t.SetAt != nil {
			o.Held.Since = *t.SetAt
		}
	}
}

// attend lists what does not go on by itself.
func (o *Overview) attend() {
	o.Attention = []string{}
	for _, i := range o.Instances {
		if i.NotServed != nil && i.Self {
			o.Attention = append(o.Attention, i.NotServed.Reason)
		}
		if i.Expired && i.Sessions > 0 {
			o.Attention = append(o.Attention, fmt.Sprintf("instance %s was lost, and %s left of it", i.ID, plural(i.Sessions, "session is", "sessions are")))
		}
	}
	for _, m := range o.Migrations {
		if p := m.Migration.Progress; p != nil && p.Failure != "" {
			o.Attention = append(o.Attention, fmt.Sprintf("the backfill of %q has stopped: %s", m.Migration.ID, p.Failure))
		}
		if p := m.Migration.Pending; p != nil && p.Attempts > 0 {
			o.Attention = append(o.Attention, fmt.Sprintf("%s of %q waits", p.Kind, m.Migration.ID))
		}
	}
}
