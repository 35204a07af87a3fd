package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

const bills = `
CREATE TABLE bill (id bigint PRIMARY KEY, cents int NOT NULL DEFAULT 100, payer text, total int DEFAULT 7, note text, legacy text DEFAULT 'l');
INSERT INTO bill SELECT i, 1000, 'Ada Nr' || i, 5, 'bill ' || i FROM generate_series(1, 2000) AS i;`

// Both files are called several.
const (
	severalChanges = `
id: several
contract_after: 0s
operations:
  - change_columns:
      table: public.bill
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true, default: "1.00" }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
  - change_columns:
      table: public.bill
      from: [payer]
      to: [{ name: first, type: text }, { name: last, type: text }]
      up: { first: "split_part(payer, ' ', 1)", last: "substr(payer, strpos(payer || ' ', ' ') + 1)" }
      down: { payer: "first || ' ' || last" }
      lossy: true
  - change_columns:
      table: public.bill
      from: [total]
      to: [{ name: units, type: bigint, default: "8" }]
      up: { units: total::bigint }
      down: { total: units::integer }
`
	changesAndRenames = `
id: several
contract_after: 0s
operations:
  - rename_column: { table: public.bill, from: cents, to: pennies }
  - change_columns:
      table: public.bill
      from: [pennies]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true, default: "1.00" }]
      up: { amount: bill.pennies / 100.0 }
      down: { pennies: (bill.amount * 100)::integer }
  - rename_table: { from: public.bill, to: invoice }
  - change_columns:
      table: public.invoice
      from: [payer]
      to: [{ name: first, type: text }, { name: last, type: text }]
      up: { first: "split_part(invoice.payer, ' ', 1)", last: "substr(payer, strpos(payer || ' ', ' ') + 1)" }
      down: { payer: "first || ' ' || last" }
      lossy: true
  - rename_column: { table: public.invoice, from: note, to: remark }
  - change_columns:
      table: public.invoice
      from: [total]
      to: [{ name: total, type: bigint, default: "8" }]
      up: { total: total::bigint }
      down: { total: total::integer }
  - add_column: { table: public.invoice, name: currency, type: text, not_null: true, default: "'EUR'" }
  - drop_column: { table: public.invoice, name: legacy }
`
)

// A clerk is what a version calls the table of bills and its columns.
type clerk struct {
	version, table, money, total, note string
	payer                              []string // columns
	columns                            string   // all, in order
	amounts                            bool     // money is no number of cents
}

var oldClerk = clerk{version: "base", table: "bill", money: "cents", total: "total", note: "note", payer: []string{"payer"}, columns: "id,cents,payer,total,note,legacy"}

func (c *clerk) cents(n int) string {
	if c.amounts {
		return fmt.Sprintf("%d.%02d", n/100, n%100)
	}
	return fmt.Sprint(n)
}

func (c *clerk) names(first, last string) []string {
	if len(c.payer) == 1 {
		return []string{first + " " + last}
	}
	return []string{first, last}
}

// work changes a bill that everybody changes and writes one of its own, in columns of all changes, and reads what it has written.
func (c *clerk) work(conn *pgx.Conn, id, shared int) error {
	ctx := context.Background()
	more := 1 + id%7
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		name := c.names("Eve", fmt.Sprint("Nr", id))
		set, list, places, args := "", "", "", []any{shared, more}
		for i, column := range c.payer {
			set += fmt.Sprintf(", %s = $%d", column, i+3)
			list += ", " + column
			places += fmt.Sprintf(", $%d", i+3)
			args = append(args, name[i])
		}
		var money, payer string
		var total int
		read := fmt.Sprintf("%s::text, concat_ws(' ', %s), %s", c.money, strings.Join(c.payer, ", "), c.total)
		if err := tx.QueryRow(ctx, fmt.Sprintf("UPDATE %s SET %s = %[2]s + %s, %s = %[4]s + $2%s WHERE id = $1 RETURNING %s", c.table, c.money, c.cents(more), c.total, set, read), args...).
			Scan(&money, &payer, &total); err != nil {
			return fmt.Errorf("update: %w", err)
		}
		if want := strings.Join(name, " "); payer != want {
			return fmt.Errorf("it wrote %q and read %q", want, payer)
		}
		args[0] = id
		if _, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (id, %s, %s, %s%s) VALUES ($1, $2, %s, 'x'%s)", c.table, c.total, c.money, c.note, list, c.cents(more), places), args...); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE id = $1 AND %s = %s", read, c.table, c.note, "'x'"), id).Scan(&money, &payer, &total); err != nil {
			return fmt.Errorf("select: %w", err)
		}
		if money != c.cents(more) || payer != strings.Join(name, " ") || total != more {
			return fmt.Errorf("it inserted %s, %q, %d and read %s, %q, %d", c.cents(more), name, more, money, payer, total)
		}
		// Columns of one change alone.
		if _, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = $2 WHERE id = $1", c.table, c.payer[0]), id, "Zoe"); err != nil {
			return fmt.Errorf("update of one: %w", err)
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = 70 WHERE id = $1", c.table, c.total), id); err != nil {
			return fmt.Errorf("update of another: %w", err)
		}
		rows, err := tx.Query(ctx, fmt.Sprintf("SELECT * FROM %s WHERE id = $1", c.table), id)
		if err != nil {
			return err
		}
		defer rows.Close()
		var labels []string
		for _, d := range rows.FieldDescriptions() {
			labels = append(labels, d.Name)
		}
		if got := strings.Join(labels, ","); got != c.columns {
			return fmt.Errorf("it sees the columns %s", got)
		}
		return nil
	})
}

// clerkModes are two of execModes, which all are in the tests of one change.
var clerkModes = []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol}

