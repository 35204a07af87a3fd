package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

// How long a build may wait for a lock. Whoever waits for the lock of a build keeps nobody from reading and writing, and it waits
// for all transactions that are older; whoever waits for the one that it takes to attach a partition does.
const (
	buildWait  = 5 * time.Minute
	attachWait = 500 * time.Millisecond
)

// buildIndexes makes the indexes of the new sides that are not there yet, and gathers statistics of the new columns. It reports
// whether nothing is left to do.
func (f *filler) buildIndexes(ctx context.Context, m *rules.Migration) (bool, error) {
	all, err := accounts(ctx, f.conn, m.ID)
	if err != nil {
		return false, err
	}
	for _, a := range all {
		op, ok := m.ChangeAt(a.Operation)
		switch {
		case !ok || op.Resolved() == nil || op.Resolved().Compiled() == nil:
			return false, nil
		case op.Resolved().Compiled().Alone():
			continue
		case a.Paused || a.Failure != "":
			return false, nil
		}
		b := &build{filler: f, account: a, change: op.Resolved().Compiled(), stage: op.Resolved().Stage}
		if done, err := b.run(ctx); err != nil || !done {
			return false, err
		}
	}
	return true, nil
}

// A build makes the indexes of one change. It is used by one goroutine.
type build struct {
	*filler
	*account
	change *change.Compiled
	stage  rules.Stage
	at     int // the index that is being made
}

// A stem is a table with those that are partitions of it, from the top down.
type stem struct {
	oid, parent uint32
	name        change.Name
	partitioned bool
}

func (b *build) stems(ctx context.Context) ([]stem, error) {
	rows, err := b.conn.Query(ctx, `
		WITH RECURSIVE tree(oid, parent, depth) AS (
			SELECT c.oid, 0::pg_catalog.oid, 0 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
			UNION ALL SELECT inhrelid, inhparent, depth + 1 FROM pg_catalog.pg_inherits JOIN tree ON inhparent = tree.oid)
		SELECT c.oid, parent, n.nspname, c.relname, c.relkind = 'p' FROM tree JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		ORDER BY depth, c.oid`, b.change.Table.Schema, b.change.Table.Name)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the table: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stem, err error) {
		return s, row.Scan(&s.oid, &s.parent, &s.name.Schema, &s.name.Name, &s.partitioned)
	})
}

// run makes what is not there. It reports whether all of it is.
func (b *build) run(ctx context.Context) (done bool, err error) {
	tables, err := b.stems(ctx)
	if err != nil || len(tables) == 0 {
		return false, err
	}
	for b.at = range b.change.Indexes {
		if done, err := b.index(ctx, tables); err != nil || !done {
			return false, err
		}
	}
	if !b.Analyzed {
		done, err := b.long(ctx, b.change.Analyze())
		if err != nil || !done {
			return false, err
		}
		b.Analyzed = true
	}
	b.Index, b.Waits = nil, ""
	return true, b.save(ctx, b.conn)
}

// index makes one index on the table, and on each of its partitions.
func (b *build) index(ctx context.Context, tables []stem) (done bool, err error) {
	making, made := b.change.IndexNames(b.at)
	if there, err := b.find(ctx, tables[0].oid, made); err != nil || there != nil && there.valid {
		return err == nil, err
	}
	of := make(map[uint32]string, len(tables)) // the names of the index, by the table
	for _, t := range tables {
		name := making
		if t.parent != 0 {
			name = b.change.PartIndex(b.at, t.oid)
			attached, err := b.attached(ctx, t.oid, tables, of[t.parent])
			if err != nil {
				return false, err
			}
			if attached != "" {
				of[t.oid] = attached
				continue
			}
		}
		of[t.oid] = name
		if t.partitioned {
			done, err = b.makeEmpty(ctx, t, name)
		} else {
			done, err = b.make(ctx, t, name)
		}
		if err != nil || !done {
			return false, err
		}
	}
	for _, t := range slices.Backward(tables) {
		if t.parent == 0 || of[t.oid] != b.change.PartIndex(b.at, t.oid) {
			continue
		}
		if done, err := b.attach(ctx, t, tables, of[t.parent], of[t.oid]); err != nil || !done {
			return false, err
		}
	}
	if making == made {
		return b.valid(ctx, tables[0].oid, made)
	}
	return b.rename(ctx, tables[0].name.Schema, making, made)
}

