package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

// How long the rows of a batch are to take, and how many pages it has at first and at most.
const (
	batchTime     = 50 * time.Millisecond
	busyBatchTime = 3 * time.Millisecond // while others are at work
	firstPages    = 8
	mostPages     = 4096
	mostEach      = 64 // where each place of a page is listed
)

// errStale ends a batch of a change that has come further, or back, meanwhile.
var errStale = errors.New("the change has another stage now")

// fillRows fills what it can of the rows of a migration's tables. It reports whether none is left, and returns earlier where
// somebody has paused it, or an expression cannot be computed.
func (f *filler) fillRows(ctx context.Context, m *rules.Migration) (done bool, err error) {
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
		changes := m.FilledWith(op)
		if changes == nil {
			continue
		}
		b := &backfill{filler: f, account: a, changes: changes, stage: op.Resolved().Stage}
		if done, err := b.run(ctx); err != nil || !done {
			if errors.Is(err, errStale) {
				err = b.repeated(ctx, resolve.WithoutValues(err))
			}
			return false, err
		}
	}
	return true, nil
}

// A backfill fills the rows of one table, for all changes of it. The account is that of the first one.
type backfill struct {
	*filler
	*account
	changes change.Together
	stage   rules.Stage
	quiet   bool // others' triggers do not fire
	began   time.Time
	rows    int64
	took    time.Duration // the rows of the last batch; 0 where that has come to nothing
}

// A part is a table that holds rows: that of the change, or a partition of it.
type part struct {
	oid   uint32
	name  change.Name
	pages int64
	rows  float64 // estimated; negative where it is not known
}

// parts lists the tables that hold rows.
func (b *backfill) parts(ctx context.Context) ([]part, error) {
	rows, err := b.conn.Query(ctx, `
		WITH RECURSIVE tree(oid) AS (
			SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
			UNION SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tree ON inhparent = tree.oid)
		SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8, c.reltuples
		FROM tree JOIN pg_catalog.pg_class c USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' ORDER BY c.oid`,
		b.changes[0].Table.Schema, b.changes[0].Table.Name)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the table: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p part, err error) {
		return p, row.Scan(&p.oid, &p.name.Schema, &p.name.Name, &p.pages, &p.rows)
	})
}

// run makes passes over the tables until no row is left.
func (b *backfill) run(ctx context.Context) (done bool, err error) {
	if b.quiet, err = b.canBeQuiet(ctx); err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		parts, err := b.parts(ctx)
		if err != nil {
			return false, err
		}
		if b.Waiting {
			if due, err := b.revisit(ctx, parts); err != nil || !due {
				return false, err
			}
		}
		if err := b.begin(ctx); err != nil {
			return false, err
		}
		b.estimate(parts)
		for _, p := range parts {
			if p.oid < b.Table {
				continue
			}
			if p.oid > b.Table {
				b.Table, b.Page = p.oid, 0
			}
			if ended, err := b.pass(ctx, p); err != nil || !ended {
				return false, err
			}
			b.Behind += b.Pages
		}
		b.Pass++
		b.Table, b.Page, b.Behind = 0, 0, 0
		left, err := b.left(ctx, parts)
		if err != nil {
			return false, err
		}
		if b.defers() {
			if done, wait, err := b.after(ctx, left); err != nil || wait {
				return false, err
			} else if left == 0 && !done { // a transaction that has told of a row may go on for long, and a pass reads all
				pause(ctx, min(time.Duration(b.Pass)*passRest(b.Pass), b.i.cfg.DeferredRetry), nil)
				continue
			}
		}
		if left == 0 || b.stage == rules.Filling && !b.defers() && b.Pass > 1 && left <= fewLeft {
			b.Total, b.ETA, b.Waits = b.Done, 0, ""
			return true, b.save(ctx, b.conn)
		}
		if err := b.say(ctx, b.account, fmt.Sprintf("%d rows that others had locked are left for another pass", left)); err != nil {
			return false, err
		}
		pause(ctx, passRest(b.Pass), nil)
	}
	return false, nil
}

// passRest is how long others' transactions are given to end after a pass that has left rows.
func passRest(pass int) time.Duration {
	return min(time.Duration(pass)*100*time.Millisecond, time.Second)
}

// fewLeft is how many rows may be left when the change begins to be completed: from then on whoever writes a row fills it.
const fewLeft = 10000

