package test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

const prices = `
CREATE TABLE sale (id bigint PRIMARY KEY, cents int NOT NULL DEFAULT 100, note text);
INSERT INTO sale SELECT i, 1000, 'sale ' || i FROM generate_series(1, 3000) AS i;`

const amount = `
id: amount
contract_after: 0s
operations:
  - change_columns:
      table: public.sale
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true, default: "1.00" }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
`

// A till is the clients of one version that sell: they add to rows that the other version's clients add to, too, and put in
// rows of their own.
type till struct {
	t       *testing.T
	renewed bool // the version that has amount
	rows    int
	sum     *atomic.Int64 // of everything that was written, in cents
	stop    context.CancelFunc
	wg      sync.WaitGroup
	done    atomic.Int64
}

// openTill starts the clients of one version, in every exec mode and through every instance.
func openTill(t *testing.T, f *fleet, version string, first int, sum *atomic.Int64) *till {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &till{t: t, renewed: version == "amount", rows: 20, sum: sum, stop: stop}
	for i, mode := range execModes {
		conn := f.connect(t, i%len(f.instances), version, mode)
		l.wg.Go(func() {
			defer conn.Close(context.Background())
			for n := 0; ctx.Err() == nil; n++ {
				if err := l.sell(conn, first+i*1_000_000+n, 1+(n*7+i)%l.rows); err != nil {
					t.Errorf("%s, %v, round %d: %v", version, mode, n, err)
					return
				}
				l.done.Add(1)
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

// money is a number of cents as the version has it.
func (l *till) money(cents int) string {
	if l.renewed {
		return fmt.Sprintf("%d.%02d", cents/100, cents%100)
	}
	return fmt.Sprint(cents)
}

func (l *till) column() string {
	if l.renewed {
		return "amount"
	}
	return "cents"
}

// sell adds to one row and puts in another one, each of which it reads as it wrote it.
func (l *till) sell(conn *pgx.Conn, id, shared int) error {
	ctx := context.Background()
	c, more := l.column(), 1+id%7
	before, after, seen, first := "", "", "", ""
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT "+c+"::text FROM sale WHERE id = $1 FOR UPDATE", shared).Scan(&before); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "UPDATE sale SET "+c+" = "+c+" + "+l.money(more)+" WHERE id = $1 RETURNING "+c+"::text", shared).Scan(&after); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT "+c+"::text FROM sale WHERE "+c+" = "+after+" AND id = $1", shared).Scan(&seen); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO sale (id, "+c+", note) VALUES ($1, "+l.money(more)+", 'x')", id); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT * FROM sale WHERE id = $1", id)
		if err != nil {
			return err
		}
		row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
		if err != nil {
			return err
		}
		if len(row) != 3 || row[c] == nil || row["note"] != "x" {
			return fmt.Errorf("the row that was inserted is %v", row)
		}
		return tx.QueryRow(ctx, "SELECT "+c+"::text FROM sale WHERE id = $1", id).Scan(&first)
	})
	if err != nil {
		return err
	}
	l.sum.Add(int64(2 * more))
	if seen != after || first != l.money(more) {
		return fmt.Errorf("it wrote %s and read %s, and inserted %s and read %s", after, seen, l.money(more), first)
	}
	return nil
}

// rounds waits until the clients have gone n times around from now on, on the average.
func (l *till) rounds(n int) {
	l.t.Helper()
	want := l.done.Load() + int64(n*len(execModes))
	pgtest.Eventually(l.t, func() bool { return l.t.Failed() || l.done.Load() >= want }, "the clients go on")
}

func (l *till) end() {
	l.stop()
	l.wg.Wait()
}

// stage waits until the columns of a migration have come so far.
func (f *fleet) stage(t *testing.T, id string, want rules.Stage) {
	t.Helper()
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Instance.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return t.Failed() || st.Stage == want && st.Pending == nil
	}, id+" is "+string(want))
}

// balanced checks that no write is lost and every row is in step.
func balanced(t *testing.T, f *fleet, sum *atomic.Int64, clients ...*till) {
	t.Helper()
	for _, l := range clients {
		l.end()
	}
	ctx, conn := t.Context(), pgtest.Connect(t, f.direct)
	var total int64
	var column string
	if err := conn.QueryRow(ctx, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'sale'::regclass AND attname ~ '^(cents|_segue_old_.*)$' AND NOT attisdropped`).Scan(&column); err == nil {
		if err := conn.QueryRow(ctx, "SELECT sum("+column+") FROM sale").Scan(&total); err != nil {
			t.Fatal(err)
		}
		if want := 3_000_000 + sum.Load(); total != want {
			t.Errorf("the sum of %s is %d, and %d was written", column, total, want)
		}
	}
	var marker string
	if err := conn.QueryRow(ctx, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'sale'::regclass AND attname LIKE '\_segue\_mark\_%' AND NOT attisdropped`).Scan(&marker); err != nil {
		return
	}
	var wrong int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM sale WHERE ("+marker+" IN (1, -1) AND amount = "+column+" / 100.0) IS NOT TRUE").Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d rows are not in step, %v", wrong, err)
	}
}

