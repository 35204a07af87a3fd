package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// attempt makes the transition, or returns why not: a *setback when it may work later, a *ConflictError when it is
// refused, errWithdrawn, or an error of the connection.
func (l *leader) attempt(ctx context.Context, t *store.Transition) error {
	m, err := l.design(ctx, t)
	if err != nil {
		return err
	}
	if l.meetsFiller(m) { // before the look, which finds old locks: a batch may have gone on for long
		if err := store.InterruptHolder(ctx, l.conn, store.HoldBackfill); err != nil {
			l.i.log.Warn("the backfill could not be interrupted", "error", err) // the attempt waits for it, then
		}
	}
	if err := l.look(ctx, m); err != nil {
		return err
	}
	if !rules.Gated(m.steps) {
		return l.commit(ctx, m, 0, time.Now().Add(l.i.cfg.DrainLimit), time.Time{})
	}
	return l.gated(ctx, m)
}

// meetsFiller reports whether rows may be being filled that the transition is about. It is not so where the filler asks.
func (l *leader) meetsFiller(m *move) bool {
	return underWay(m.migration.Unfinished()) && m.Kind != string(Expand) && m.Kind != string(Complete) && m.Kind != string(Serve)
}

// gated makes the transition behind a gate.
func (l *leader) gated(ctx context.Context, m *move) error {
	closed := time.Now() // the gate may take effect as soon as the next statement is sent
	gate, err := store.SetGate(ctx, l.conn, m.migration.ID, l.i.cfg.ID, m.tables, l.i.cfg.DrainLimit)
	if errors.Is(err, store.ErrNotStored) {
		return errWithdrawn
	}
	if err == nil {
		err = store.Notify(ctx, l.conn, "")
	}
	if err != nil {
		return err
	}
	until := closed.Add(l.i.cfg.DrainLimit)
	err = l.await(ctx, gate.Attempt, until)
	if err == nil {
		err = l.commit(ctx, m, gate.Attempt, until, closed)
	}
	back, ok := errors.AsType[*setback](err)
	if !ok {
		return err
	}
	// Everybody goes on at once; who was in the way is found out afterwards.
	if err := l.open(ctx, m); err != nil {
		return err
	}
	back.pause = time.Since(closed)
	if len(back.blockers) == 0 {
		if back.blockers, err = l.blockers(ctx, m.tables); err != nil {
			return err
		}
	}
	back.reason += named(back.blockers)
	return back
}

// open clears the gate of an attempt that failed.
func (l *leader) open(ctx context.Context, m *move) error {
	if err := store.ClearGate(ctx, l.conn, m.migration.ID); err != nil {
		return err
	}
	return store.Notify(ctx, l.conn, "")
}

// await waits until every instance that has not expired holds the gate.
func (l *leader) await(ctx context.Context, attempt int64, until time.Time) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 10*time.Millisecond) {
		rows, err := store.LoadInstances(ctx, l.conn, false)
		if err != nil {
			return err
		}
		missing := lagging(rows, func(r *store.InstanceRow) bool { return r.Acknowledged == attempt })
		if len(missing) == 0 {
			return nil
		}
		if time.Now().Add(wait).After(until) {
			return &setback{reason: fmt.Sprintf("within %s not every statement on the tables was over: %s has not acknowledged the gate",
				l.i.cfg.DrainLimit, strings.Join(missing, ", "))}
		}
		pause(ctx, wait, nil)
	}
}

// lagging lists the instances that count and are not as they should be.
func lagging(rows []*store.InstanceRow, right func(*store.InstanceRow) bool) []string {
	var out []string
	for _, r := range rows {
		if !r.Expired && !right(r) {
			out = append(out, "instance "+r.ID)
		}
	}
	return out
}

// A move is a transition with all that is known of it.
type move struct {
	*store.Transition
	request   Request
	migration *rules.Migration
	all       []*rules.Migration
	catalog   *catalog.Catalog
	epoch     int64
	from      rules.Phase
	steps     []rules.Step
	changes   map[int]*rules.ResolvedChange // of the migration's operations, as they are stored afterwards
	purges    bool                          // nothing is stored of them afterwards
	amends    bool                          // the migration is stored with other expressions
	sql       []string                      // of the steps, in order
	tables    []catalog.OID                 // whose statements a gate holds; empty when there is no gate
}

// design reads what the transition is about, and checks that it is in order.
func (l *leader) design(ctx context.Context, t *store.Transition) (*move, error) {
	m := &move{Transition: t}
	if err := json.Unmarshal(t.Options, &m.request); err != nil {
		return nil, fmt.Errorf("what was asked for cannot be read: %w", err)
	}
	m.request.Kind = Kind(t.Kind)
	var err error
	if m.epoch, err = store.LoadEpoch(ctx, l.conn); err != nil {
		return nil, err
	}
	if m.all, err = store.LoadMigrations(ctx, l.conn); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.all, func(o *rules.Migration) bool { return o.ID == t.Migration })
	if i < 0 {
		return nil, errWithdrawn
	}
	m.migration = m.all[i]
	m.from = m.migration.Phase
	if m.catalog, err = catalog.Load(ctx, l.conn); err != nil {
		return nil, err
	}
	if err := inOrder(m.migration, m.all, m.request, m.catalog); err != nil {
		return nil, err
	}
	if err := l.designChanges(ctx, m); err != nil {
		return nil, err
	}
	if rules.Gated(m.steps) {
		if m.tables, err = rules.Affected(m.migration, m.all, m.catalog); err != nil {
			return nil, err
		}
	}
	for _, s := range m.steps { // before anything has another name
		if s.SQL == "" && s.Lock != "" {
			m.sql = append(m.sql, lockOf(m.tables, m.catalog, s.Lock)...)
		}
	}
	m.sql = append(m.sql, rules.Statements(m.steps)...)
	return m, nil
}

// lockOf is the statement of a step that has none but a lock, which waits for the end of all transactions that have used
// the tables, as that of DDL does. Foreign tables, which can be children of a table under migration, cannot be locked;
// their names change at once.
func lockOf(tables []catalog.OID, cat *catalog.Catalog, mode rules.Lock) []string {
	var names []string
	for _, oid := range tables {
		switch r := cat.Relation(oid); r.Kind {
		case catalog.Table, catalog.PartitionedTable:
			names = append(names, "ONLY "+rules.Name{Schema: r.Schema, Name: r.Name}.SQL())
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"LOCK TABLE " + strings.Join(names, ", ") + " IN " + string(mode) + " MODE"}
}

// lockNotAvailable tells whether err is of a statement that has waited for a lock for too long, or had to give way.
func lockNotAvailable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "55P03" || pg.Code == "57014" || pg.Code == "40P01" || pg.Code == "40001")
}