// estimate says how much there is to do, where that has not been said.
func (b *backfill) estimate(parts []part) {
	b.All = 0
	rows := 0.0
	for _, p := range parts {
		b.All += p.pages
		if p.rows < 0 {
			p.rows = float64(p.pages) * 50 // never analysed
		}
		rows += p.rows
	}
	if b.Total == 0 {
		b.Total = int64(rows)
	}
}

// left counts the rows that are not filled.
func (b *backfill) left(ctx context.Context, parts []part) (int64, error) {
	var left int64
	for _, p := range parts {
		var n int64
		err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
				return err
			}
			return tx.QueryRow(ctx, b.changes.Left(p.name)).Scan(&n)
		})
		if err != nil {
			return 0, b.otherwise(err)
		}
		left += n
	}
	return left, nil
}

// canBeQuiet reports whether the role may keep others' triggers from firing.
func (b *backfill) canBeQuiet(ctx context.Context) (bool, error) {
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`)
		return err
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" { // insufficient_privilege
		return false, nil
	}
	return err == nil, err
}

// pass fills the rows of one table from where it is to the end. It reports whether it came there.
func (b *backfill) pass(ctx context.Context, p part) (ended bool, err error) {
	b.Pages = p.pages
	b.began, b.rows = time.Now(), 0
	if b.quiet {
		loud, err := b.hush(ctx)
		if err != nil {
			return false, err
		}
		defer loud()
	}
	first := b.Page
	for b.Page < b.Pages {
		if ctx.Err() != nil {
			return false, nil
		}
		waits, err := b.brake.look(ctx, b.conn, &b.Backfill)
		if err != nil {
			return false, err
		}
		if waits != "" { // which may be for hours, in which others are filled
			return false, b.say(ctx, b.account, waits)
		}
		if err := b.brake.lookAround(ctx, b.conn); err != nil {
			return false, err
		}
		begun := time.Now()
		to := min(b.Page+b.filler.pages, b.Pages)
		goOn, err := b.batch(ctx, p, to, first)
		if err != nil || !goOn {
			return false, err
		}
		b.adapt()
		pause(ctx, b.brake.rest(time.Since(begun)), nil)
	}
	return true, nil
}

// hush keeps others' triggers from firing in the session until loud is called. Each batch asks for that again, in its transaction; but
// a change of the setting makes the server forget all plans, which take more time to make than a small batch has (ResetPlanCache, in
// assign_session_replication_role).
func (b *backfill) hush(ctx context.Context) (loud func(), err error) {
	if _, err := b.conn.Exec(ctx, `SET session_replication_role = replica`); err != nil {
		return nil, b.otherwise(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hushTimeout)
		defer cancel()
		for range 2 { // whoever wants the backfill to stop cancels what it is at, and may come to this
			if b.conn.IsClosed() {
				return
			}
			if _, err := b.conn.Exec(ctx, `RESET session_replication_role`); err == nil {
				return
			}
		}
		_ = b.conn.Close(ctx) // it would do other things without triggers
	}, nil
}

// hushTimeout bounds how long the end of that may take.
const hushTimeout = 5 * time.Second

// adapt has the rows of the next batch take as long as those of one should. What else a batch does takes as long for few rows.
func (b *backfill) adapt() {
	if b.took == 0 { // it has come to nothing
		return
	}
	grow := float64(b.brake.batchTime()) / float64(max(b.took, time.Millisecond))
	b.filler.pages = max(1, min(b.most(), int64(float64(b.filler.pages)*min(2, grow))))
}

// ranges reports whether the server reads only the pages that it is asked for by a range of places. See TidRangeScan.
func (b *backfill) ranges() bool {
	major, _, _ := strings.Cut(b.conn.PgConn().ParameterStatus("server_version"), ".")
	return major != "13"
}

// most is how many pages a batch has at most.
func (b *backfill) most() int64 {
	if b.ranges() {
		return mostPages
	}
	return mostEach
}

// statement fills the rows of some pages.
func (b *backfill) statement(p part) string {
	if b.ranges() {
		return b.changes.Backfill(p.name, b.quiet)
	}
	return b.changes.BackfillEach(p.name, b.quiet)
}

// batch fills the rows up to a page, in one transaction with the account of it. It reports whether to go on.
func (b *backfill) batch(ctx context.Context, p part, to, first int64) (goOn bool, err error) {
	next := *b.account
	goOn = true
	why := ""        // nothing may be filled now
	filling := false // what fails is a row, or what its transaction does at its end
	b.took = 0
	begun := time.Now()
	err = pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if err := b.set(ctx, tx); err != nil {
			return err
		}
		if goOn, err = b.due(ctx, tx); err != nil || !goOn {
			return err
		}
		if why, err = b.strangers(ctx, tx, p); err != nil || why != "" {
			return err
		}
		filling = true
		from := time.Now()
		tag, err := tx.Exec(ctx, b.statement(p), b.Page, to)
		if err != nil {
			return err
		}
		b.took = time.Since(from)
		next.Page, next.Waits = to, ""
		next.Done += tag.RowsAffected()
		next.Total = max(next.Total, next.Done)
		if seconds := time.Since(b.began).Seconds(); seconds > 0 {
			next.Rate = float64(b.rows+tag.RowsAffected()) / seconds
			if pages := float64(to-first) / seconds; pages > 0 {
				next.ETA = float64(max(0, b.All-b.Behind-to)) / pages
			}
		}
		filling = false
		err = next.save(ctx, tx)
		filling = err == nil
		return err
	})
	if err == nil && why != "" {
		err := b.say(ctx, b.account, why)
		pause(ctx, strangerRest, nil)
		return err == nil, err
	}
	if err == nil {
		b.rows += next.Done - b.Done
		*b.account = next
		if goOn {
			b.tries = 0
		}
		return goOn, nil
	}
	switch kind := b.kindOf(err, time.Since(begun)); {
	case kind == lockedOut:
		b.filler.pages = max(1, b.filler.pages/2)
		return b.again(ctx, "others hold locks on the table")
	case kind == shortOf:
		goOn, err := b.again(ctx, "the server is short of something: "+resolve.WithoutValues(err))
		if err == nil {
			pause(ctx, shortRest, nil)
		}
		return goOn, err
	case kind == interrupted:
		return false, b.repeated(ctx, resolve.WithoutValues(err))
	case kind == passing || !filling:
		return false, b.otherwise(err)
	case to > b.Page+1 && kind == tooLong:
		b.filler.pages = 1 // each attempt costs the whole time
		return true, nil
	case to > b.Page+1:
		b.filler.pages = max(1, (to-b.Page)/2)
		return true, nil
	}
	return b.blame(ctx, p)
}

// passTries is how often a batch is tried in a row before others' backfills have their turn.
const passTries = 20

// again says what a batch has to wait for, which is tried again. It reports whether to do so at once.
func (b *backfill) again(ctx context.Context, why string) (goOn bool, err error) {
	b.tries++
	return b.tries%passTries != 0, b.say(ctx, b.account, why)
}

// repeated stores why a backfill does not get on, once that has happened several times in a row.
func (b *backfill) repeated(ctx context.Context, why string) error {
	b.tries++
	if b.tries < toldTries {
		return nil
	}
	return b.say(ctx, b.account, "it does not get on, and is tried again: "+why)
}

// set makes the settings of a batch.
func (b *backfill) set(ctx context.Context, tx pgx.Tx) error {
	// A batch waits for no lock for long: others wait for the rows that it has.
	sql := fmt.Sprintf(`SET LOCAL lock_timeout = 100; SET LOCAL statement_timeout = %d`, b.i.cfg.batchLimit.Milliseconds())
	if b.quiet {
		sql += `; SET LOCAL session_replication_role = replica`
	}
	if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	pins, _ := b.changes.Pins()
	for name, value := range pins {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.set_config($1, $2, true)`, name, value); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether the backfill goes on. Whoever pauses it, or makes a transition, does so before or after the batch; no
// batch begins while somebody asks for a transition.
func (b *backfill) due(ctx context.Context, tx pgx.Tx) (bool, error) {
	var paused, asked bool
	var stage string
	err := tx.QueryRow(ctx, `
		SELECT b.paused, c.stage, EXISTS (SELECT FROM segue.transition t WHERE t.migration = $1) FROM segue.backfill b JOIN segue.change c USING (migration, operation)
		WHERE b.migration = $1 AND b.operation = $2 FOR NO KEY UPDATE OF b`, b.Migration, b.Operation).Scan(&paused, &stage, &asked)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && rules.Stage(stage) != b.stage {
		return false, errStale
	}
	b.Paused = paused
	return !paused && !asked, err
}

// shortRest is how long nothing is filled after the server was short of disk, memory or connections.
const shortRest = 5 * time.Second

func tid(page int64) string { return fmt.Sprintf("(%d,0)", page) }
