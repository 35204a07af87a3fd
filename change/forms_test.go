package change_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

// filled brings the rows of a table to the marker 1.
func (s *stage) filled() *stage {
	s.t.Helper()
	if _, err := s.conn.Exec(context.Background(), change.Together{s.c}.Backfill(s.c.Table, true), 0, 1<<20); err != nil {
		s.t.Fatal(err)
	}
	return s
}

// serve lets the new version in.
func (s *stage) serve() *stage {
	s.t.Helper()
	s.run(s.c.Complete())
	s.run([]string{s.c.Validate()})
	s.run(s.c.Serve())
	return s
}

func TestFormsOfWriting(t *testing.T) {
	t.Parallel()
	s := expanded(t, money(), nil, ordersTable).filled()
	s.check(t, []written{
		{name: "ON CONFLICT by the old version, new row", do: []string{
			"INSERT INTO orders (id, cents) VALUES (9, 5) ON CONFLICT (id) DO UPDATE SET cents = EXCLUDED.cents"}, want: "1|150|1.50|1, 9|5|0.05|1"},
		{name: "ON CONFLICT by the old version, row that is there", do: []string{
			"INSERT INTO orders (id, cents) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET cents = orders.cents + EXCLUDED.cents"}, want: "1|155|1.55|1"},
		{name: "ON CONFLICT by the new version, new row", do: []string{
			"INSERT INTO orders (id, amount, MARK) VALUES (9, 5, 2) ON CONFLICT (id) DO UPDATE SET amount = EXCLUDED.amount, MARK = 2"}, want: "1|150|1.50|1, 9|500|5.00|1"},
		{name: "ON CONFLICT by the new version, row that is there", do: []string{
			"INSERT INTO orders (id, amount, MARK) VALUES (1, 5, 2) ON CONFLICT (id) DO UPDATE SET amount = orders.amount + EXCLUDED.amount, MARK = 2"}, want: "1|650|6.50|1"},
		{name: "ON CONFLICT that takes the other side of the new row", do: []string{
			"INSERT INTO orders (id, cents) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET amount = EXCLUDED.amount"}, want: "1|5|0.05|1"},
		{name: "ON CONFLICT with the marker of the new row", do: []string{
			"INSERT INTO orders (id, cents) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET cents = EXCLUDED.cents, MARK = EXCLUDED.MARK"}, want: "1|5|0.05|1"},
		{name: "MERGE by the old version", do: []string{
			"MERGE INTO orders USING (VALUES (1, 7), (9, 8)) AS v (id, cents) ON orders.id = v.id WHEN MATCHED THEN UPDATE SET cents = v.cents WHEN NOT MATCHED THEN INSERT (id, cents) VALUES (v.id, v.cents)"},
			want: "1|7|0.07|1, 9|8|0.08|1"},
		{name: "MERGE by the new version", do: []string{
			"MERGE INTO orders USING (VALUES (1, 7), (9, 8)) AS v (id, amount) ON orders.id = v.id WHEN MATCHED THEN UPDATE SET amount = v.amount, MARK = 2 WHEN NOT MATCHED THEN INSERT (id, amount, MARK) VALUES (v.id, v.amount, 2)"},
			want: "1|700|7.00|1, 9|800|8.00|1"},
		{name: "MERGE with flips", do: []string{
			`MERGE INTO orders USING (VALUES (1, 7), (9, 8)) AS v (id, cents) ON orders.id = v.id WHEN MATCHED THEN UPDATE SET cents = v.cents, amount = v.cents / 100.0, MARK = CASE WHEN orders.MARK = 1 THEN -1 ELSE 1 END WHEN NOT MATCHED THEN INSERT (id, cents, amount, MARK) VALUES (v.id, v.cents, v.cents / 100.0, 1)`},
			want: "1|7|0.07|-1, 9|8|0.08|1"},
		{name: "INSERT of a SELECT", do: []string{"INSERT INTO orders (id, cents) SELECT id + 8, cents + 1 FROM orders WHERE id = 1"}, want: "1|150|1.50|1, 9|151|1.51|1"},
		{name: "INSERT of whole rows with their markers", do: []string{"INSERT INTO orders (id, cents, amount, MARK) SELECT id + 8, cents, amount, MARK FROM orders WHERE id = 1"}, want: "1|150|1.50|1, 9|150|1.50|1"},
		{name: "UPDATE of several columns at once", do: []string{"UPDATE orders SET (cents, note) = (SELECT 9, 'x') WHERE id = 1"}, want: "1|9|0.09|1"},
		{name: "UPDATE to DEFAULT", do: []string{"UPDATE orders SET cents = DEFAULT WHERE id = 1"}, want: "1|NULL|NULL|1"},
		{name: "a write by a worker that applies", do: []string{"SET LOCAL session_replication_role = replica", "UPDATE orders SET cents = 9 WHERE id = 1"}, want: "1|9|0.09|1"},
		{name: "both sides by a worker that applies", do: []string{"SET LOCAL session_replication_role = replica", "UPDATE orders SET cents = 9, amount = 0.09, MARK = -1 WHERE id = 1"}, want: "1|9|0.09|-1"},
		{name: "sides that do not belong together by a worker that applies", do: []string{"SET LOCAL session_replication_role = replica", "UPDATE orders SET cents = 9, amount = 5 WHERE id = 1"}, want: "1|9|0.09|1"},
		{name: "a write with all triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER ALL", "UPDATE orders SET cents = 9 WHERE id = 1"}, code: "23514"},
		{name: "an INSERT with users' triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER USER", "INSERT INTO orders (id, cents) VALUES (9, 9)"}, code: "23514"},
		{name: "a code with users' triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER USER", "UPDATE orders SET amount = 1, MARK = 2 WHERE id = 1"}, code: "23514"},
		{name: "a flip with users' triggers disabled", do: []string{"ALTER TABLE orders DISABLE TRIGGER USER", "UPDATE orders SET cents = 9, amount = 0.09, MARK = -1 WHERE id = 1"}, want: "1|9|0.09|-1"},
	}, "SELECT id, cents, amount, MARK FROM orders WHERE id IN (1, 9) ORDER BY id")
	s.check(t, []written{
		{name: "what did not belong together is listed", do: []string{"SET LOCAL session_replication_role = replica", "UPDATE orders SET cents = 9, amount = 5 WHERE id = 1"}, want: "1_1|orders|(9)|(5.00)"},
	}, "SELECT change, relation::regclass, old_side, new_side FROM segue.conflict")
}

