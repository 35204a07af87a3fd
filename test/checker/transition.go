package checker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A phase is how far the change of a table has come.
type phase int

const (
	before     phase = iota // nothing has been done
	filling                 // both sides are there, and rows at 0
	completing              // no row may be left at 0 any more
	served                  // both versions are used
	owned                   // the new side owns the truth
	contracted              // the old side has hidden names
	settled                 // the new side has its own names
	withdrawn               // rolled back; the new side has hidden names
	purged                  // the old side is gone
)

func (p phase) String() string {
	return [...]string{"before", "filling", "completing", "served", "owned", "contracted", "settled", "withdrawn", "purged"}[p]
}

// An operator takes the change of one table through its phases, as the leader of a transition would. It is for one goroutine.
type operator struct {
	url   string
	conn  *pgconn.PgConn
	rand  *rand.Rand
	table *table
	phase phase
	log   func(format string, args ...any)

	// Guards that are not in the SQL, and that tests take away.
	hasty bool // does not wait for old snapshots before the new version is served

	loud  bool // the backfill lets the user's triggers fire
	blind bool // it does not look whether rows are left before a change is complete
	eager bool // a name gets its new meaning while sessions are there that know the old one

	steady  bool        // its connection is not lost
	waiting atomic.Bool // for old snapshots, or for clients to go
	hidden  string      // when the old names were gone, as PostgreSQL prints it
}

// lens says where the sides are in a phase.
func (t *table) lens(p phase) proof.Lens {
	l := proof.Lens{Rule: t.Name, Tables: t.tables(), Marker: t.compiled.Marker(), Defers: t.Defer && p == filling}
	last := t.compiled.Settled()
	l.Columns = [2][]string{physical(t.compiled.Old), physical(t.compiled.New)}
	if p >= contracted {
		l.Columns[proof.Old] = physical(last.Old)
	}
	if p >= settled {
		l.Columns[proof.New] = physical(last.New)
	}
	switch p {
	case before, withdrawn:
		l.Columns = [2][]string{physical(t.compiled.Old), nil}
		l.Marker = ""
	case purged:
		l.Columns[proof.Old], l.Marker = nil, ""
	}
	return l
}

func physical(columns []change.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Physical
	}
	return out
}

// say is the statement that writes a lens into the log.
func say(l proof.Lens) string {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return wal.Say(proof.LensPrefix, string(text))
}

// exec runs statements in one transaction. The error says which of them it is about.
func (o *operator) exec(ctx context.Context, statements ...string) error {
	done, err := o.conn.Exec(ctx, strings.Join(statements, ";\n")).ReadAll()
	if err != nil && len(done) < len(statements) {
		return fmt.Errorf("%s: %w", statements[len(done)], err)
	}
	return err
}

// enter runs the statements that lead to a phase, in one transaction and behind the gate. It tries until it gets its locks.
func (o *operator) enter(ctx context.Context, to phase, statements []string) error {
	all := append([]string{"BEGIN", "SET LOCAL lock_timeout = '2s'"}, statements...)
	all = append(all, say(o.table.lens(to)), "COMMIT")
	for {
		done, err := o.attempt(ctx, to, all)
		if done || err != nil {
			return err
		}
	}
}

// attempt reports whether it was done. Workers may run between two attempts.
func (o *operator) attempt(ctx context.Context, to phase, statements []string) (done bool, err error) {
	o.table.gate.Lock()
	defer o.table.gate.Unlock()
	if o.phase == filling {
		o.table.lenience.end()
	}
	defer func() {
		if o.phase == filling {
			o.table.lenience.begin()
		}
	}()
	err = o.exec(ctx, statements...)
	if err == nil && to == contracted { // before clients hear of it and connect anew
		err = o.ask(ctx, "SELECT clock_timestamp()", &o.hidden)
	}
	if err == nil {
		o.log("%s: %s", o.table.Name, to)
		o.phase = to
		o.table.enter(to)
		return true, nil
	}
	if rollback := o.exec(ctx, "ROLLBACK"); rollback != nil {
		return false, errors.Join(err, rollback)
	}
	if busy(err) {
		return false, nil
	}
	return false, fmt.Errorf("%s to %s: %w", o.table.Name, to, err)
}

// busy reports whether an error says that somebody else was in the way: lock_not_available, deadlock_detected.
func busy(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "55P03" || e.Code == "40P01")
}

