package migrate

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// usageEvery is how often uses are written down when nobody asks for them.
const usageEvery = time.Second

// maxUses is how many different uses are kept while they cannot be written down. What is over is counted under the
// same name without a sample, user and application.
const maxUses = 10_000

// A usageBuffer holds what was taken from Traffic and is not stored yet. It is safe for concurrent use.
type usageBuffer struct {
	storing sync.Mutex // held by the one who stores, so that nobody takes as stored what is on its way
	rows    map[useKey]*store.UsageRow
}

// A useKey is what makes two uses the same row.
type useKey struct {
	migration, version, table, column, user, application string
	old, ambiguous                                       bool
}

// flushUsage stores uses, and sessions where they have changed, every now and then until ctx ends.
func (i *Instance) flushUsage(ctx context.Context) {
	tick := time.NewTicker(usageEvery)
	defer tick.Stop()
	var last []byte
	warned := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := i.flush(ctx, &last)
		switch {
		case err == nil:
			warned = false
		case ctx.Err() != nil:
		case warned:
			i.log.Debug("usage could not be stored and is kept", "error", err)
		default:
			warned = true
			i.log.Warn("usage could not be stored and is kept", "error", err)
		}
	}
}

// flush stores uses, and the sessions if they are not the last ones that it has stored.
func (i *Instance) flush(ctx context.Context, last *[]byte) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	sessions, _, err := i.clients()
	if err != nil {
		return err
	}
	if bytes.Equal(sessions, *last) {
		return i.storeUses(ctx, pool)
	}
	if err := i.report(ctx, pool); err != nil {
		return err
	}
	*last = sessions
	return nil
}

// storeUses writes down all uses until now. What could not be stored is kept for the next time.
func (i *Instance) storeUses(ctx context.Context, db store.DB) error {
	b := &i.usage
	b.storing.Lock()
	defer b.storing.Unlock()
	if b.rows == nil {
		b.rows = make(map[useKey]*store.UsageRow)
	}
	if snap := i.snapshot.Load(); snap != nil {
		for _, u := range i.traffic.Uses() {
			for _, r := range usesOf(snap, u) {
				b.add(r)
			}
		}
	}
	if len(b.rows) == 0 {
		return nil
	}
	rows := make([]store.UsageRow, 0, len(b.rows))
	for _, r := range b.rows {
		rows = append(rows, *r)
	}
	if err := store.AddUsage(ctx, db, rows); err != nil {
		return err
	}
	clear(b.rows)
	return nil
}

func (b *usageBuffer) add(r store.UsageRow) {
	key := useKey{r.Migration, r.Version, r.Table, r.Column, r.User, r.Application, r.Old, r.Ambiguous}
	if b.rows[key] == nil && len(b.rows) >= maxUses {
		key.user, key.application, r.User, r.Application, r.Sample = "", "", "", "", ""
	}
	if have := b.rows[key]; have != nil {
		have.Count += r.Count
		if r.Sample != "" {
			have.Sample = r.Sample
		}
		return
	}
	b.rows[key] = &r
}

// usesOf says what one use means for each live migration: which of its names it is, and whether that name goes with
// contract. A use that concerns no name that the migration changes gives no row.
func usesOf(snap *rules.Snapshot, u UseCount) []store.UsageRow {
	lens := snap.Lens(u.Version)
	if lens == nil {
		return nil // the version has gone meanwhile, and its names with it
	}
	used := lens.Table(u.Table)
	if used == nil {
		return nil
	}
	var out []store.UsageRow
	older := true
	for _, m := range snap.Migrations {
		if !m.Phase.Live() || snap.Lens(m.ID) == nil {
			continue // a version that is not served yet ends no names
		}
		before, after := snap.Lens(previous(snap, m)), snap.Lens(m.ID)
		old := older && !reaches(snap, u.Version, m)
		column, concerned := concerns(before.Table(u.Table), after.Table(u.Table), used, u.Column)
		if !concerned {
			continue
		}
		out = append(out, store.UsageRow{
			Migration: m.ID, Version: u.Version, Table: used.Schema + "." + u.Name, Column: column, Old: old,
			User: u.User, Application: u.Application, Ambiguous: u.Ambiguous, Count: u.Count, Sample: u.Sample,
		})
	}
	return out
}

// previous is the version before the migration's own.
func previous(snap *rules.Snapshot, m *rules.Migration) string {
	version := rules.Base
	for _, o := range snap.Migrations {
		if o.ID == m.ID {
			break
		}
		if o.Phase.Live() && snap.Lens(o.ID) != nil {
			version = o.ID
		}
	}
	return version
}

// reaches tells whether the migration is done in that version.
func reaches(snap *rules.Snapshot, version string, m *rules.Migration) bool {
	if to, ok := snap.Aliases[version]; ok {
		version = to
	}
	v := snap.Migration(version) // nil for Base
	return v != nil && (v.ID == m.ID || v.Seq > m.Seq)
}

// concerns tells whether a use of a column (or of all, or of the table's name alone) is one of a name that changes
// between two versions, and under which column it is to be counted: "" for the table's name.
func concerns(before, after, used *rules.TableLens, column string) (string, bool) {
	if before == nil || after == nil {
		return "", false
	}
	renamed := make(map[int16]bool)
	names := make(map[int16]string, len(before.Columns))
	for _, c := range before.Columns {
		names[c.Num] = c.Logical
	}
	for num := range names {
		renamed[num] = true // one that the later version does not have
	}
	for _, c := range after.Columns {
		renamed[c.Num] = names[c.Num] != c.Logical
	}
	switch c := used.Column(column); {
	case c != nil && renamed[c.Num]:
		return column, true
	case column == "*":
		for _, differs := range renamed {
			if differs {
				return column, true
			}
		}
	}
	return "", before.Logical != after.Logical
}

// Usage lists the uses of the names that the migration touches.
func (i *Instance) Usage(ctx context.Context, id string) ([]Usage, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	if _, err := i.Get(ctx, id); err != nil {
		return nil, err
	}
	if err := i.storeUses(ctx, pool); err != nil {
		return nil, err
	}
	rows, err := store.LoadUsage(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	out := make([]Usage, len(rows))
	for n := range rows {
		out[n] = usageOf(&rows[n])
	}
	return out, nil
}

func usageOf(r *store.UsageRow) Usage {
	return Usage{
		Migration: r.Migration, Version: r.Version, Table: r.Table, Column: r.Column, Old: r.Old, Count: r.Count,
		Last: r.Last, Sample: r.Sample, User: r.User, Application: r.Application,
	}
}
