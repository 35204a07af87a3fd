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
	"github.com/seguedb/segue/rules"
)

// How long a batch is to take, and how many pages it has at first and at most.
const (
	batchTime  = 50 * time.Millisecond
	firstPages = 8
	mostPages  = 4096
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
		c, ok := m.Changes()[a.Operation]
		switch {
		case !ok || c.Resolved == nil || c.Resolved.Compiled() == nil:
			return false, nil
		case a.Paused || a.Failure != "":
			return false, nil
		}
		b := &backfill{filler: f, account: a, change: c.Resolved.Compiled(), stage: c.Resolved.Stage}
		if done, err := b.run(ctx); err != nil || !done {
			if errors.Is(err, errStale) {
				err = nil
			}
			return false, err
		}
	}
	return true, nil
}

// A backfill fills the rows of one change.
type backfill struct {
	*filler
	*account
	change *change.Compiled
	stage  rules.Stage
	quiet  bool // others' triggers do not fire
	began  time.Time
	rows   int64
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
		b.change.Table.Schema, b.change.Table.Name)
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
		if left == 0 || b.stage == rules.Filling && b.Pass > 1 && left <= fewLeft {
			b.Total, b.ETA, b.Waits = b.Done, 0, ""
			return true, b.save(ctx, b.conn)
		}
		if err := b.say(ctx, b.account, fmt.Sprintf("%d rows that others had locked are left for another pass", left)); err != nil {
			return false, err
		}
		pause(ctx, min(time.Duration(b.Pass)*100*time.Millisecond, time.Second), nil)
	}
	return false, nil
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
			return tx.QueryRow(ctx, b.change.Left(p.name)).Scan(&n)
		})
		if err != nil {
			return 0, b.otherwise(err)
		}
		left += n
	}
	return left, nil
}

// otherwise is the error of a statement on the table: one of names means that the change has gone on without the filler.
func (b *backfill) otherwise(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42703" || pg.Code == "42P01" || pg.Code == "42883") {
		return errStale
	}
	return err
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
	first := b.Page
	for b.Page < b.Pages {
		if ctx.Err() != nil {
			return false, nil
		}
		waits, rest, err := b.brake.look(ctx, b.conn)
		if err != nil {
			return false, err
		}
		if waits != "" {
			if err := b.say(ctx, b.account, waits); err != nil {
				return false, err
			}
			pause(ctx, rest, nil)
			continue
		}
		begun := time.Now()
		to := min(b.Page+b.filler.pages, b.Pages)
		goOn, err := b.batch(ctx, p, to, first)
		if err != nil || !goOn {
			return false, err
		}
		b.adapt(time.Since(begun))
		pause(ctx, b.brake.rest(time.Since(begun)), nil)
	}
	return true, nil
}

// adapt has the next batch take as long as one should.
func (b *backfill) adapt(took time.Duration) {
	grow := float64(batchTime) / float64(max(took, time.Millisecond))
	b.filler.pages = max(1, min(mostPages, int64(float64(b.filler.pages)*min(2, grow))))
}

// batch fills the rows up to a page, in one transaction with the account of it. It reports whether to go on.
func (b *backfill) batch(ctx context.Context, p part, to, first int64) (goOn bool, err error) {
	next := *b.account
	goOn = true
	err = pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if err := b.set(ctx, tx); err != nil {
			return err
		}
		if goOn, err = b.due(ctx, tx); err != nil || !goOn {
			return err
		}
		tag, err := tx.Exec(ctx, b.change.Backfill(p.name, !b.quiet && b.change.Others), b.Page, to)
		if err != nil {
			return err
		}
		next.Page, next.Waits = to, ""
		next.Done += tag.RowsAffected()
		next.Total = max(next.Total, next.Done)
		if seconds := time.Since(b.began).Seconds(); seconds > 0 {
			next.Rate = float64(b.rows+tag.RowsAffected()) / seconds
			if pages := float64(to-first) / seconds; pages > 0 {
				next.ETA = float64(max(0, b.All-b.Behind-to)) / pages
			}
		}
		return next.save(ctx, tx)
	})
	switch {
	case err == nil:
		b.rows += next.Done - b.Done
		*b.account = next
		return goOn, nil
	case lockNotAvailable(err):
		b.filler.pages = max(1, b.filler.pages/2)
		return true, b.say(ctx, b.account, "others hold locks on the table")
	case short(err):
		if err := b.say(ctx, b.account, "the server is short of something: "+err.Error()); err != nil {
			return false, err
		}
		pause(ctx, shortRest, nil)
		return true, nil
	case unsuitable(err) && to > b.Page+1:
		b.filler.pages = max(1, (to-b.Page)/2)
		return true, nil
	case unsuitable(err):
		return b.blame(ctx, p, err)
	}
	return false, b.otherwise(err)
}