// forth takes the change one step further.
func (o *operator) forth(ctx context.Context) error {
	t := o.table
	switch o.phase {
	case before:
		return o.enter(ctx, filling, t.sql((*change.Compiled).Expand))
	case filling:
		return o.complete(ctx)
	case completing:
		return o.serve(ctx)
	case served:
		return o.enter(ctx, owned, t.sql((*change.Compiled).Cutover))
	case owned:
		if o.table.Trigger != "" { // its body names the old side: contract is refused
			return o.enter(ctx, served, t.sql((*change.Compiled).BackToActive))
		}
		return o.enter(ctx, contracted, t.sql((*change.Compiled).Contract))
	case contracted:
		if len(t.sql((*change.Compiled).Settle)) > 0 && !o.eager {
			if err := o.awaitClients(ctx); err != nil {
				return err
			}
		}
		return o.enter(ctx, settled, t.sql((*change.Compiled).Settle))
	case settled:
		if err := o.inStep(ctx); err != nil {
			return err
		}
		return o.enter(ctx, purged, t.sql((*change.Compiled).Purge))
	case withdrawn:
		return o.enter(ctx, before, t.sql((*change.Compiled).PurgeRolledBack))
	}
	return nil
}

// serve proves that no row is left, waits for those that have an older snapshot, and lets the new version in.
func (o *operator) serve(ctx context.Context) error {
	if err := o.backfill(ctx); err != nil {
		return err
	}
	for _, c := range o.table.changes() {
		if err := o.patiently(ctx, c.Validate()); err != nil {
			return err
		}
	}
	if !o.hasty {
		if err := o.awaitSnapshots(ctx); err != nil {
			return err
		}
	}
	return o.enter(ctx, served, o.table.sql((*change.Compiled).Serve))
}

// patiently runs a statement until nobody is in its way.
func (o *operator) patiently(ctx context.Context, sql string) error {
	for {
		err := o.exec(ctx, "SET lock_timeout = '2s'", sql)
		if !busy(err) {
			return err
		}
	}
}

// awaitSnapshots waits until every transaction has ended that may see the table as it was before now.
func (o *operator) awaitSnapshots(ctx context.Context) error {
	var now string
	if err := o.ask(ctx, "SELECT pg_current_xact_id()", &now); err != nil {
		return err
	}
	// A snapshot that is older has an xmin that is not newer than this transaction.
	sql := "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND backend_xmin IS NOT NULL " +
		"AND age(backend_xmin) >= age('" + now + "'::xid)"
	o.waiting.Store(true)
	defer o.waiting.Store(false)
	return o.until(ctx, sql, "0")
}

// until asks until the answer is the wanted one.
func (o *operator) until(ctx context.Context, sql, want string) error {
	return poll(ctx, func() (bool, error) {
		var answer string
		err := o.ask(ctx, sql, &answer)
		return err == nil && answer == want, err
	})
}

// awaitClients waits until no client is left that was there before the old names were gone: what it sends can be from before.
func (o *operator) awaitClients(ctx context.Context) error {
	o.waiting.Store(true)
	defer o.waiting.Store(false)
	return o.until(ctx, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE %s AND backend_start < %s",
		quoted(strings.ReplaceAll(o.table.Name, "_", `\_`)+" %"), quoted(o.hidden)), "0")
}

// ask asks for one value.
func (o *operator) ask(ctx context.Context, sql string, answer *string) error {
	results, err := o.conn.Exec(ctx, sql).ReadAll()
	if err == nil {
		*answer = string(results[0].Rows[0][0])
	}
	return err
}

// poll looks until it is done.
func poll(ctx context.Context, look func() (done bool, err error)) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// rollback takes back everything, from whatever phase.
func (o *operator) rollback(ctx context.Context) error {
	t := o.table
	if o.phase == contracted || o.phase == settled {
		if err := o.enter(ctx, owned, t.sql((*change.Compiled).BackFromContract)); err != nil {
			return err
		}
	}
	if o.phase == owned {
		if err := o.enter(ctx, served, t.sql((*change.Compiled).BackToActive)); err != nil {
			return err
		}
	}
	if o.phase < filling || o.phase > served {
		return nil
	}
	if err := o.enter(ctx, withdrawn, t.sql((*change.Compiled).Rollback)); err != nil {
		return err
	}
	return o.forgotten(ctx)
}
