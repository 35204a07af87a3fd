package change_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	ordersTable = `CREATE TABLE orders (id int PRIMARY KEY, cents int, note text);
INSERT INTO orders VALUES (1, 150), (2, NULL), (3, 7)`
	peopleTable = `CREATE TABLE people (id int PRIMARY KEY, full_name text DEFAULT '', seen int);
INSERT INTO people VALUES (1, 'Ada Lovelace'), (2, NULL), (3, 'Prince')`
)

// A written is one statement and what it leaves, or the SQLSTATE of its error.
type written struct {
	name string
	do   []string
	want string
	code string
	hint string // of the error; not looked at where it is empty
}

func (s *stage) check(t *testing.T, all []written, look string) {
	t.Helper()
	for _, w := range all {
		t.Run(w.name, func(t *testing.T) {
			if err := s.exec("BEGIN"); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.exec("ROLLBACK"); err != nil {
					t.Fatal(err)
				}
			}()
			var err error
			for _, sql := range w.do {
				if err = s.exec(sql); err != nil {
					break
				}
			}
			code := ""
			if rejected, ok := errors.AsType[*pgconn.PgError](err); ok {
				code = rejected.Code
				if w.hint != "" && rejected.Hint != w.hint {
					t.Errorf("%q: the hint is %q, want %q", w.do, rejected.Hint, w.hint)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if code != w.code {
				t.Fatalf("%q: %v, want SQLSTATE %q", w.do, err, w.code)
			}
			if code != "" {
				return
			}
			if got := s.rows(look); got != w.want {
				t.Errorf("%q leaves %s, want %s", w.do, got, w.want)
			}
		})
	}
}

func TestWhoLeadsInALossyChange(t *testing.T) {
	t.Parallel()
	s := expanded(t, names(), nil, peopleTable)
	s.check(t, []written{
		{name: "an INSERT of the old side", do: []string{"INSERT INTO people (id, full_name) VALUES (9, 'Grace B Hopper')"}, want: "Grace B Hopper|Grace|B Hopper|1"},
		{name: "an INSERT that names neither", do: []string{"INSERT INTO people (id) VALUES (9)"}, want: "|||1"},
		{name: "an INSERT of NULL", do: []string{"INSERT INTO people (id, full_name) VALUES (9, NULL)"}, want: "NULL|NULL|NULL|1"},
		{name: "an INSERT past the proxy of the new side", do: []string{"INSERT INTO people (id, first, last) VALUES (9, 'Ann Marie', 'Lee')"}, want: "Ann Marie Lee|Ann Marie|Lee|1"},
		{name: "an INSERT of both in step", do: []string{"INSERT INTO people (id, full_name, first, last) VALUES (9, 'Ann Marie Lee', 'Ann Marie', 'Lee')"}, want: "Ann Marie Lee|Ann Marie|Lee|1"},
		{name: "an INSERT of both that differ", do: []string{"INSERT INTO people (id, full_name, first, last) VALUES (9, 'Ann', 'Marie', 'Lee')"}, code: "23514"},
		{name: "an INSERT of half the new side", do: []string{"INSERT INTO people (id, first, MARK) VALUES (9, 'Ann', 2)"}, code: "23514",
			hint: `Give a value to each of "first", "last", or to none of them: "full_name" is made of all.`},
		{name: "an INSERT with the code of the new side", do: []string{"INSERT INTO people (id, first, last, MARK) VALUES (9, 'Ann Marie', 'Lee', 2)"}, want: "Ann Marie Lee|Ann Marie|Lee|1"},
		{name: "an INSERT of NULL with the code of the new side", do: []string{"INSERT INTO people (id, first, last, MARK) VALUES (9, NULL, NULL, 2)"}, want: "NULL|NULL|NULL|1"},
		{name: "an INSERT of both with a flip", do: []string{"INSERT INTO people (id, full_name, first, last, MARK) VALUES (9, 'Ann Marie Lee', 'Ann Marie', 'Lee', -1)"}, want: "Ann Marie Lee|Ann Marie|Lee|-1"},
		{name: "an INSERT of both with a flip that lies", do: []string{"INSERT INTO people (id, full_name, first, last, MARK) VALUES (9, 'x', 'Ann Marie', 'Lee', -1)"}, code: "23514"},
		{name: "an unknown code", do: []string{"INSERT INTO people (id, MARK) VALUES (9, 17)"}, want: "|||1"},
	}, "SELECT full_name, first, last, MARK FROM people WHERE id = 9")
	const fill = "UPDATE people SET first = 'Ada', last = 'Lovelace', MARK = 1 WHERE id = 1"
	s.check(t, []written{
		{name: "an UPDATE of the old side at 0", do: []string{"UPDATE people SET full_name = 'Ada King' WHERE id = 1"}, want: "Ada King|Ada|King|1|NULL"},
		{name: "an UPDATE of the old side", do: []string{fill, "UPDATE people SET full_name = 'Ada King' WHERE id = 1"}, want: "Ada King|Ada|King|1|NULL"},
		{name: "an UPDATE of half the new side at 0", do: []string{"UPDATE people SET first = 'Augusta' WHERE id = 1"}, want: "Augusta Lovelace|Augusta|Lovelace|1|NULL"},
		{name: "an UPDATE of half the new side", do: []string{fill, "UPDATE people SET first = 'Augusta' WHERE id = 1"}, want: "Augusta Lovelace|Augusta|Lovelace|1|NULL"},
		{name: "an UPDATE of neither at 0", do: []string{"UPDATE people SET seen = 1 WHERE id = 1"}, want: "Ada Lovelace|NULL|NULL|0|1"},
		{name: "a save of the whole row at 0", do: []string{"UPDATE people SET full_name = full_name, seen = 1 WHERE id = 1"}, want: "Ada Lovelace|NULL|NULL|0|1"},
		{name: "a save of the whole row", do: []string{fill, "UPDATE people SET full_name = full_name, first = first, seen = 1 WHERE id = 1"}, want: "Ada Lovelace|Ada|Lovelace|1|1"},
		{name: "a save by the new version", do: []string{fill, "UPDATE people SET first = first, MARK = 2, seen = 1 WHERE id = 1"}, want: "Ada Lovelace|Ada|Lovelace|1|1"},
		{name: "a save by the new version of what it reads at 0", do: []string{"UPDATE people SET first = 'Ada', last = 'Lovelace', MARK = 2 WHERE id = 1"}, want: "Ada Lovelace|Ada|Lovelace|1|NULL"},
		{name: "a save by the new version of what it reads of a row that only the old side can have", do: []string{"UPDATE people SET first = 'Prince', last = '', MARK = 2 WHERE id = 3"}, want: "Ada Lovelace|NULL|NULL|0|NULL"},
		{name: "a write of both in step", do: []string{fill, "UPDATE people SET full_name = 'Ann Marie Lee', first = 'Ann Marie', last = 'Lee' WHERE id = 1"}, want: "Ann Marie Lee|Ann Marie|Lee|1|NULL"},
		{name: "a write of both that differ", do: []string{fill, "UPDATE people SET full_name = 'Ann', first = 'Ann Marie', last = 'Lee' WHERE id = 1"}, code: "23514"},
		{name: "a flip", do: []string{fill, "UPDATE people SET full_name = 'Ann Marie Lee', first = 'Ann Marie', last = 'Lee', MARK = FLIP WHERE id = 1"}, want: "Ann Marie Lee|Ann Marie|Lee|-1|NULL"},
		{name: "a flip, and then a write without", do: []string{fill,
			"UPDATE people SET full_name = 'Ann Marie Lee', first = 'Ann Marie', last = 'Lee', MARK = FLIP WHERE id = 1",
			"UPDATE people SET full_name = 'Bo Lee' WHERE id = 1"}, want: "Bo Lee|Bo|Lee|-1|NULL"},
		{name: "a flip that lies", do: []string{fill, "UPDATE people SET full_name = 'x', MARK = FLIP WHERE id = 1"}, code: "23514"},
		{name: "a marker set back to 0", do: []string{fill, "UPDATE people SET MARK = 0 WHERE id = 1"}, code: "23514"},
		{name: "an unknown code", do: []string{fill, "UPDATE people SET MARK = 17 WHERE id = 1"}, code: "23514"},
		{name: "a marker set to its default", do: []string{fill, "UPDATE people SET MARK = DEFAULT, full_name = 'Ada King' WHERE id = 1"}, want: "Ada King|Ada|King|1|NULL"},
	}, "SELECT full_name, first, last, MARK, seen FROM people WHERE id = 1")
}

func TestWhatTheOldSideCannotHoldIsRejected(t *testing.T) {
	t.Parallel()
	s := expanded(t, money(), nil, ordersTable)
	s.check(t, []written{
		{name: "a value that comes back as it was", do: []string{"UPDATE orders SET amount = 3.25 WHERE id = 1"}, want: "325|3.25|1"},
		{name: "a value that is too large", do: []string{"UPDATE orders SET amount = 99999999.99 WHERE id = 1"}, code: "22003"},
	}, "SELECT cents, amount, MARK FROM orders WHERE id = 1")
}