// valid says what is missing where the index of a partitioned table has not become valid.
func (b *build) valid(ctx context.Context, table uint32, name string) (bool, error) {
	there, err := b.find(ctx, table, name)
	if err != nil || there != nil && there.valid {
		return err == nil, err
	}
	return b.again(ctx, "a partition was added meanwhile")
}

// A foundIndex is one by its name.
type foundIndex struct{ valid bool }

// find looks for an index of a table by its name; nil where there is none.
func (b *build) find(ctx context.Context, table uint32, name string) (*foundIndex, error) {
	x := new(foundIndex)
	err := b.conn.QueryRow(ctx, `SELECT i.indisvalid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1 AND c.relname = $2`, table, name).Scan(&x.valid)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look at the indexes: %w", err)
	}
	return x, nil
}

// attached is the name of the index of a partition that belongs to one of its parent; "" where there is none.
func (b *build) attached(ctx context.Context, partition uint32, tables []stem, parent string) (name string, err error) {
	err = b.conn.QueryRow(ctx, `
		SELECT c.relname::pg_catalog.text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid
		JOIN pg_catalog.pg_class p ON p.oid = h.inhparent WHERE i.indrelid = $1 AND p.relname = $2`, partition, parent).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return name, err
}

// makeEmpty makes the index of a partitioned table, which becomes valid when all partitions have theirs.
func (b *build) makeEmpty(ctx context.Context, t stem, name string) (bool, error) {
	if there, err := b.find(ctx, t.oid, name); err != nil || there != nil {
		return err == nil, err
	}
	return b.short(ctx, b.change.CreateEmptyIndex(b.at, name, t.name))
}

// make makes the index of a table that holds rows.
func (b *build) make(ctx context.Context, t stem, name string) (bool, error) {
	there, err := b.find(ctx, t.oid, name)
	if err != nil || there != nil && there.valid {
		return err == nil, err
	}
	if waits, err := b.brake.look(ctx, b.conn, &b.Backfill); err != nil || waits != "" {
		if err == nil {
			err = b.say(ctx, b.account, waits)
		}
		return false, err
	}
	if there != nil { // somebody has been interrupted in the middle of it
		if done, err := b.drop(ctx, t, name); err != nil || !done {
			return false, err
		}
	}
	x := b.change.Indexes[b.at]
	b.Index = &IndexBuild{Name: x.Name, Of: x.Of, Number: b.at + 1, All: len(b.change.Indexes)}
	b.Waits = ""
	if err := b.save(ctx, b.conn); err != nil {
		return false, err
	}
	if x.Unique {
		if done, err := b.distinct(ctx, t); err != nil || !done {
			return false, err
		}
	}
	done, err := b.long(ctx, b.change.CreateIndex(b.at, name, t.name))
	if err != nil || done {
		return done, err
	}
	// A unique one that is not valid rejects rows all the same. Where somebody waits for a transition, that comes first.
	if goOn, err := b.due(ctx); err == nil && (goOn || b.Paused || b.Failure != "") {
		if _, err := b.drop(ctx, t, name); err != nil {
			return false, err
		}
	}
	return false, nil
}

// distinct looks for rows that a unique index would not take, and stops where there are some.
func (b *build) distinct(ctx context.Context, t stem) (bool, error) {
	unique, err := b.key(ctx, t)
	if err != nil || unique == nil {
		return false, err
	}
	keys := make([]string, len(unique.Keys))
	for i := range unique.Keys {
		keys[i] = unique.Keys[i].SQL()
	}
	var twice bool
	done, err := b.watched(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
				return err
			}
			return tx.QueryRow(ctx, change.Duplicates(t.name, keys, unique.Where, unique.NullsEqual)).Scan(&twice)
		})
	})
	if err != nil || !done {
		return false, err
	}
	if twice {
		return false, b.stop(ctx, b.account, b.sameKey(t, keys))
	}
	return true, nil
}

