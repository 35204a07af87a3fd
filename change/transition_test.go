package change_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/change"
)

func TestAChangeGoesThroughItsLifeAndKeepsWhatWasWritten(t *testing.T) {
	t.Parallel()
	d := money()
	d.Old[0].NotNull, d.Old[0].Default, d.Old[0].Constant = true, "100", true
	d.New[0].NotNull, d.New[0].Default, d.New[0].Constant = true, "1.00", true
	s := expanded(t, d, nil, `CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL DEFAULT 100, note text); INSERT INTO orders VALUES (1, 150), (2, 7)`)
	const both = "SELECT cents, amount, MARK FROM orders WHERE id = 9"
	must := func(sql ...string) {
		t.Helper()
		for _, one := range sql {
			if err := s.exec(one); err != nil {
				t.Fatalf("%s: %v", one, err)
			}
		}
	}
	s.run(s.c.Complete())
	s.check(t, []written{
		{name: "what is written at 0 is filled", do: []string{"UPDATE orders SET note = 'x' WHERE id = 1"}, want: "150|1.50|1, 7|NULL|0"},
		{name: "a write of the new side at 0", do: []string{"UPDATE orders SET amount = 2 WHERE id = 1"}, want: "200|2.00|1, 7|NULL|0"},
		{name: "an INSERT at 0 is filled", do: []string{"DELETE FROM orders", "INSERT INTO orders (id, cents, MARK) VALUES (1, 5, 0)"}, want: "5|0.05|1"},
	}, "SELECT cents, amount, MARK FROM orders ORDER BY id")
	if err := s.exec(s.c.Validate()); err == nil {
		t.Fatal("it was proved that no row is left, and there are two")
	}
	s.filled()
	must(s.c.Validate())
	s.run(s.c.Serve())
	s.check(t, []written{
		{name: "an INSERT that names neither", do: []string{"INSERT INTO orders (id) VALUES (9)"}, want: "100|1.00|1"},
		{name: "an INSERT of the old side", do: []string{"INSERT INTO orders (id, cents) VALUES (9, 7)"}, want: "7|0.07|1"},
		{name: "an INSERT of the new side", do: []string{"INSERT INTO orders (id, amount) VALUES (9, 7)"}, want: "700|7.00|1"},
		{name: "a marker set to 0", do: []string{"UPDATE orders SET MARK = 0"}, code: "23514"},
	}, both)
	s.run(s.c.Cutover())
	s.check(t, []written{
		{name: "an INSERT that names neither, after cutover", do: []string{"INSERT INTO orders (id) VALUES (9)"}, want: "100|1.00|1"},
		{name: "an INSERT of the old side, after cutover", do: []string{"INSERT INTO orders (id, cents) VALUES (9, 7)"}, want: "7|0.07|1"},
		{name: "an INSERT of the old side with its code, after cutover", do: []string{"INSERT INTO orders (id, cents, MARK) VALUES (9, 7, -2)"}, want: "7|0.07|1"},
		{name: "an INSERT of the new side, after cutover", do: []string{"INSERT INTO orders (id, amount) VALUES (9, 7)"}, want: "700|7.00|1"},
		{name: "an INSERT of both that differ, after cutover", do: []string{"INSERT INTO orders (id, cents, amount) VALUES (9, 7, 7)"}, code: "23514"},
	}, both)
	s.run(s.c.BackToActive())
	s.check(t, []written{
		{name: "an INSERT that names neither, back from cutover", do: []string{"INSERT INTO orders (id) VALUES (9)"}, want: "100|1.00|1"},
		{name: "an INSERT of the new side, back from cutover", do: []string{"INSERT INTO orders (id, amount) VALUES (9, 7)"}, want: "700|7.00|1"},
	}, both)
	s.run(s.c.Cutover())
	s.run(s.c.Contract())
	s.check(t, []written{
		{name: "an INSERT after contract", do: []string{"INSERT INTO orders (id, amount) VALUES (9, 7)"}, want: "700|7.00|1"},
		{name: "an UPDATE after contract", do: []string{"INSERT INTO orders (id, amount) VALUES (9, 7)", "UPDATE orders SET amount = 8 WHERE id = 9"}, want: "800|8.00|1"},
		{name: "the old name is gone", do: []string{"UPDATE orders SET cents = 1"}, code: "42703"},
	}, "SELECT _segue_old_1_1_1, amount, MARK FROM orders WHERE id = 9")
	s.run(s.c.BackFromContract())
	s.check(t, []written{
		{name: "an INSERT of the old side, back from contract", do: []string{"INSERT INTO orders (id, cents) VALUES (9, 7)"}, want: "7|0.07|1"},
	}, both)
	s.run(s.c.Contract())
	s.run(s.c.Settle())
	s.run(s.c.Purge())
	must("INSERT INTO orders (id) VALUES (9)")
	if got, want := s.rows("SELECT * FROM orders ORDER BY id"), "1|NULL|1.50, 2|NULL|0.07, 9|NULL|1.00"; got != want {
		t.Errorf("after purge there is %s, want %s", got, want)
	}
	s.nothingIsLeft(t)
}

