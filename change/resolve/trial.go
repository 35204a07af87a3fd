package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
)

// How many rows are tried, of how many pages, how long that may take, and how many of them are told by their keys.
const (
	triedRows  = 1000
	triedPages = 64
	trialTime  = 5 * time.Second
	toldKeys   = 3
)

// A Trial is what became of some rows of a table when up was tried on them, and down on what it made.
type Trial struct {
	Rows int // that were tried

	Failed     int      // of them, those for which up cannot be computed
	FailedKeys []string // of the first few
	Why        string   // the last of their errors, without a value of a row

	Changed     int // of them, those that down makes other values of; -1: that cannot be told
	ChangedKeys []string
	Back        string // why down cannot be computed of what up makes, likewise

	Untried string // why nothing could be tried
}

// Names of what a trial makes, which is gone with its transaction.
const (
	triedTable = `pg_temp."_segue_tried"`
	madeTable  = `pg_temp."_segue_made"`
)

// Try computes up for some rows that are there, and down for what it makes of them. Nothing of it stays in the database, and nothing is
// locked but as a reader does. What takes too long is left, and then fewer rows were tried.
func Try(ctx context.Context, db Beginner, c *change.Compiled) (*Trial, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	t := &trial{ctx: ctx, tx: tx, c: c, until: time.Now().Add(trialTime), Trial: new(Trial)}
	if err := t.prepare(); err != nil {
		if _, rejected := Rejected(err); rejected || passing(err) {
			t.Untried = WithoutValues(err)
			return t.Trial, nil
		}
		return nil, err
	}
	if err := t.up(); err != nil {
		return nil, err
	}
	if t.Rows == 0 && t.count > 0 {
		t.Untried = fmt.Sprintf("it takes longer than %s for %d of them", trialTime, t.count)
	}
	if c.Lossy || t.Rows == t.Failed {
		return t.Trial, nil
	}
	return t.Trial, t.down()
}

type trial struct {
	*Trial
	ctx   context.Context
	tx    pgx.Tx
	c     *change.Compiled
	until time.Time
	count int // of rows that were taken
}

// passing reports whether an error of the server says nothing about the rows: time is up, others hold a lock, something is short.
func passing(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || ends(e) {
		return false
	}
	_, rejected := Rejected(err)
	return !rejected || e.Code == "57014" // query_canceled
}