func TestPartitionsMoveRowsAsTheyAre(t *testing.T) {
	t.Parallel()
	d := money()
	// An up that raises for some rows: those are left at 0, and must be movable.
	d.Up["amount"] = "cents / 100.0 + 0 * (1 / (cents - 13))"
	s := expanded(t, d, nil, `CREATE TABLE orders (id int, region int, cents int) PARTITION BY LIST (region);
		CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1);
		CREATE TABLE orders_2 PARTITION OF orders FOR VALUES IN (2);
		INSERT INTO orders VALUES (1, 1, 150), (2, 1, 13)`)
	s.check(t, []written{
		{name: "at 0", do: []string{"UPDATE orders SET region = 2 WHERE id = 1"}, want: "orders_2|150|NULL|0"},
		{name: "at 0 with a write of the old side", do: []string{"UPDATE orders SET region = 2, cents = 7 WHERE id = 1"}, want: "orders_2|7|0.07|1"},
		{name: "at 0 with a write of the new side", do: []string{"UPDATE orders SET region = 2, amount = 7, MARK = 2 WHERE id = 1"}, want: "orders_2|700|7.00|1"},
		{name: "in step", do: []string{"UPDATE orders SET cents = 7 WHERE id = 1", "UPDATE orders SET region = 2 WHERE id = 1"}, want: "orders_2|7|0.07|1"},
	}, "SELECT tableoid::regclass, cents, amount, MARK FROM orders WHERE id = 1")
	s.check(t, []written{
		{name: "at 0, of which up raises", do: []string{"UPDATE orders SET region = 2 WHERE id = 2"}, want: "orders_2|13|NULL|0"},
		{name: "a write of a row of which up raises", do: []string{"UPDATE orders SET cents = 13, region = 2 WHERE id = 2"}, want: "orders_2|13|NULL|0"},
		{name: "an INSERT of a row of which up raises", do: []string{"INSERT INTO orders VALUES (3, 1, 13)"}, code: "22012"},
	}, "SELECT tableoid::regclass, cents, amount, MARK FROM orders WHERE id = 2")
}