// sameKey says that rows have the same key. It names no values.
func (b *build) sameKey(t stem, keys []string) string {
	x := b.change.Indexes[b.at]
	return fmt.Sprintf("rows of %s have the same (%s), so that the unique index %s cannot be made, which takes the place of %s: "+
		"make them differ, or drop %s if the rows may be the same", rules.Name{Schema: t.name.Schema, Name: t.name.Name}, strings.Join(keys, ", "), x.Name, x.Of, x.Of)
}

// key is the index that is being made, taken apart by a stand-in that is gone when it returns; nil where others hold locks.
func (b *build) key(ctx context.Context, t stem) (*resolve.Index, error) {
	var made *resolve.Index
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		const standIn = `segue."_segue_build"`
		sql := "CREATE TABLE " + standIn + " (LIKE " + t.name.SQL() + ")"
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, b.change.CreateEmptyIndex(b.at, "_segue_build_made", change.Name{Schema: "segue", Name: "_segue_build"})); err != nil {
			return err
		}
		var oid uint32
		if err := tx.QueryRow(ctx, `SELECT '`+standIn+`'::pg_catalog.regclass::pg_catalog.oid`).Scan(&oid); err != nil {
			return err
		}
		found, err := resolve.Indexes(ctx, tx, oid)
		if err == nil && len(found) == 1 {
			made = found[0]
		}
		if err == nil {
			err = errDone
		}
		return err
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return made, err
}

// errDone ends a transaction of which nothing is to stay.
var errDone = errors.New("nothing of this stays")

// attach makes the index of a partition a part of that of its parent, and gives it a name of its own.
func (b *build) attach(ctx context.Context, t stem, tables []stem, parent, name string) (bool, error) {
	above := tables[slices.IndexFunc(tables, func(o stem) bool { return o.oid == t.parent })]
	return b.short(ctx, "ALTER INDEX "+change.Name{Schema: above.name.Schema, Name: parent}.SQL()+" ATTACH PARTITION "+change.Name{Schema: t.name.Schema, Name: name}.SQL())
}

// rename gives the index that has been made its name.
func (b *build) rename(ctx context.Context, schema, making, made string) (bool, error) {
	return b.short(ctx, "ALTER INDEX "+change.Name{Schema: schema, Name: making}.SQL()+" RENAME TO "+pgx.Identifier{made}.Sanitize())
}