func TestBothVersionsWriteWhileAColumnChangesItsTypeAndUnit(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, prices)
	sum := new(atomic.Int64)
	old := openTill(t, f, "base", 10_000, sum)
	old.rounds(2)
	f.create(t, amount)
	f.transition(t, "amount", activate)
	old.rounds(3)
	f.stage(t, "amount", rules.Served)
	renewed := openTill(t, f, "amount", 100_000_000, sum)
	for range 2 {
		renewed.rounds(3)
		old.rounds(3)
		f.transition(t, "amount", cutover)
		renewed.rounds(3)
		old.rounds(3)
		f.transition(t, "amount", backToActive)
	}
	renewed.rounds(3)
	renewed.end()
	f.gone(t, "amount")
	f.transition(t, "amount", rollback)
	old.rounds(3)
	f.transition(t, "amount", migrate.Request{Kind: migrate.Purge})
	old.rounds(3)
	f.transition(t, "amount", activate)
	f.stage(t, "amount", rules.Served)
	renewed = openTill(t, f, "amount", 200_000_000, sum)
	renewed.rounds(3)
	old.rounds(3)
	f.transition(t, "amount", cutover)
	renewed.rounds(3)
	old.rounds(3)
	old.end()
	f.gone(t, "base")
	balanced(t, f, sum, old, renewed)
	renewed = openTill(t, f, "amount", 250_000_000, sum)
	renewed.rounds(1)
	f.transition(t, "amount", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	renewed.rounds(3)
	balanced(t, f, sum, renewed)

	// There is a way back from contract, too, with what was written since.
	left := f.connect(t, 1, "amount", pgx.QueryExecModeExec)
	f.transition(t, "amount", migrate.Request{Kind: migrate.Rollback, EndSessions: true})
	if err := left.Ping(t.Context()); err == nil {
		t.Error("a session of the version that has gone goes on")
	}
	old = openTill(t, f, "base", 260_000_000, sum)
	old.rounds(3)
	f.transition(t, "amount", migrate.Request{Kind: migrate.Purge})
	old.rounds(3)
	f.transition(t, "amount", activate)
	f.stage(t, "amount", rules.Served)
	old.rounds(3)
	old.end()
	f.gone(t, "base")
	f.transition(t, "amount", cutover)
	f.transition(t, "amount", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	f.transition(t, "amount", migrate.Request{Kind: migrate.Purge})
	last := openTill(t, f, "amount", 300_000_000, sum)
	last.rounds(3)
	last.end()
	var total int64
	if err := pgtest.Connect(t, f.direct).QueryRow(t.Context(), "SELECT (100 * sum(amount))::bigint FROM sale").Scan(&total); err != nil || total != 3_000_000+sum.Load() {
		t.Errorf("in the end the sum is %d, %v, and %d was written", total, err, 3_000_000+sum.Load())
	}
}

func TestAVersionIsServedOnlyWhenItsColumnsAreComplete(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, prices, `UPDATE sale SET cents = 0 WHERE id = 2000`)
	f.create(t, strings.NewReplacer("cents / 100.0", "1000.0 / cents", "(amount * 100)::integer", "(1000 / amount)::integer").Replace(amount)+"      lossy: true\n")
	f.transition(t, "amount", activate)
	_, err := pgx.Connect(t.Context(), f.url(t, 0, "amount"))
	if err == nil || !strings.Contains(err.Error(), `57P03`) || !strings.Contains(err.Error(), `schema version "amount" is not served yet`) {
		t.Errorf("a session of the new version gets %v", err)
	}
	pgtest.Eventually(t, func() bool {
		_, err := pgx.Connect(t.Context(), f.url(t, 0, "amount"))
		return err != nil && strings.Contains(err.Error(), "with the key id=2000: division by zero")
	}, "the refusal says why it is not complete")
	conn := f.connect(t, 0, "base", pgx.QueryExecModeExec)
	if _, err := conn.Exec(t.Context(), `UPDATE sale SET cents = 1 WHERE id = 2000`); err != nil {
		t.Fatal(err)
	}
	if err := f.instances[0].Instance.Resume(t.Context(), "amount", "test"); err != nil {
		t.Fatal(err)
	}
	f.stage(t, "amount", rules.Served)
	var got string
	if err := f.connect(t, 0, "amount", pgx.QueryExecModeExec).QueryRow(t.Context(), `SELECT amount::text FROM sale WHERE id = 2000`).Scan(&got); err != nil || got != "1000.00" {
		t.Errorf("the new version reads %s, %v", got, err)
	}
}

