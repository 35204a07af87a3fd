package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/rules"
)

// blame fills the rows of a page one by one, and stops the backfill with the keys of those that cannot be filled.
func (b *backfill) blame(ctx context.Context, p part) (goOn bool, err error) {
	key, err := b.key(ctx, p)
	if err != nil {
		return false, err
	}
	rows, err := b.conn.Query(ctx, fmt.Sprintf(`SELECT ctid::pg_catalog.text, %s FROM ONLY %s AS t WHERE ctid >= $1::pg_catalog.text::pg_catalog.tid
		AND ctid < $2::pg_catalog.text::pg_catalog.tid AND %s`, key, p.name.SQL(), b.changes.Unfilled("t")), tid(b.Page), tid(b.Page+1))
	if err != nil {
		return false, b.otherwise(err)
	}
	type row struct{ ctid, key string }
	suspects, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s row, err error) { return s, r.Scan(&s.ctid, &s.key) })
	if err != nil {
		return false, b.otherwise(err)
	}
	var guilty []string
	var cause error
	slow := false
	for _, s := range suspects {
		filling := false
		goOn := true
		begun := time.Now()
		next := *b.account
		err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
			if err := b.set(ctx, tx); err != nil {
				return err
			}
			if goOn, err = b.due(ctx, tx); err != nil || !goOn {
				return err
			}
			if why, err := b.strangers(ctx, tx, p); err != nil || why != "" {
				goOn = false // the next batch says why
				return err
			}
			filling = true
			tag, err := tx.Exec(ctx, b.changes.BackfillRow(p.name, b.quiet), s.ctid)
			if err != nil {
				return err
			}
			next.Done += tag.RowsAffected()
			next.Total = max(next.Total, next.Done)
			filling = false
			err = next.save(ctx, tx)
			filling = err == nil
			return err
		})
		if err == nil && !goOn {
			return false, nil
		}
		if err == nil {
			*b.account = next
			continue
		}
		switch kind := b.kindOf(err, time.Since(begun)); {
		case kind == lockedOut:
			continue // the next batch leaves it alone
		case kind == interrupted:
			return false, b.repeated(ctx, withoutValues(err))
		case kind == passing || kind == shortOf || !filling:
			return false, b.otherwise(err)
		default:
			slow = kind == tooLong
		}
		guilty, cause = append(guilty, s.key), err
		if slow {
			break // each further one would cost as much time
		}
	}
	if len(guilty) == 0 {
		return b.again(ctx, "the rows of a page are filled one by one")
	}
	return false, b.stopAt(ctx, p, guilty, cause, slow)
}

// stopAt stops the backfill because of rows that cannot be filled. The log gets neither keys nor the server's message.
func (b *backfill) stopAt(ctx context.Context, p part, guilty []string, cause error, slow bool) error {
	table := rules.Name{Schema: p.name.Schema, Name: p.name.Name}
	pg, _ := errors.AsType[*pgconn.PgError](cause)
	b.i.log.Warn("a row cannot be filled", "table", table.String(), "sqlstate", pg.Code)
	if slow {
		return b.stop(ctx, b.account, fmt.Sprintf("up takes longer than %s for a row of %s with the key %s (%s)",
			b.i.cfg.batchLimit, table, guilty[len(guilty)-1], condition(pg.Code)))
	}
	more := ""
	if len(guilty) > 5 {
		guilty, more = guilty[:5], fmt.Sprintf(" and %d more of the same page", len(guilty)-5)
	}
	return b.stop(ctx, b.account, fmt.Sprintf("up cannot be computed for rows of %s with the key %s%s: %s",
		table, strings.Join(guilty, "; "), more, withoutValues(cause)))
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