// short runs a statement that reads no row, and for whose lock others would wait.
func (b *build) short(ctx context.Context, sql string) (bool, error) {
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL lock_timeout = %d`, attachWait.Milliseconds())); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql)
		return err
	})
	return b.judge(ctx, err)
}

// long runs a statement that takes time, has transactions of its own, and for whose lock nobody waits who reads or writes. It tells
// meanwhile how far it is.
func (b *build) long(ctx context.Context, sql string) (bool, error) {
	return b.patient(ctx, func() (bool, error) {
		return b.watched(ctx, func(ctx context.Context) error {
			_, err := b.conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
			return err
		})
	})
}

// drop drops an index that is not valid, also where somebody has paused the work.
func (b *build) drop(ctx context.Context, t stem, name string) (bool, error) {
	return b.patient(ctx, func() (bool, error) {
		_, err := b.conn.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+change.Name{Schema: t.name.Schema, Name: name}.SQL(), pgx.QueryExecModeSimpleProtocol)
		return b.judge(ctx, err)
	})
}

// patient runs something with the limits of what may take long.
func (b *build) patient(ctx context.Context, run func() (bool, error)) (bool, error) {
	if _, err := b.conn.Exec(ctx, fmt.Sprintf(`SET statement_timeout = 0; SET lock_timeout = %d`, buildWait.Milliseconds()), pgx.QueryExecModeSimpleProtocol); err != nil {
		return false, err
	}
	done, err := run()
	if _, reset := b.conn.Exec(ctx, `RESET statement_timeout; RESET lock_timeout`, pgx.QueryExecModeSimpleProtocol); err == nil && !b.conn.IsClosed() {
		err = reset
	}
	return done, err
}

// judge says what becomes of the work after a statement: done, to be tried again, or stopped for a reason that an operator has to
// look after.
func (b *build) judge(ctx context.Context, err error) (done bool, _ error) {
	pg, rejected := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		b.tries = 0
		return true, nil
	case !rejected || ctx.Err() != nil:
		return false, err
	case lockNotAvailable(err):
		return b.again(ctx, "others hold locks on the table, or have older transactions open")
	case pg.Code == "57014", pg.Code == "40P01": // query_canceled, deadlock_detected
		return false, b.repeated(ctx, resolve.WithoutValues(err))
	case strings.HasPrefix(pg.Code, "53"): // insufficient_resources
		_, err := b.again(ctx, "the server is short of something: "+resolve.WithoutValues(err))
		pause(ctx, shortRest, nil)
		return false, err
	case slices.Contains([]string{"08", "40", "57"}, pg.Code[:2]), slices.Contains([]string{"42703", "42P01"}, pg.Code): // it passes, or the change has gone on without the filler
		return false, b.repeated(ctx, resolve.WithoutValues(err))
	case b.at < len(b.change.Indexes):
		x := b.change.Indexes[b.at]
		return false, b.stop(ctx, b.account, fmt.Sprintf("the index %s cannot be made, which takes the place of %s: %s", x.Name, x.Of, resolve.WithoutValues(err)))
	}
	return false, b.stop(ctx, b.account, "statistics of the new columns cannot be gathered: "+resolve.WithoutValues(err))
}

// again says what has to be waited for, and that the work is not done.
func (b *build) again(ctx context.Context, why string) (bool, error) {
	b.tries++
	return false, b.say(ctx, b.account, why)
}

// repeated stores why a build does not get on, once that has happened several times in a row.
func (b *build) repeated(ctx context.Context, why string) error {
	if b.tries++; b.tries < toldTries {
		return nil
	}
	return b.say(ctx, b.account, "it does not get on, and is tried again: "+why)
}

// due reports whether the work goes on: nobody has paused it or asks for a transition, and the change is where it was.
func (b *build) due(ctx context.Context) (bool, error) {
	var paused, asked bool
	var stage, failure string
	err := b.pool.QueryRow(ctx, `
		SELECT b.paused, c.stage, EXISTS (SELECT FROM segue.transition t WHERE t.migration = $1), coalesce(b.state->>'failure', '') FROM segue.backfill b JOIN segue.change c USING (migration, operation)
		WHERE b.migration = $1 AND b.operation = $2`, b.Migration, b.Operation).Scan(&paused, &stage, &asked, &failure)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	b.Paused = paused
	return !paused && !asked && rules.Stage(stage) == b.stage, err
}

// watched runs a statement on the filler's connection, tells meanwhile how far it is, and cancels it when somebody has paused the
// work or asks for a transition.
func (b *build) watched(ctx context.Context, run func(context.Context) error) (bool, error) {
	if goOn, err := b.due(ctx); err != nil || !goOn {
		return false, err
	}
	over := make(chan struct{})
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		b.watch(ctx, over)
	}()
	err := run(ctx)
	close(over)
	<-watching
	return b.judge(ctx, err)
}

// watch is the other half of watched. It has the account for itself until over is closed.
func (b *build) watch(ctx context.Context, over <-chan struct{}) {
	pid := int32(b.conn.PgConn().PID())
	tick := time.NewTicker(min(b.i.cfg.Poll, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		goOn, err := b.due(ctx)
		if err == nil && !goOn {
			_, err = b.pool.Exec(ctx, `SELECT pg_catalog.pg_cancel_backend($1)`, pid)
		}
		if err == nil && goOn && b.Index != nil {
			err = b.measure(ctx, pid)
		}
		if err != nil && ctx.Err() == nil {
			b.i.log.Debug("how far an index is could not be told", "error", resolve.WithoutValues(err))
		}
	}
}

// measure stores how far the index is.
func (b *build) measure(ctx context.Context, pid int32) error {
	next := *b.Index
	err := b.pool.QueryRow(ctx, `
		SELECT phase, CASE WHEN lockers_total > 0 AND phase LIKE 'waiting%' THEN lockers_done WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
			CASE WHEN lockers_total > 0 AND phase LIKE 'waiting%' THEN lockers_total WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
		FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1`, pid).Scan(&next.Phase, &next.Done, &next.Total)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && next == *b.Index {
		return nil
	}
	if err != nil {
		return err
	}
	b.Index = &next
	return b.save(ctx, b.pool)
}