// An app of the old version that comes back after contract must not read the new meaning of a name for the old one.
func TestBaseIsNotServedWhileANameOfItMeansAnotherColumn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, `CREATE TABLE item (id int PRIMARY KEY, price int NOT NULL); INSERT INTO item VALUES (1, 250)`)
	f.create(t, `
id: dollars
contract_after: 0s
operations:
  - change_columns:
      table: public.item
      from: [price]
      to: [{ name: price, type: "numeric(12,2)", not_null: true }]
      up: { price: price / 100.0 }
      down: { price: (price * 100)::integer }
`)
	f.transition(t, "dollars", activate)
	f.stage(t, "dollars", rules.Served)
	f.transition(t, "dollars", cutover)
	f.connect(t, 0, "base", pgx.QueryExecModeExec).Close(t.Context())
	f.gone(t, "base")
	pinned, unpinned := f.connect(t, 0, "dollars", pgx.QueryExecModeExec), f.connect(t, 1, "", pgx.QueryExecModeExec)
	f.transition(t, "dollars", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	read := func(when string, conn *pgx.Conn) {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT price::text FROM item").Scan(&got); err != nil || got != "2.50" {
			t.Errorf("%s: %s, %v", when, got, err)
		}
	}
	refused := func(when string) {
		for i := range f.instances {
			pgtest.Eventually(t, func() bool { // an instance may hear of the end of a stage a moment later
				conn, err := pgx.Connect(t.Context(), f.url(t, i, "base"))
				if err == nil {
					_ = conn.Close(t.Context())
				}
				e, ok := errors.AsType[*pgconn.PgError](err)
				return ok && e.Code == "57P03" && strings.Contains(e.Hint, "segue purge dollars")
			}, when+": base is refused")
		}
	}
	refused("before the column has its name")
	read("kept, pinned", pinned)
	read("kept, unpinned", unpinned)
	var e *pgconn.PgError
	if _, err := pinned.Exec(t.Context(), "SET segue.version = base"); !errors.As(err, &e) || e.Code != "57P03" {
		t.Errorf("to choose base gives %v", err)
	}
	read("the choice has been refused", pinned)
	for _, sql := range []string{"SELECT set_config('segue.version', 'base', false)", "DO $$ BEGIN PERFORM set_config('segue.version', 'base', false); END $$"} {
		conn := f.connect(t, 0, "dollars", pgx.QueryExecModeExec)
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "SELECT price FROM item"); !errors.As(err, &e) || e.Code != "57P03" {
			t.Errorf("a session that has made itself base by %s reads with %v", sql, err)
		}
	}
	pinned.Close(t.Context())
	unpinned.Close(t.Context())
	f.stage(t, "dollars", rules.Settled)
	refused("when the column has its name")
	read("settled, pinned", f.connect(t, 0, "dollars", pgx.QueryExecModeExec))
	read("settled, unpinned", f.connect(t, 1, "", pgx.QueryExecModeExec))
	f.transition(t, "dollars", migrate.Request{Kind: migrate.Purge})
	read("purged, base", f.connect(t, 0, "base", pgx.QueryExecModeExec))
}