func TestTriggersOfOthers(t *testing.T) {
	t.Parallel()
	trigger := func(name, event, body string) string {
		return `CREATE FUNCTION "` + name + `"() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ` + body + `; RETURN NEW; END$$;
			CREATE TRIGGER "` + name + `" BEFORE ` + event + ` ON people FOR EACH ROW EXECUTE FUNCTION "` + name + `"();`
	}
	people := peopleTable + ";"
	for _, tc := range []struct {
		name, trigger string
		others        bool
		written       []written
	}{
		{"one that assigns the old side", trigger("A", "INSERT OR UPDATE", `NEW.full_name := initcap(NEW.full_name)`), true, []written{
			{name: "written old", do: []string{"UPDATE people SET full_name = 'ada king' WHERE id = 1"}, want: "Ada King|Ada|King|1|NULL"},
			{name: "written new", do: []string{"UPDATE people SET first = 'augusta', MARK = 2 WHERE id = 1"}, want: "Augusta Lovelace|Augusta|Lovelace|1|NULL"},
			{name: "written neither", do: []string{"UPDATE people SET seen = 1 WHERE id = 1"}, want: "Ada Lovelace|Ada|Lovelace|1|1"},
			{name: "INSERT", do: []string{"DELETE FROM people WHERE id = 1", "INSERT INTO people VALUES (1, 'bo lee')"}, want: "Bo Lee|Bo|Lee|1|NULL"},
			{name: "INSERT of the new side", do: []string{"DELETE FROM people WHERE id = 1", "INSERT INTO people (id, first, last, MARK) VALUES (1, 'bo b', 'lee', 2)"}, want: "Bo B Lee|Bo|B Lee|1|NULL"},
			{name: "a flip", do: []string{"UPDATE people SET full_name = 'bo lee', first = 'bo', last = 'lee', MARK = FLIP WHERE id = 1"}, code: "23514"},
		}},
		{"one that assigns the new side", trigger("z", "INSERT OR UPDATE", `NEW.last := upper(NEW.last)`), true, []written{
			{name: "written old", do: []string{"UPDATE people SET full_name = 'ada king' WHERE id = 1"}, want: "ada KING|ada|KING|1|NULL"},
			{name: "written new", do: []string{"UPDATE people SET first = 'Augusta', MARK = 2 WHERE id = 1"}, want: "Augusta LOVELACE|Augusta|LOVELACE|1|NULL"},
			{name: "written neither", do: []string{"UPDATE people SET seen = 1 WHERE id = 1"}, want: "Ada LOVELACE|Ada|LOVELACE|1|1"},
			{name: "INSERT", do: []string{"DELETE FROM people WHERE id = 1", "INSERT INTO people VALUES (1, 'bo lee')"}, want: "bo LEE|bo|LEE|1|NULL"},
		}},
		{"one that assigns both sides, and not in step", trigger("b", "INSERT OR UPDATE", `NEW.full_name := 'x y'; NEW.last := 'z'`), true, []written{
			{name: "written neither", do: []string{"UPDATE people SET seen = 1 WHERE id = 1"}, code: "23514"},
		}},
		{"one that reads the new side", trigger("r", "INSERT OR UPDATE", `NEW.seen := length(NEW.last)`), true, []written{
			{name: "written old", do: []string{"UPDATE people SET full_name = 'ada king' WHERE id = 1"}, want: "ada king|ada|king|1|4"},
			{name: "written new", do: []string{"UPDATE people SET last = 'Byron', MARK = 2 WHERE id = 1"}, want: "Ada Byron|Ada|Byron|1|5"},
		}},
		{"one that reads the old side, of an UPDATE that names it", trigger("o", "UPDATE OF full_name", `NEW.seen := length(NEW.full_name)`), true, []written{
			{name: "written new, with the old side named", do: []string{"UPDATE people SET last = 'Byron', full_name = full_name, MARK = 2 WHERE id = 1"}, want: "Ada Byron|Ada|Byron|1|9"},
		}},
		{"one that writes the same table within", trigger("w", "UPDATE OF seen", `UPDATE people SET full_name = 'in ner' WHERE id = 2; NEW.full_name := 'out er'`), true, []written{
			{name: "both are in step", do: []string{"UPDATE people SET seen = 1, full_name = 'a b' WHERE id = 1"}, want: "out er|out|er|1|1"},
		}},
		{"one that nobody has told of", trigger("u", "INSERT OR UPDATE", `NEW.full_name := initcap(NEW.full_name)`), false, []written{
			{name: "changes nothing", do: []string{"UPDATE people SET full_name = 'Ada King' WHERE id = 1"}, want: "Ada King|Ada|King|1|NULL"},
			{name: "changes something", do: []string{"UPDATE people SET full_name = 'ada king' WHERE id = 1"}, code: "23514"},
			{name: "changes something in a statement that names no side", do: []string{"SET LOCAL session_replication_role = replica",
				"UPDATE people SET full_name = 'ada king' WHERE id = 1", "SET LOCAL session_replication_role = origin", "UPDATE people SET seen = 1 WHERE id = 1"}, code: "23514"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, inline := range []bool{true, false} {
				d := names()
				d.Others, d.Inline = tc.others, inline
				if !tc.others && !inline {
					continue // it always notes what it leaves
				}
				s := expanded(t, d, nil, people)
				s.filled()
				pgtest.Exec(t, s.url, tc.trigger)
				s.check(t, tc.written, "SELECT full_name, first, last, MARK, seen FROM people WHERE id = 1")
			}
		})
	}
}

func TestCascadesAreFollowed(t *testing.T) {
	t.Parallel()
	d := change.Change{
		Key: "3_1", Table: change.Name{Schema: "public", Name: "posts"},
		Old: []change.Column{{Name: "member_id", Type: "integer"}}, New: []change.Column{{Name: "member", Type: "bigint"}},
		Up: change.Map{"member": "member_id * 10::bigint"}, Down: change.Map{"member_id": "(member / 10)::integer"}, Inline: true,
	}
	s := expanded(t, d, nil, `CREATE TABLE members (id int PRIMARY KEY);
		CREATE TABLE posts (id int PRIMARY KEY, member_id int REFERENCES members ON UPDATE CASCADE ON DELETE SET NULL);
		INSERT INTO members VALUES (1), (2); INSERT INTO posts VALUES (1, 1), (2, 2)`)
	s.filled()
	s.check(t, []written{
		{name: "ON UPDATE CASCADE", do: []string{"UPDATE members SET id = 5 WHERE id = 1"}, want: "5|50|1, 2|20|1"},
		{name: "ON DELETE SET NULL", do: []string{"DELETE FROM members WHERE id = 1"}, want: "NULL|NULL|1, 2|20|1"},
	}, "SELECT member_id, member, MARK FROM posts ORDER BY id")
}

func TestChildrenOfPlainInheritance(t *testing.T) {
	t.Parallel()
	d := money()
	d.Heirs = []change.Name{{Schema: "public", Name: "late"}}
	s := expanded(t, d, nil, ordersTable+"; CREATE TABLE late (days int) INHERITS (orders)")
	s.check(t, []written{
		{name: "INSERT", do: []string{"INSERT INTO late (id, cents) VALUES (9, 5)"}, want: "5|0.05|1"},
		{name: "UPDATE through the parent", do: []string{"INSERT INTO late (id, cents) VALUES (9, 5)", "UPDATE orders SET amount = 7, MARK = 2 WHERE id = 9"}, want: "700|7.00|1"},
	}, "SELECT cents, amount, MARK FROM orders WHERE id = 9")
	if err := s.exec("CREATE TABLE later (days int) INHERITS (orders)"); err != nil {
		t.Fatal(err)
	}
	s.check(t, []written{
		{name: "one that is made later cannot have rows that nobody has filled", do: []string{"INSERT INTO later (id, cents) VALUES (9, 5)"}, code: "23514"},
	}, "")
}

func TestRowsAreFilledWithoutReadingTheWholeTable(t *testing.T) {
	t.Parallel()
	s := expanded(t, names(), nil, peopleTable, "INSERT INTO people SELECT i, 'Ann Lee ' || i FROM generate_series(10, 2000) AS i")
	together := change.Together{s.c}
	for name, sql := range map[string]string{"a range": together.Backfill(s.c.Table, true), "places": together.BackfillEach(s.c.Table, true)} {
		t.Run(name, func(t *testing.T) {
			must := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			must(s.exec("BEGIN; SET LOCAL enable_seqscan = off")) // the table is small
			defer func() { must(s.exec("ROLLBACK")) }()
			want := s.rows("SELECT count(*) FROM people WHERE ctid >= '(2,0)' AND ctid < '(4,0)'")
			pages := strings.NewReplacer("$1", "2", "$2", "4").Replace(sql)
			if plan := s.rows("EXPLAIN (COSTS off) " + pages); strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "Tid") {
				t.Errorf("it is filled by\n%s", plan)
			}
			must(s.exec(pages))
			if got := s.rows("SELECT count(*) FROM people WHERE MARK = 1"); got != want || want == "0" {
				t.Errorf("%s rows are filled, and the pages have %s", got, want)
			}
		})
	}
}
