package change_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

// loud is a trigger of a user's that has the old side in capitals, with a mark that grows, so that it changes what it sees each time.
func loud(table, event string) string {
	return `CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.full_name := upper(NEW.full_name) || '!'; RETURN NEW; END$$;
		CREATE TRIGGER loud BEFORE ` + event + ` ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION loud()`
}

// eachForm calls run for expressions that may stand in CHECKs and for others.
func eachForm(t *testing.T, run func(t *testing.T, d change.Change)) {
	for _, form := range []struct {
		name   string
		inline bool
	}{{"inline", true}, {"in functions", false}} {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			d := names()
			d.Others, d.Inline = true, form.inline
			run(t, d)
		})
	}
}

func TestATriggerOfOthersLeadsWhereTheFirstTriggerSawNothingNew(t *testing.T) {
	t.Parallel()
	const look = "SELECT full_name, first, last, MARK FROM people WHERE id = 1"
	eachForm(t, func(t *testing.T, d change.Change) {
		s := expanded(t, d, nil, peopleTable)
		pgtest.Exec(t, s.url, loud("people", "UPDATE"))
		filling := []written{
			{name: "the new side as its version would read it, past the proxy", do: []string{"UPDATE people SET first = 'Ada', last = 'Lovelace' WHERE id = 1"}, want: "ADA LOVELACE!|ADA|LOVELACE!|1"},
			{name: "half of it", do: []string{"UPDATE people SET last = 'Lovelace' WHERE id = 1"}, want: "ADA LOVELACE!|ADA|LOVELACE!|1"},
			{name: "by the new version", do: []string{"UPDATE people SET first = 'Ada', last = 'Lovelace', MARK = 2 WHERE id = 1"}, want: "ADA LOVELACE!|ADA|LOVELACE!|1"},
			{name: "what it reads and what is there", do: []string{"UPDATE people SET full_name = full_name, first = 'Ada' WHERE id = 1"}, want: "ADA LOVELACE!|ADA|LOVELACE!|1"},
			{name: "nothing", do: []string{"UPDATE people SET seen = 1 WHERE id = 1"}, want: "ADA LOVELACE!|ADA|LOVELACE!|1"},
		}
		s.check(t, filling, look)
		s.run(s.c.Complete())
		s.check(t, filling, look)
	})
}

func TestATriggerOfOthersLeadsInTheRowThatCameFromAnotherPartition(t *testing.T) {
	t.Parallel()
	const look = "SELECT full_name, first, last, MARK FROM people WHERE id = 1"
	eachForm(t, func(t *testing.T, d change.Change) {
		s := expanded(t, d, nil, `CREATE TABLE people (id int, region int, full_name text DEFAULT '') PARTITION BY LIST (region);
			CREATE TABLE people_1 PARTITION OF people FOR VALUES IN (1); CREATE TABLE people_2 PARTITION OF people FOR VALUES IN (2);
			INSERT INTO people VALUES (1, 1, 'Ada Lovelace')`)
		pgtest.Exec(t, s.url, loud("people", "INSERT"))
		const move = "UPDATE people SET region = 2 WHERE id = 1"
		s.check(t, []written{{name: "at 0", do: []string{move}, want: "ADA LOVELACE!|NULL|NULL|0"}}, look)
		inStep := []written{
			{name: "in step", do: []string{"UPDATE people SET full_name = 'Ada King' WHERE id = 1", move}, want: "ADA KING!|ADA|KING!|1"},
			{name: "flipped", do: []string{"UPDATE people SET full_name = 'Ada King', first = 'Ada', last = 'King', MARK = FLIP WHERE id = 1",
				"UPDATE people SET full_name = 'Bo King', first = 'Bo', last = 'King', MARK = FLIP WHERE id = 1", move}, want: "BO KING!|BO|KING!|1"},
			{name: "a row that says so and is not", do: []string{"INSERT INTO people (id, region, full_name, first, last, MARK) VALUES (2, 1, 'x', 'Ann', 'Lee', -1)"}, code: "23514"},
			{name: "a row that says otherwise so and is not", do: []string{"INSERT INTO people (id, region, full_name, first, last, MARK) VALUES (2, 1, 'x', 'Ann', 'Lee', 1)"}, code: "23514"},
		}
		s.check(t, inStep, look)
		if _, err := s.conn.Exec(context.Background(), change.Together{s.c}.Backfill(change.Name{Schema: "public", Name: "people_1"}, false), 0, 1<<20); err != nil {
			t.Fatal(err)
		}
		s.serve()
		s.check(t, inStep, look)
		s.run(s.c.Cutover())
		s.check(t, inStep, look)
	})
}