func TestEachKindOfChangeIsReadAndWrittenByBothVersions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		schema, file     string
		old, renewed     string   // each inserts a row and gives it back: $1 is its id
		oldSees, newSees []string // of the rows that were there, and that each version has inserted
	}{
		"another type under the same name": {
			`CREATE TABLE item (id int PRIMARY KEY, total int NOT NULL DEFAULT 5, note text); INSERT INTO item VALUES (1, 10, 'a')`,
			"table: public.item\n      from: [total]\n      to: [{ name: total, type: bigint, not_null: true, default: '5' }]\n      up: { total: 'total::bigint' }\n      down: { total: 'total::int' }\n      bijective: true",
			"INSERT INTO item VALUES ($1, 20, 'old') RETURNING total", "INSERT INTO item (id, total, note) VALUES ($1, 30, 'new') RETURNING total",
			[]string{"id,total,note", "1,10,a", "2,20,old", "3,30,new"}, []string{"id,note,total", "1,a,10", "2,old,20", "3,new,30"},
		},
		"a list of values": {
			`CREATE TABLE item (id int PRIMARY KEY, state text); INSERT INTO item VALUES (1, 'o'), (4, NULL)`,
			"table: public.item\n      from: [state]\n      to: [{ name: status, type: text }]\n      map: { o: open, c: closed }",
			"INSERT INTO item (id, state) VALUES ($1, 'c') RETURNING state", "INSERT INTO item (status, id) VALUES ('open', $1) RETURNING status",
			[]string{"id,state", "1,o", "2,c", "3,o", "4,<nil>"}, []string{"id,status", "1,open", "2,closed", "3,open", "4,<nil>"},
		},
		"a split": {
			`CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL); INSERT INTO item VALUES (1, 'Ada Lovelace')`,
			"table: public.item\n      from: [name]\n      to: [{ name: first, type: text }, { name: last, type: text }]\n      up: { first: \"split_part(name, ' ', 1)\", last: \"split_part(name, ' ', 2)\" }\n      down: { name: \"first || ' ' || last\" }",
			"INSERT INTO item VALUES ($1, 'Grace Hopper') RETURNING name", "INSERT INTO item (id, first, last) VALUES ($1, 'Barbara', 'Liskov') RETURNING first, last",
			[]string{"id,name", "1,Ada Lovelace", "2,Grace Hopper", "3,Barbara Liskov"}, []string{"id,first,last", "1,Ada,Lovelace", "2,Grace,Hopper", "3,Barbara,Liskov"},
		},
		"a merge": {
			`CREATE TABLE item (id int PRIMARY KEY, first text, last text); INSERT INTO item VALUES (1, 'Ada', 'Lovelace')`,
			"table: public.item\n      from: [first, last]\n      to: [{ name: name, type: text, not_null: true }]\n      up: { name: \"first || ' ' || last\" }\n      down: { first: \"split_part(name, ' ', 1)\", last: \"split_part(name, ' ', 2)\" }",
			"INSERT INTO item VALUES ($1, 'Grace', 'Hopper') RETURNING first", "INSERT INTO item VALUES ($1, 'Barbara Liskov') RETURNING name",
			[]string{"id,first,last", "1,Ada,Lovelace", "2,Grace,Hopper", "3,Barbara,Liskov"}, []string{"id,name", "1,Ada Lovelace", "2,Grace Hopper", "3,Barbara Liskov"},
		},
		"a partitioned table": {
			`CREATE TABLE item (id int PRIMARY KEY, cents int) PARTITION BY RANGE (id); CREATE TABLE i1 PARTITION OF item FOR VALUES FROM (0) TO (2); CREATE TABLE i2 PARTITION OF item DEFAULT; INSERT INTO item VALUES (1, 100)`,
			"table: public.item\n      from: [cents]\n      to: [{ name: amount, type: 'numeric(12,2)' }]\n      up: { amount: cents / 100.0 }\n      down: { cents: (amount * 100)::int }",
			"INSERT INTO item VALUES ($1, 200) RETURNING cents", "INSERT INTO item VALUES ($1, 3) RETURNING amount",
			[]string{"id,cents", "1,100", "2,200", "3,300"}, []string{"id,amount", "1,1.00", "2,2.00", "3,3.00"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, tc.schema)
			f.create(t, "id: new\ncontract_after: 0s\noperations:\n  - change_columns:\n      "+tc.file+"\n")
			f.transition(t, "new", activate)
			f.stage(t, "new", rules.Served)
			for _, phase := range []string{"served", "cutover"} {
				if phase == "cutover" {
					f.transition(t, "new", cutover)
					pgtest.Exec(t, f.url(t, 0, "base"), "DELETE FROM item WHERE id IN (2, 3)")
				}
				old, renewed := f.connect(t, 0, "base", pgx.QueryExecModeCacheStatement), f.connect(t, 0, "new", pgx.QueryExecModeCacheStatement)
				for _, w := range []struct {
					conn *pgx.Conn
					sql  string
					id   int
				}{{old, tc.old, 2}, {renewed, tc.renewed, 3}} {
					if _, err := w.conn.Exec(t.Context(), w.sql, w.id); err != nil {
						t.Fatalf("%s, %s: %v", phase, w.sql, err)
					}
				}
				for _, r := range []struct {
					who  string
					conn *pgx.Conn
					want []string
				}{{"the old version", old, tc.oldSees}, {"the new version", renewed, tc.newSees}} {
					if diff := cmp.Diff(r.want, table(t, r.conn, "SELECT * FROM item ORDER BY id")); diff != "" {
						t.Errorf("%s: %s sees (-want +got):\n%s", phase, r.who, diff)
					}
				}
				old.Close(t.Context())
				renewed.Close(t.Context())
			}
			f.gone(t, "base")
			f.gone(t, "new")
			f.transition(t, "new", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
			check := func(when string) {
				t.Helper()
				if diff := cmp.Diff(tc.newSees, table(t, f.connect(t, 0, "new", pgx.QueryExecModeExec), "SELECT * FROM item ORDER BY id")); diff != "" {
					t.Errorf("%s the new version sees (-want +got):\n%s", when, diff)
				}
			}
			f.stage(t, "new", rules.Settled)
			check("after contract")
			_, err := f.connect(t, 0, "new", pgx.QueryExecModeExec).Exec(t.Context(), "INSERT INTO item (id) VALUES (4)")
			if e := new(pgconn.PgError); errors.As(err, &e) && strings.Contains(fmt.Sprintf("%+v", *e), "_segue_") {
				t.Errorf("an error after contract names what is hidden: %+v", *e)
			}
			if err == nil {
				pgtest.Exec(t, f.direct, "DELETE FROM item WHERE id = 4")
			}
			f.transition(t, "new", migrate.Request{Kind: migrate.Purge})
			check("after purge")
			if got := table(t, pgtest.Connect(t, f.direct), "SELECT * FROM item ORDER BY id"); !cmp.Equal(tc.newSees, got) {
				t.Errorf("the database has %v", got)
			}
		})
	}
}

