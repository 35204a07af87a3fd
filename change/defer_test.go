package change_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

// numbers is code, a text, that becomes number, which it cannot for every text.
func numbers() change.Change {
	return change.Change{
		Key: "4_1", Table: change.Name{Schema: "public", Name: "parts"},
		Old:    []change.Column{{Name: "code", Type: "text"}, {Name: "unit", Type: "text", Default: "'mm'", Constant: true}},
		New:    []change.Column{{Name: "number", Type: "integer", NotNull: true}, {Name: "scale", Type: "smallint"}},
		Up:     change.Map{"number": "code::pg_catalog.int4", "scale": "pg_catalog.length(unit)::pg_catalog.int2"},
		Down:   change.Map{"code": "number::pg_catalog.text", "unit": "pg_catalog.repeat('m', scale::pg_catalog.int4)"},
		Inline: true, NullOK: true, Defer: true,
	}
}

const partsTable = `CREATE TABLE parts (id int PRIMARY KEY, code text, unit text DEFAULT 'mm', seen int);
INSERT INTO parts VALUES (1, '17'), (2, 'none'), (3, NULL)`

// Whoever writes the old side meets no error that up raises, in any form of expression.
func TestWhatUpRaisesIsNoErrorOfWhoeverWrites(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ inline, others bool }{
		"inline": {true, false}, "in functions": {false, false}, "inline, with triggers of others": {true, true}, "in functions, with triggers of others": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := numbers()
			d.Inline, d.Others = tc.inline, tc.others
			s := expanded(t, d, nil, partsTable)
			if tc.others {
				pgtest.Exec(t, s.url, `CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.seen := 9; RETURN NEW; END$$;
					CREATE TRIGGER m BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION seen()`)
			}
			const fill = "UPDATE parts SET code = '18' WHERE id = 1"
			s.check(t, []written{
				{name: "an UPDATE of a row that is not filled", do: []string{"UPDATE parts SET code = 'x' WHERE id = 1"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "an UPDATE of a row that is", do: []string{fill, "UPDATE parts SET code = 'x' WHERE id = 1"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "and back", do: []string{fill, "UPDATE parts SET code = 'x' WHERE id = 1", "UPDATE parts SET code = '5' WHERE id = 1"}, want: "5|mm|5|2|1|1"},
				{name: "an INSERT", do: []string{"DELETE FROM parts WHERE id = 1", "INSERT INTO parts (id, code) VALUES (1, 'x')"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "an INSERT by the old version", do: []string{"DELETE FROM parts WHERE id = 1", "INSERT INTO parts (id, code, MARK) VALUES (1, 'x', -2)"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "ON CONFLICT", do: []string{fill, "INSERT INTO parts (id, code) VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET code = excluded.code"}, want: "y|mm|NULL|NULL|0|1"},
				{name: "NULL that the new side must not have", do: []string{fill, "UPDATE parts SET code = NULL WHERE id = 1"}, want: "NULL|mm|NULL|NULL|0|1"},
				{name: "a value that does not fit the type", do: []string{fill, "UPDATE parts SET code = '9999999999' WHERE id = 1"}, want: "9999999999|mm|NULL|NULL|0|1"},
				{name: "another column of a row that is left", do: []string{"UPDATE parts SET code = 'x' WHERE id = 1", "UPDATE parts SET seen = 9 WHERE id = 1"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "by a worker that applies", do: []string{fill, "SET LOCAL session_replication_role = replica", "UPDATE parts SET code = 'x' WHERE id = 1"}, want: "x|mm|NULL|NULL|0|1"},
				{name: "many rows, told of once", do: []string{"UPDATE parts SET code = 'x'", "UPDATE parts SET code = 'y'"}, want: "y|mm|NULL|NULL|0|1"},
				{name: "the whole new side of a row that is left", do: []string{"UPDATE parts SET code = 'x' WHERE id = 1", "UPDATE parts SET number = 4, scale = 1, MARK = 2 WHERE id = 1"}, want: "4|m|4|1|1|1"},
				{name: "half of it", do: []string{"UPDATE parts SET code = 'x' WHERE id = 1", "UPDATE parts SET number = 4, MARK = 2 WHERE id = 1"}, code: "22P02"},
				{name: "a marker by hand", do: []string{fill, "UPDATE parts SET number = NULL, scale = NULL, MARK = 0 WHERE id = 1"}, code: "23514"},
			}, "SELECT code, unit, number, scale, MARK, (SELECT greatest(count(*), 1) FROM segue.deferred) FROM parts WHERE id = 1")
			s.check(t, []written{
				{name: "nothing is told of what can be computed", do: []string{fill, "INSERT INTO parts (id, code) VALUES (8, '8')"}, want: "0"},
				{name: "a row that is left is told of", do: []string{"INSERT INTO parts (id, code) VALUES (8, 'x')"}, want: "1"},
			}, "SELECT count(*) FROM segue.deferred WHERE change = '4_1' AND row_key IS NULL")

			// Once no row is left, none comes to be left.
			pgtest.Exec(t, s.url, "UPDATE parts SET code = '2' WHERE id IN (2, 3)")
			s.filled().run(s.c.Complete())
			reject := []written{
				{name: "an UPDATE", do: []string{"UPDATE parts SET code = 'x' WHERE id = 1"}, code: "22P02"},
				{name: "an INSERT", do: []string{"INSERT INTO parts (id, code) VALUES (8, 'x')"}, code: "22P02"},
			}
			s.check(t, reject, "")
			s.run([]string{s.c.Validate()})
			s.run(s.c.Serve())
			s.check(t, reject, "")
		})
	}
}

func TestATriggerOfOthersMendsARowForWhichUpRaises(t *testing.T) {
	t.Parallel()
	for name, inline := range map[string]bool{"inline": true, "in functions": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := numbers()
			d.Inline, d.Others = inline, true
			s := expanded(t, d, nil, partsTable, `CREATE FUNCTION mend() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.code := '0' || pg_catalog.translate(NEW.code, 'abc', ''); RETURN NEW; END$$;
				CREATE TRIGGER m BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION mend()`)
			s.check(t, []written{
				{name: "of a row at 0", do: []string{"UPDATE parts SET code = '5a' WHERE id = 1"}, want: "05|5|1"},
				{name: "of a row in step", do: []string{"UPDATE parts SET code = '6' WHERE id = 1", "UPDATE parts SET code = '5a' WHERE id = 1"}, want: "05|5|1"},
				{name: "and not all of it", do: []string{"UPDATE parts SET code = '6' WHERE id = 1", "UPDATE parts SET code = '5x' WHERE id = 1"}, want: "05x|NULL|0"},
			}, "SELECT code, number, MARK FROM parts WHERE id = 1")
		})
	}
}

