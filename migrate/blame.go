package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/rules"
)

// A suspect is a row of a page that could not be filled as a whole.
type suspect struct {
	ctid, key string
	address   json.RawMessage // nil where the table has no primary key by which a row can be found
}

// blame fills the rows of a page that cannot be filled as a whole: half of them together, and so on, down to those that cannot be filled.
// They are left for later where the change defers; otherwise they stop the backfill, with their keys.
func (b *backfill) blame(ctx context.Context, p part) (goOn bool, err error) {
	suspects, err := b.suspects(ctx, p)
	if err != nil {
		return false, err
	}
	var guilty []string
	var cause error
	left := 0
	for groups := halves(suspects); len(groups) > 0; {
		group := groups[0]
		groups = groups[1:]
		if len(group) > 1 {
			switch became, err := b.fillOne(ctx, p, b.changes.BackfillRows(p.name, b.quiet), places(group), nil); became {
			case halted:
				return false, err
			case rejected:
				groups = append(halves(group), groups...)
			case slow: // half of them may take as long
				groups = append(slices.Collect(slices.Chunk(group, 1)), groups...)
			}
			continue
		}
		s := group[0]
		became, err := b.fillOne(ctx, p, b.changes.BackfillRow(p.name, b.quiet), s.ctid, nil)
		switch became {
		case halted:
			return false, err
		case slow: // each further one would cost as much time
			return false, b.stopAt(ctx, p, append(guilty, s.key), err, true)
		case rejected:
			if !b.defers() {
				guilty, cause = append(guilty, s.key), err
				continue
			}
			if goOn, err := b.leave(ctx, p, s, err); err != nil || !goOn {
				return false, err
			}
			left++
		}
	}
	switch {
	case len(guilty) > 0:
		return false, b.stopAt(ctx, p, guilty, cause, false)
	case left > 0: // the page as a whole would fail again
		b.Page++
		return true, b.save(ctx, b.conn)
	}
	return b.again(ctx, "the rows of a page are filled in parts")
}

// halves are the two halves of a group of rows, in order, without one that is empty.
func halves(group []suspect) [][]suspect {
	if len(group) < 2 {
		return slices.DeleteFunc([][]suspect{group}, func(g []suspect) bool { return len(g) == 0 })
	}
	return [][]suspect{group[:len(group)/2], group[len(group)/2:]}
}

// places are the rows' ctids.
func places(group []suspect) []string {
	out := make([]string, len(group))
	for i, s := range group {
		out[i] = s.ctid
	}
	return out
}

// suspects lists the rows of the next page that are not filled.
func (b *backfill) suspects(ctx context.Context, p part) ([]suspect, error) {
	key, err := resolve.Key(ctx, b.conn, p.oid)
	if err != nil {
		return nil, err
	}
	rows, err := b.conn.Query(ctx, fmt.Sprintf(`SELECT ctid::pg_catalog.text, %s, %s FROM ONLY %s AS t WHERE ctid >= $1::pg_catalog.text::pg_catalog.tid
		AND ctid < $2::pg_catalog.text::pg_catalog.tid AND %s`, key.Text, key.Address, p.name.SQL(), b.changes.Unfilled("t")), tid(b.Page), tid(b.Page+1))
	if err != nil {
		return nil, b.otherwise(err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s suspect, err error) { return s, r.Scan(&s.ctid, &s.key, &s.address) })
	if err != nil {
		return nil, b.otherwise(err)
	}
	return out, nil
}

// An outcome is what became of one row that was to be filled.
type outcome int

const (
	filled   outcome = iota // or it is not there to be filled any more
	locked                  // others hold it
	halted                  // nothing is to be filled now
	rejected                // it cannot be filled, and the error says why
	slow                    // as rejected: it takes too long
)

// fillOne fills one row, or some together, that the statement finds by at, in one transaction with the account, and with what else is to be done then. With
// halted comes an error of the connection, or none.
func (b *backfill) fillOne(ctx context.Context, p part, sql string, at any, also func(pgx.Tx) error) (outcome, error) {
	filling := false
	goOn := true
	begun := time.Now()
	next := *b.account
	err := pgx.BeginFunc(ctx, b.conn, func(tx pgx.Tx) error {
		if err := b.set(ctx, tx); err != nil {
			return err
		}
		var err error
		if goOn, err = b.due(ctx, tx); err != nil || !goOn {
			return err
		}
		if why, err := b.strangers(ctx, tx, p); err != nil || why != "" {
			goOn = false // the next batch says why
			return err
		}
		filling = true
		tag, err := tx.Exec(ctx, sql, at)
		if err != nil {
			return err
		}
		next.Done += tag.RowsAffected()
		next.Total = max(next.Total, next.Done)
		filling = false
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		err = next.save(ctx, tx)
		filling = err == nil
		return err
	})
	switch {
	case err == nil && !goOn:
		return halted, nil
	case err == nil:
		*b.account = next
		return filled, nil
	}
	switch kind := b.kindOf(err, time.Since(begun)); {
	case kind == lockedOut:
		return locked, nil // the next batch leaves it alone
	case kind == interrupted:
		return halted, b.repeated(ctx, resolve.WithoutValues(err))
	case kind == passing || kind == shortOf || !filling:
		return halted, b.otherwise(err)
	case kind == tooLong:
		return slow, err
	}
	return rejected, err
}

// stopAt stops the backfill because of rows that cannot be filled. The log gets neither keys nor the server's message.
func (b *backfill) stopAt(ctx context.Context, p part, guilty []string, cause error, slow bool) error {
	table := rules.Name{Schema: p.name.Schema, Name: p.name.Name}
	code := sqlstate(cause)
	b.i.log.Warn("a row cannot be filled", "table", table.String(), "sqlstate", code)
	if slow {
		return b.stop(ctx, b.account, fmt.Sprintf("up takes longer than %s for a row of %s with the key %s (%s)",
			b.i.cfg.batchLimit, table, guilty[len(guilty)-1], resolve.Condition(code)))
	}
	more := ""
	if len(guilty) > 5 {
		guilty, more = guilty[:5], fmt.Sprintf(" and %d more of the same page", len(guilty)-5)
	}
	return b.stop(ctx, b.account, fmt.Sprintf("up cannot be computed for rows of %s with the key %s%s: %s",
		table, strings.Join(guilty, "; "), more, resolve.WithoutValues(cause)))
}

// sqlstate is the SQLSTATE of an error of the server.
func sqlstate(err error) string {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
	}
	return pg.Code
}