// table is the result of a query: the labels, and then each row.
func table(t *testing.T, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var cells []string
		for _, v := range rows.RawValues() {
			if v == nil {
				cells = append(cells, "<nil>")
			} else {
				cells = append(cells, string(v))
			}
		}
		out = append(out, strings.Join(cells, ","))
	}
	var labels []string
	for _, d := range rows.FieldDescriptions() {
		labels = append(labels, d.Name)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return append([]string{strings.Join(labels, ",")}, out...)
}

func TestNoWriteIsLostWhileControlConnectionsAreCut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, prices)
	sum := new(atomic.Int64)
	old := openTill(t, f, "base", 10_000, sum)
	ctx, stop := context.WithCancel(t.Context())
	conn := pgtest.Connect(t, f.direct)
	cuts, cut, left := 0, make(chan struct{}), new(atomic.Int64) // left are those to come while a request is under way
	end := func() { stop(); <-cut }
	t.Cleanup(end)
	go func() {
		defer close(cut)
		tick := time.NewTicker(150 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if left.Load() == 0 {
				continue
			}
			tag, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
				WHERE application_name = 'segue' AND datname = current_database() ORDER BY random() LIMIT 1) AS one`)
			if err != nil {
				t.Errorf("cut: %v", err)
				return
			}
			cuts += int(tag.RowsAffected())
			left.Add(-tag.RowsAffected())
		}
	}()
	// Whoever asks may be cut, too, and asks again. Cuts end after some, as a slow machine may not get through between two.
	again := func(r migrate.Request, done func(st *migrate.Status) bool) {
		t.Helper()
		left.Store(10)
		i := f.instances[0].Instance
		pgtest.Eventually(t, func() bool {
			st, err := i.Get(ctx, "amount")
			if err != nil {
				return false
			}
			if !done(st) && st.Pending == nil {
				_ = i.Request(ctx, "amount", r)
			}
			return t.Failed() || done(st) && st.Pending == nil
		}, string(r.Kind)+" is done")
	}
	phase := func(p rules.Phase) func(*migrate.Status) bool {
		return func(st *migrate.Status) bool { return st.Phase == p }
	}
	pgtest.Eventually(t, func() bool {
		_, _, err := f.instances[0].Instance.Create(ctx, "rules.yaml", []byte(amount), "test")
		return err == nil
	}, "the migration is stored")
	again(activate, func(st *migrate.Status) bool { return st.Stage == rules.Served })
	renewed := openTill(t, f, "amount", 100_000_000, sum)
	for range 2 {
		again(cutover, phase(rules.Cutover))
		old.rounds(2)
		renewed.rounds(2)
		again(backToActive, phase(rules.Active))
		old.rounds(2)
		renewed.rounds(2)
	}
	again(cutover, phase(rules.Cutover))
	end()
	if cuts < 10 {
		t.Errorf("only %d connections were cut", cuts)
	}
	balanced(t, f, sum, old, renewed)
}