// prepare takes some rows, and makes a table for the new side of them.
func (t *trial) prepare() error {
	settings := fmt.Sprintf(`SET LOCAL lock_timeout = 100; SET LOCAL statement_timeout = %d; SET LOCAL search_path = pg_catalog, pg_temp`, trialTime.Milliseconds())
	if _, err := t.tx.Exec(t.ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	for name, value := range t.c.Pins {
		if _, err := t.tx.Exec(t.ctx, `SELECT pg_catalog.set_config($1, $2, true)`, name, value); err != nil {
			return err
		}
	}
	var oid uint32
	var pages int64
	err := t.tx.QueryRow(t.ctx, `
		SELECT c.oid, (SELECT coalesce(sum(pg_catalog.pg_relation_size(relid)), 0)::pg_catalog.int8 FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf)
			/ pg_catalog.current_setting('block_size')::pg_catalog.int8
		FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.text::pg_catalog.regclass`, t.c.Table.SQL()).Scan(&oid, &pages)
	if err != nil {
		return err
	}
	key, err := Key(t.ctx, t.tx, oid)
	if err != nil {
		return err
	}
	sample := ""
	if pages > triedPages {
		sample = fmt.Sprintf(" TABLESAMPLE SYSTEM (%f) REPEATABLE (1)", 100*float64(triedPages)/float64(pages))
	}
	old, made := make([]string, len(t.c.Old)), make([]string, len(t.c.New))
	for i, col := range t.c.Old {
		old[i] = "t." + pgx.Identifier{col.Physical}.Sanitize()
	}
	for i, col := range t.c.New {
		made[i] = pgx.Identifier{col.Physical}.Sanitize() + " " + col.Type
		if col.NotNull {
			made[i] += " NOT NULL"
		}
	}
	tag, err := t.tx.Exec(t.ctx, fmt.Sprintf(`CREATE TEMPORARY TABLE %s ON COMMIT DROP AS
		SELECT pg_catalog.row_number() OVER ()::pg_catalog.int4 AS "_segue_n", %s AS "_segue_key", %s FROM %s AS t%s LIMIT %d`,
		triedTable, key.Text, strings.Join(old, ", "), t.c.Table.SQL(), sample, triedRows))
	if err != nil {
		return err
	}
	t.count = int(tag.RowsAffected())
	_, err = t.tx.Exec(t.ctx, fmt.Sprintf(`CREATE TEMPORARY TABLE %s ("_segue_n" pg_catalog.int4, %s) ON COMMIT DROP`, madeTable, strings.Join(made, ", ")))
	return err
}

// up makes the new side of all rows that were taken: of all of them together, and where that fails of their halves, and so on.
func (t *trial) up() error {
	ups, _ := t.c.Over("_segue_row")
	sql := fmt.Sprintf(`INSERT INTO %s SELECT "_segue_row"."_segue_n", %s FROM %s AS "_segue_row" WHERE "_segue_row"."_segue_n" > $1 AND "_segue_row"."_segue_n" <= $2`,
		madeTable, strings.Join(ups, ", "), triedTable)
	type span struct{ after, to int }
	for spans := []span{{0, t.count}}; len(spans) > 0 && time.Now().Before(t.until); {
		s := spans[0]
		spans = spans[1:]
		err := t.apart(func(tx pgx.Tx) error {
			_, err := tx.Exec(t.ctx, sql, s.after, s.to)
			return err
		})
		_, rejected := Rejected(err)
		switch {
		case err == nil:
			t.Rows += s.to - s.after
		case passing(err):
			return nil
		case !rejected:
			return err
		case s.to-s.after > 1:
			middle := (s.after + s.to) / 2
			spans = append([]span{{s.after, middle}, {middle, s.to}}, spans...)
		default:
			t.Rows++
			t.Failed++
			t.Why = WithoutValues(err)
			if len(t.FailedKeys) < toldKeys {
				var key string
				if err := t.tx.QueryRow(t.ctx, `SELECT "_segue_key" FROM `+triedTable+` WHERE "_segue_n" = $1`, s.to).Scan(&key); err != nil {
					return err
				}
				t.FailedKeys = append(t.FailedKeys, key)
			}
		}
	}
	return nil
}

// down compares what it makes of the new side with what the rows have. Values of a type without equality are not compared.
func (t *trial) down() error {
	_, downs := t.c.Over("made")
	differs := make([]string, len(downs))
	for i, col := range t.c.Old {
		differs[i] = fmt.Sprintf("CAST(%s AS %s) IS DISTINCT FROM tried.%s", downs[i], col.Type, pgx.Identifier{col.Physical}.Sanitize())
	}
	err := t.apart(func(tx pgx.Tx) error {
		rows, err := tx.Query(t.ctx, fmt.Sprintf(`SELECT tried."_segue_key" FROM %s AS tried JOIN %s AS made USING ("_segue_n") WHERE %s ORDER BY "_segue_n"`,
			triedTable, madeTable, strings.Join(differs, " OR ")))
		if err != nil {
			return err
		}
		keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
		t.Changed, t.ChangedKeys = len(keys), keys[:min(len(keys), toldKeys)]
		return err
	})
	switch e, rejected := Rejected(err); {
	case err == nil:
		return nil
	case passing(err), rejected && e.Code == "42883": // undefined_function
		t.Changed = -1
		return nil
	case rejected:
		t.Changed, t.Back = -1, WithoutValues(err)
		return nil
	}
	return err
}

// apart does something that may fail.
func (t *trial) apart(do func(tx pgx.Tx) error) error { return pgx.BeginFunc(t.ctx, t.tx, do) }
