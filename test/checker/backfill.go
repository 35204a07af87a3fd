package checker

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
)

// backfill fills all rows that are there, in small batches. At random its connection is lost in the middle of one, and it
// goes on with another.
func (o *operator) backfill(ctx context.Context) error {
	for {
		if err := o.beginPass(ctx); err != nil {
			return err
		}
		left := 0
		for _, name := range o.table.tables() {
			schema, table, _ := strings.Cut(name, ".")
			n, err := o.fill(ctx, change.Name{Schema: schema, Name: table})
			if err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			return nil
		}
		o.table.sparing.Store(true)
	}
}

// fill goes over a table once and returns how many rows it has left.
func (o *operator) fill(ctx context.Context, name change.Name) (left int, err error) {
	pages, err := o.number(ctx, fmt.Sprintf("SELECT pg_relation_size('%s') / 8192", name.SQL()))
	if err != nil {
		return 0, err
	}
	sql := o.table.changes().Backfill(name, true)
	for page := 0; page < pages; page += 2 {
		text := strings.NewReplacer("$1", strconv.Itoa(page), "$2", strconv.Itoa(page+2)).Replace(sql)
		batch := []string{"BEGIN", "SET LOCAL lock_timeout = '50ms'", "SET LOCAL session_replication_role = replica", text}
		if o.loud {
			batch[2] = "SET LOCAL session_replication_role = origin"
		}
		if !o.steady && o.rand.IntN(20) == 0 {
			if err := o.die(ctx, batch); err != nil {
				return 0, err
			}
			continue
		}
		err := o.exec(ctx, append(batch, "COMMIT")...)
		if err == nil {
			continue
		}
		if rollback := o.exec(ctx, "ROLLBACK"); rollback != nil {
			return 0, rollback
		}
		if o.table.Defer && o.phase == filling && isUncomputed(err) {
			if err := o.fillEach(ctx, name, page); err != nil {
				return 0, err
			}
			continue
		}
		if !busy(err) {
			return 0, fmt.Errorf("backfill of %s: %w", name.SQL(), err)
		}
	}
	return o.number(ctx, o.table.changes().Left(name))
}

// die does a batch whose connection is lost before it is committed, and gets another connection.
func (o *operator) die(ctx context.Context, batch []string) error {
	if err := o.exec(ctx, append(batch, "SELECT pg_terminate_backend(pg_backend_pid())")...); err == nil {
		return fmt.Errorf("the backfill of %s has survived its end", o.table.Name)
	}
	_ = o.conn.Close(ctx)
	conn, err := pgconn.Connect(ctx, o.url)
	if err != nil {
		return err
	}
	o.conn = conn
	return nil
}

// number asks for one number.
func (o *operator) number(ctx context.Context, sql string) (int, error) {
	var answer string
	if err := o.ask(ctx, sql, &answer); err != nil {
		return 0, err
	}
	return strconv.Atoi(answer)
}