// A writer who relies on what another has told of keeps it from being taken away.
func TestWhatAWriterReliesOnIsNotTakenAway(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := numbers()
	s := expanded(t, d, nil, partsTable)
	if err := s.exec("UPDATE parts SET code = 'x' WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	const take = "DELETE FROM segue.deferred WHERE ctid = ANY (ARRAY(SELECT ctid FROM segue.deferred WHERE row_key IS NULL FOR UPDATE SKIP LOCKED))"
	writer := pgtest.Connect(t, s.url)
	for _, level := range []string{"READ COMMITTED", "REPEATABLE READ"} {
		for _, sql := range []string{"BEGIN ISOLATION LEVEL " + level, "UPDATE parts SET code = '" + level + "' WHERE id = 2"} {
			if _, err := writer.Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.exec(take); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Exec(ctx, "COMMIT"); err != nil {
			t.Fatal(err)
		}
		if got := s.rows("SELECT count(*) FROM segue.deferred"); got != "1" {
			t.Errorf("%s: %s rows tell of what the writer has left, want 1", level, got)
		}
	}
	for _, sql := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT FROM parts"} {
		if _, err := writer.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.exec(take); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"UPDATE parts SET code = 'z' WHERE id = 2", "COMMIT"} {
		if _, err := writer.Exec(ctx, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if got := s.rows("SELECT count(*) FROM segue.deferred"); got != "1" {
		t.Errorf("%s rows tell of what a writer with an old snapshot has left, want 1", got)
	}
}