func TestWhatOnlyRowsThatAreNotFilledNeedIsGoneWhenTheNewVersionIsServed(t *testing.T) {
	t.Parallel()
	d := money()
	d.New[0].NotNull, d.UpKeepsNull = true, true
	s := expanded(t, d, nil, `CREATE TABLE orders (id int, region int NOT NULL DEFAULT 0, cents int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE orders_0 PARTITION OF orders FOR VALUES IN (0); CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1);
		INSERT INTO orders VALUES (1, 0, 150)`)
	for _, part := range []string{"orders_0", "orders_1"} {
		if _, err := s.conn.Exec(context.Background(), change.Together{s.c}.Backfill(change.Name{Schema: "public", Name: part}, true), 0, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	s.serve()
	for query, want := range map[string]string{
		"SELECT relname, (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid AND contype = 'c' AND convalidated) FROM pg_class c WHERE relname ~ '^orders(_.)?$' ORDER BY 1": "orders|1, orders_0|1, orders_1|1",
		"SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'orders_1'::regclass ORDER BY 1":                                                                                  "!_segue_first_insert_1_1|A, !_segue_first_update_1_1|A",
		"SELECT attnotnull FROM pg_attribute WHERE attrelid = 'orders_0'::regclass AND attname = 'amount'":                                                                          "t",
	} {
		if got := s.rows(query); got != want {
			t.Errorf("%s\ngives %s, want %s", query, got, want)
		}
	}
	s.check(t, []written{
		{name: "a flip", do: []string{"UPDATE orders SET cents = 7, amount = 0.07, MARK = FLIP"}, want: "0|7|0.07|-1"},
		{name: "a row at -1 that moves", do: []string{"UPDATE orders SET cents = 7, amount = 0.07, MARK = FLIP", "UPDATE orders SET region = 1"}, want: "1|7|0.07|-1"},
		{name: "a write after a flip", do: []string{"UPDATE orders SET cents = 7, amount = 0.07, MARK = FLIP", "UPDATE orders SET cents = 8"}, want: "0|8|0.08|-1"},
		{name: "a flip that lies", do: []string{"UPDATE orders SET cents = 7, amount = 0.08, MARK = FLIP"}, code: "23514"},
		{name: "NULL where the other side is not", do: []string{"UPDATE orders SET cents = NULL, MARK = FLIP"}, code: "23514"},
		{name: "NULL where it cannot be", do: []string{"UPDATE orders SET cents = NULL"}, code: "23502"},
		{name: "a code, with triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER USER", "UPDATE orders SET MARK = 2"}, code: "23514"},
		{name: "no code, with triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER USER", "UPDATE orders SET MARK = 0"}, code: "23514"},
	}, "SELECT region, cents, amount, MARK FROM orders WHERE id = 1")
	s.run(s.c.Rollback())
	if err := s.exec("INSERT INTO orders (id, cents) VALUES (2, NULL)"); err != nil {
		t.Errorf("nobody fills the new column any more, and it must still be filled: %v", err)
	}
}

func TestAReusedNameGoesToTheNewColumnWhenItIsSettled(t *testing.T) {
	t.Parallel()
	d := money()
	d.New[0].Name = "cents"
	d.Up, d.Down = map[string]string{"cents": "cents / 100.0"}, map[string]string{"cents": "(cents * 100)::integer"}
	s := expanded(t, d, nil, ordersTable).filled()
	s.serve().run(s.c.Cutover())
	s.run(s.c.Contract())
	s.run(s.c.Settle())
	s.check(t, []written{
		{name: "a write", do: []string{"UPDATE orders SET cents = 3.25 WHERE id = 1"}, want: "325|3.25|1"},
	}, "SELECT _segue_old_1_1_1, cents, MARK FROM orders WHERE id = 1")
	s.run(s.c.Purge())
	s.nothingIsLeft(t)
}

func TestARollbackDropsNoColumnUntilPurge(t *testing.T) {
	t.Parallel()
	s := expanded(t, names(), nil, peopleTable).filled()
	if err := s.exec("UPDATE people SET first = 'Ada Augusta', MARK = 2 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	s.run(s.c.Rollback())
	if got, want := s.rows("SELECT full_name, _segue_withdrawn_2_1_1 FROM people WHERE id = 1"), "Ada Augusta Lovelace|Ada Augusta"; got != want {
		t.Errorf("after rollback there is %s, want %s", got, want)
	}
	if err := s.exec("UPDATE people SET full_name = 'x' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	s.run(s.c.PurgeRolledBack())
	s.nothingIsLeft(t)
	s.run(s.c.Expand()) // it can be activated again
}

// nothingIsLeft checks that no object of Segue's is left but the table of conflicts.
func (s *stage) nothingIsLeft(t *testing.T) {
	t.Helper()
	var left string
	err := s.conn.QueryRow(context.Background(), `SELECT coalesce(string_agg(name, ' '), '') FROM (
		SELECT attname::text FROM pg_attribute WHERE attname LIKE '%\_segue\_%' AND NOT attisdropped
		UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE '\_segue\_%'
		UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE '%\_segue\_%'
		UNION ALL SELECT conname FROM pg_constraint WHERE conname LIKE '%\_segue\_%') AS o (name)`).Scan(&left)
	if err != nil {
		t.Fatal(err)
	}
	if left != "" {
		t.Errorf("these are left: %s", left)
	}
}