// An office is the clients of one version.
type office struct {
	t    *testing.T
	stop context.CancelFunc
	wg   sync.WaitGroup
	done atomic.Int64
}

func (c *clerk) open(t *testing.T, f *fleet, first int, sum *atomic.Int64) *office {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	o := &office{t: t, stop: stop}
	for i, mode := range clerkModes {
		conn := f.connect(t, i%len(f.instances), c.version, mode)
		o.wg.Go(func() {
			defer conn.Close(context.Background())
			for n := 0; ctx.Err() == nil; n++ {
				id := first + i*1_000_000 + n
				if err := c.work(conn, id, 1+(n*7+i)%20); err != nil {
					t.Errorf("%s, %v, round %d: %v", c.version, mode, n, err)
					return
				}
				sum.Add(int64(2 * (1 + id%7)))
				o.done.Add(1)
			}
		})
	}
	t.Cleanup(o.end)
	return o
}

func (o *office) end() {
	o.stop()
	o.wg.Wait()
}

func rounds(n int, offices ...*office) {
	for _, o := range offices {
		want := o.done.Load() + int64(n*len(clerkModes))
		pgtest.Eventually(o.t, func() bool { return o.t.Failed() || o.done.Load() >= want }, "the clients go on")
	}
}

func TestSeveralOperationsOfOneFileAreAboutOneTable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file    string
		renewed clerk
		back    bool // there is a way back from contract
	}{
		"several changes": {severalChanges, clerk{
			version: "several", table: "bill", money: "amount", total: "units", note: "note", payer: []string{"first", "last"}, amounts: true,
			columns: "id,note,legacy,amount,first,last,units",
		}, true},
		"changes and renames": {changesAndRenames, clerk{
			version: "several", table: "invoice", money: "amount", total: "total", note: "remark", payer: []string{"first", "last"}, amounts: true,
			columns: "id,remark,amount,first,last,total,currency",
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, bills)
			t.Cleanup(func() {
				if st, err := f.instances[0].Instance.Get(context.Background(), "several"); t.Failed() {
					t.Logf("in the end: %+v, %v", st, err)
				}
			})
			sum := new(atomic.Int64)
			first := 10_000
			open := func(c *clerk) *office { first += 10_000_000; return c.open(t, f, first, sum) }
			old := open(&oldClerk)
			rounds(1, old)
			f.create(t, tc.file)
			f.transition(t, "several", activate)
			rounds(1, old)
			f.stage(t, "several", rules.Served)
			renewed := open(&tc.renewed)
			rounds(1, old, renewed)
			f.transition(t, "several", cutover)
			rounds(1, old, renewed)
			f.transition(t, "several", backToActive)
			rounds(1, old, renewed)
			renewed.end()
			f.gone(t, "several")
			f.transition(t, "several", rollback)
			rounds(1, old)
			f.transition(t, "several", migrate.Request{Kind: migrate.Purge})
			rounds(1, old)
			f.transition(t, "several", activate)
			f.stage(t, "several", rules.Served)
			f.transition(t, "several", cutover)
			renewed = open(&tc.renewed)
			rounds(1, old, renewed)
			renewed.end()
			f.gone(t, "several")
			f.transition(t, "several", rollback)
			rounds(1, old)
			f.transition(t, "several", migrate.Request{Kind: migrate.Purge})
			f.transition(t, "several", activate)
			f.stage(t, "several", rules.Served)
			renewed = open(&tc.renewed)
			f.transition(t, "several", cutover)
			rounds(1, old, renewed)
			old.end()
			f.gone(t, "base")
			f.transition(t, "several", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
			rounds(1, renewed)
			renewed.end()
			f.gone(t, "several")
			f.stage(t, "several", rules.Settled)
			if tc.back {
				f.transition(t, "several", migrate.Request{Kind: migrate.Rollback, EndSessions: true})
				old = open(&oldClerk)
				rounds(1, old)
				f.transition(t, "several", migrate.Request{Kind: migrate.Purge})
				f.transition(t, "several", activate)
				f.stage(t, "several", rules.Served)
				old.end()
				f.gone(t, "base")
				f.transition(t, "several", cutover)
				f.transition(t, "several", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
				f.stage(t, "several", rules.Settled)
			}
			renewed = open(&tc.renewed)
			rounds(1, renewed)
			f.transition(t, "several", migrate.Request{Kind: migrate.Purge})
			rounds(1, renewed)
			renewed.end()
			conn := pgtest.Connect(t, f.direct)
			var total int64
			if err := conn.QueryRow(t.Context(), "SELECT (100 * sum(amount))::bigint FROM "+tc.renewed.table).Scan(&total); err != nil || total != 2_000_000+sum.Load() {
				t.Errorf("in the end the sum is %d, %v, and %d was written", total, err, 2_000_000+sum.Load())
			}
			want := []string{tc.renewed.columns, "2000,Ada,Nr2000,10.00,5"}
			got := table(t, conn, "SELECT * FROM "+tc.renewed.table+" WHERE id = 0")
			got = append(got, table(t, conn, "SELECT id, first, last, amount, "+tc.renewed.total+" FROM "+tc.renewed.table+" WHERE id = 2000")[1:]...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("in the end there is (-want +got)\n%s", diff)
			}
			if left := table(t, conn, `SELECT attname FROM pg_attribute WHERE attrelid = '`+tc.renewed.table+`'::regclass AND attname LIKE '\_segue%' AND NOT attisdropped
				UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = '`+tc.renewed.table+`'::regclass
				UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'segue'::regnamespace AND proname LIKE '\_segue\_%\_1\_%'`)[1:]; len(left) > 0 {
				t.Errorf("purge has left %v", left)
			}
		})
	}
}