// set makes the settings of a batch.
func (b *backfill) set(ctx context.Context, tx pgx.Tx) error {
	// A batch waits for no lock for long: others wait for the rows that it has.
	sql := `SET LOCAL lock_timeout = 100; SET LOCAL statement_timeout = 10000`
	if b.quiet {
		sql += `; SET LOCAL session_replication_role = replica`
	}
	if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	for name, value := range b.change.Pins {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.set_config($1, $2, true)`, name, value); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether the backfill goes on. Whoever pauses it, or makes a transition, does so before or after the batch.
func (b *backfill) due(ctx context.Context, tx pgx.Tx) (bool, error) {
	var paused bool
	var stage string
	err := tx.QueryRow(ctx, `
		SELECT b.paused, c.stage FROM segue.backfill b JOIN segue.change c USING (migration, operation)
		WHERE b.migration = $1 AND b.operation = $2 FOR NO KEY UPDATE OF b`, b.Migration, b.Operation).Scan(&paused, &stage)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && rules.Stage(stage) != b.stage {
		return false, errStale
	}
	b.Paused = paused
	return !paused, err
}

// shortRest is how long nothing is filled after the server was short of disk, memory or connections.
const shortRest = 5 * time.Second

// short reports whether the server lacked a resource (insufficient_resources).
func short(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && strings.HasPrefix(pg.Code, "53")
}

// unsuitable reports whether an expression could not be computed, or gave what the table does not take.
func unsuitable(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !lockNotAvailable(err) && (slices.Contains([]string{"21", "22", "23", "2F", "38", "39", "P0"}, pg.Code[:2]))
}

// blame finds the row of a page that cannot be filled, and stops the backfill with its key.
func (b *backfill) blame(ctx context.Context, p part, cause error) (goOn bool, err error) {
	key, err := b.key(ctx, p)
	if err != nil {
		return false, err
	}
	rows, err := b.conn.Query(ctx, fmt.Sprintf(`SELECT ctid::pg_catalog.text, %s FROM ONLY %s AS t WHERE ctid >= $1::pg_catalog.text::pg_catalog.tid
		AND ctid < $2::pg_catalog.text::pg_catalog.tid AND %s = 0`, key, p.name.SQL(), pgx.Identifier{b.change.Marker()}.Sanitize()), tid(b.Page), tid(b.Page+1))
	if err != nil {
		return false, b.otherwise(err)
	}
	type row struct{ ctid, key string }
	suspects, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s row, err error) { return s, r.Scan(&s.ctid, &s.key) })
	if err != nil {
		return false, b.otherwise(err)
	}
	var guilty []string
	for _, s := range suspects {
		err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
			if err := b.set(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, b.change.BackfillRow(p.name, !b.quiet && b.change.Others), s.ctid)
			return err
		})
		if err == nil {
			continue
		}
		if !unsuitable(err) {
			return false, b.otherwise(err)
		}
		guilty, cause = append(guilty, s.key), err
	}
	if len(guilty) == 0 {
		return true, nil // somebody else has seen to it
	}
	pg, _ := errors.AsType[*pgconn.PgError](cause)
	more := ""
	if len(guilty) > 5 {
		guilty, more = guilty[:5], fmt.Sprintf(" and %d more of the same page", len(guilty)-5)
	}
	return false, b.stop(ctx, b.account, fmt.Sprintf("up cannot be computed for rows of %s with the key %s%s: %s (%s)",
		rules.Name{Schema: p.name.Schema, Name: p.name.Name}, strings.Join(guilty, "; "), more, pg.Message, pg.Code))
}

// key is SQL for the key of a row, as text: that of the primary key, or where the row is.
func (b *backfill) key(ctx context.Context, p part) (string, error) {
	var columns []string
	err := b.conn.QueryRow(ctx, `SELECT coalesce(pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum), '{}') FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = $1 AND i.indisprimary`, p.oid).Scan(&columns)
	if err != nil || len(columns) == 0 {
		return "pg_catalog.concat('ctid=', ctid)", err
	}
	var out []string
	for _, c := range columns {
		out = append(out, literal(c+"=")+", t."+pgx.Identifier{c}.Sanitize())
	}
	return "pg_catalog.concat(" + strings.Join(out, ", ', ', ") + ")", nil
}

func tid(page int64) string { return fmt.Sprintf("(%d,0)", page) }
