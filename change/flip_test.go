package change_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
)

// writes is an UPDATE of row 1 as a version of a side writes it that assigns values to columns of the side.
func writes(t *testing.T, c *change.Compiled, newSide, filled bool, assigned map[string]string) string {
	t.Helper()
	f := c.Flipping(newSide, filled)
	if f == nil {
		t.Fatal("the change can have no flips")
	}
	own, other := c.Old, c.New
	if newSide {
		own, other = other, own
	}
	var values []change.Value
	var names, set []string
	for i, col := range own {
		v := change.Value{SQL: `t."` + col.Physical + `"`, Before: `t."` + col.Physical + `"`}
		if sql, ok := assigned[col.Name]; ok {
			v.SQL, v.Assigned, v.Fixed = f.Own[i].Before+sql+f.Own[i].After, true, true
			set = append(set, col.Physical+" = "+sql)
		}
		values = append(values, v)
	}
	for _, col := range other {
		names = append(names, `t."`+col.Physical+`"`)
	}
	derived, turned := f.Write(values, names, "t.MARK")
	for i, col := range other {
		set = append(set, col.Physical+" = "+derived[i])
	}
	return "UPDATE " + c.Table.Name + " t SET " + strings.Join(set, ", ") + ", MARK = " + turned + " WHERE id = 1"
}

func TestWhatAFlipLeavesIsWhatTheTriggersLeave(t *testing.T) {
	t.Parallel()
	type set = map[string]string
	reciprocal := money()
	reciprocal.Up, reciprocal.Down = change.Map{"amount": "(1000 / cents)::numeric"}, change.Map{"cents": "(1000 / amount)::integer"}
	never := money()
	never.New[0].NotNull, never.Up = true, change.Map{"amount": "nullif(cents, 0) / 100.0"}
	short := names()
	short.Old[0].Type, short.Old[0].Default = "character varying(12)", ""
	for _, tc := range []struct {
		name, before, look string
		change             change.Change
		at0                bool
		newSide            bool
		set                set
	}{
		{"the old side", ordersTable, "cents, amount", money(), false, false, set{"cents": "77"}},
		{"the new side", ordersTable, "cents, amount", money(), false, true, set{"amount": "7.5"}},
		{"a value that is rounded as it is stored", ordersTable, "cents, amount", money(), false, true, set{"amount": "7.509"}},
		{"NULL", ordersTable, "cents, amount", money(), false, true, set{"amount": "NULL"}},
		{"what is there", ordersTable, "cents, amount", money(), false, false, set{"cents": "150"}},
		{"what is there, and the marker stays", ordersTable, "cents, MARK", money(), false, false, set{"cents": "150"}},
		{"what is there of the new side, and the marker stays", ordersTable, "cents, MARK", money(), false, true, set{"amount": "1.5"}},
		{"NULL that is there", strings.Replace(ordersTable, "150", "NULL", 1), "amount, MARK", money(), false, false, set{"cents": "NULL"}},
		{"NULL that is there of the new side", strings.Replace(ordersTable, "150", "NULL", 1), "amount, MARK", money(), false, true, set{"amount": "NULL"}},
		{"a row that is not filled", ordersTable, "cents, amount", money(), true, false, set{"cents": "77"}},
		{"what is there, of a row that is not filled", ordersTable, "cents, amount", money(), true, false, set{"cents": "150"}},
		{"what is there, of a row that is not filled and cannot be", strings.Replace(ordersTable, "150", "0", 1), "cents, amount", reciprocal, true, false, set{"cents": "0"}},
		{"what up cannot compute", ordersTable, "cents, amount", reciprocal, false, false, set{"cents": "0"}},
		{"what down cannot compute", ordersTable, "cents, amount", money(), false, true, set{"amount": "99999999.99"}},
		{"what the old side cannot hold", ordersTable, "cents, amount", reciprocal, false, true, set{"amount": "7"}},
		{"a value of which up makes NULL", ordersTable, "cents, amount", never, false, false, set{"cents": "0"}},
		{"NULL where the other side cannot be", ordersTable, "cents, amount", never, false, false, set{"cents": "NULL"}},
		{"half of the new side", peopleTable, "full_name, first, last", names(), false, true, set{"last": "'King'"}},
		{"half of the new side as it is", peopleTable, "full_name, first, last", names(), false, true, set{"last": "'Lovelace'"}},
		{"both halves", peopleTable, "full_name, first, last", names(), false, true, set{"first": "'Ann Marie'", "last": "'Lee'"}},
		{"a lossy side as it is", strings.Replace(peopleTable, "Ada L", "Ada  L", 1), "full_name, first, last", names(), false, false, set{"full_name": "'Ada  Lovelace'"}},
		{"a text that is too long", strings.Replace(strings.Replace(peopleTable, "text", "varchar(12)", 1), " DEFAULT ''", "", 1), "full_name, first, last", short, false, false, set{"full_name": "'0123456789abc'"}},
		{"spaces beyond what is kept", strings.Replace(strings.Replace(peopleTable, "text", "varchar(12)", 1), " DEFAULT ''", "", 1), "full_name, first, last", short, false, false, set{"full_name": "'012345 89ab   '"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := expanded(t, tc.change, nil, tc.before)
			if !tc.at0 {
				if err := s.exec("DELETE FROM " + tc.change.Table.Name + " WHERE id > 1"); err != nil {
					t.Fatal(err)
				}
				s.filled()
				s.serve().run(s.c.Cutover())
			}
			assigned := make([]string, 0, len(tc.set))
			side, code := s.c.Old, ""
			if tc.newSide {
				side, code = s.c.New, ", MARK = 2"
			}
			for _, col := range side {
				if sql, ok := tc.set[col.Name]; ok {
					assigned = append(assigned, col.Physical+" = "+sql)
				}
			}
			triggers := "UPDATE " + tc.change.Table.Name + " t SET " + strings.Join(assigned, ", ") + code + " WHERE id = 1"
			look := "SELECT " + tc.look + ", abs(MARK) FROM " + tc.change.Table.Name + " WHERE id = 1"
			want, got := s.after(triggers, look), s.after(writes(t, s.c, tc.newSide, !tc.at0, tc.set), look)
			if want != got {
				t.Errorf("%s\nleaves %s, and\n%s\n%s", triggers, want, writes(t, s.c, tc.newSide, !tc.at0, tc.set), got)
			}
			// No row, and nothing fails.
			none := strings.Replace(writes(t, s.c, tc.newSide, !tc.at0, tc.set), "id = 1", "id = 0", 1)
			if got, plain := s.after(none, look), s.after(strings.Replace(triggers, "id = 1", "id = 0", 1), look); got != plain {
				t.Errorf("%s\nleaves %s, want %s", none, got, plain)
			}
		})
	}
}

// after is what a query finds after a statement, which is taken back, or the SQLSTATE with which that fails.
func (s *stage) after(sql, look string) (found string) {
	s.t.Helper()
	if err := s.exec("BEGIN"); err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := s.exec("ROLLBACK"); err != nil {
			s.t.Fatal(err)
		}
	}()
	if err := s.exec(sql); err != nil {
		if rejected, ok := errors.AsType[*pgconn.PgError](err); ok {
			return rejected.Code
		}
		s.t.Fatal(err)
	}
	return s.rows(look)
}

func TestChangesThatHaveNoFlips(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(*change.Change){
		"others' triggers come between":       func(c *change.Change) { c.Others = true },
		"the expressions cannot be inlined":   func(c *change.Change) { c.Inline = false },
		"a cast is not what an assignment is": func(c *change.Change) { c.Old[0].Type = "character(3)" },
		"the type is not PostgreSQL's":        func(c *change.Change) { c.Old[0].Type = "public.mood" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := money()
			alter(&d)
			c, err := change.Compile(d)
			if err != nil {
				t.Fatal(err)
			}
			if c.Flipping(false, true) != nil {
				t.Error("it has some")
			}
		})
	}
}

func TestANewRowOfBothSidesIsTheOneThatTheTriggersMake(t *testing.T) {
	t.Parallel()
	d := money()
	d.New[0].NotNull, d.Up = true, change.Map{"amount": "nullif(cents, 0) / 100.0"}
	s := expanded(t, d, nil, ordersTable)
	if err := s.exec("DELETE FROM orders WHERE cents IS NULL"); err != nil {
		t.Fatal(err)
	}
	s.filled().serve().run(s.c.Cutover())
	const look = "SELECT cents, amount, MARK FROM orders WHERE id = 9"
	for _, newSide := range []bool{false, true} {
		f, own, other, code := s.c.Flipping(newSide, true), "cents", "amount", "-2"
		values := []string{"77", "NULL", "0", "99999999999"}
		if newSide {
			own, other, code = other, own, "2"
			values = []string{"7.5", "7.509", "NULL", "99999999.99", "99999999999.99"}
		}
		for _, v := range values {
			triggers := "INSERT INTO orders (id, " + own + ", MARK) VALUES (9, " + v + ", " + code + ")"
			derived, marker := f.New([]string{f.Own[0].Before + v + f.Own[0].After})
			both := "INSERT INTO orders (id, " + own + ", " + other + ", MARK) VALUES (9, " + v + ", " + derived[0] + ", " + marker + ")"
			want, got := s.after(triggers, look), s.after(both, look)
			if want != got {
				t.Errorf("%s\nleaves %s, and\n%s\n%s", triggers, want, both, got)
			}
		}
	}
	if err := s.exec("ALTER TABLE orders DISABLE TRIGGER ALL"); err != nil {
		t.Fatal(err)
	}
	derived, marker := s.c.Flipping(false, true).New([]string{"77"})
	if got := s.after("INSERT INTO orders (id, cents, amount, MARK) VALUES (9, 77, "+derived[0]+", "+marker+")", look); got != "77|0.77|1" {
		t.Errorf("without triggers it leaves %s", got)
	}
}

func TestNullWhereAVersionHasNotNullIsRejectedAsThat(t *testing.T) {
	t.Parallel()
	filled := money()
	filled.New[0].NotNull, filled.Down = true, change.Map{"cents": "coalesce((amount * 100)::integer, 0)"}
	owing := money()
	owing.Old[0].NotNull, owing.Up = true, change.Map{"amount": "coalesce(cents, 0) / 100.0"}
	halves := names()
	halves.Old[0].Default, halves.New[0].NotNull, halves.New[1].NotNull = "", true, true
	whole := halves
	whole.Old = []change.Column{{Name: "full_name", Type: "text", NotNull: true}}
	for _, tc := range []struct {
		name, before string
		change       change.Change
		newSide      bool
		set          map[string]string
		column       string
	}{
		{"the new side, of which down makes a value", ordersTable, filled, true, map[string]string{"amount": "NULL"}, "amount"},
		{"the old side, of which up makes a value", strings.Replace(strings.ReplaceAll(ordersTable, "NULL", "0"), "cents int", "cents int NOT NULL", 1), owing, false, map[string]string{"cents": "NULL"}, "cents"},
		{"one of two columns", peopleTable, halves, true, map[string]string{"first": "'Ann'", "last": "NULL"}, "last"},
		{"one of two columns, where the other side cannot be NULL either", strings.NewReplacer("full_name text", "full_name text NOT NULL", "(2, NULL), ", "").Replace(peopleTable), whole, true, map[string]string{"first": "'Ann'", "last": "NULL"}, "last"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := expanded(t, tc.change, nil, tc.before)
			if err := s.exec("DELETE FROM " + tc.change.Table.Name + " WHERE id > 1"); err != nil {
				t.Fatal(err)
			}
			s.filled().serve()
			var names, values, assigned []string
			for name, v := range tc.set {
				names, values, assigned = append(names, name), append(values, v), append(assigned, name+" = "+v)
			}
			code := ", MARK = -2"
			if tc.newSide {
				code = ", MARK = 2"
			}
			table := tc.change.Table.Name
			for _, sql := range []string{
				"UPDATE " + table + " SET " + strings.Join(assigned, ", ") + " WHERE id = 1",
				"UPDATE " + table + " SET " + strings.Join(assigned, ", ") + code + " WHERE id = 1",
				writes(t, s.c, tc.newSide, true, tc.set),
			} {
				rejected, ok := errors.AsType[*pgconn.PgError](s.exec(sql))
				if !ok || rejected.Code != "23502" || rejected.ColumnName != tc.column {
					t.Errorf("%s\nfails with %+v", sql, rejected)
				}
			}
			sql := "INSERT INTO " + table + " (id, " + strings.Join(names, ", ") + ", MARK) VALUES (9, " + strings.Join(values, ", ") + ", " + strings.TrimPrefix(code, ", MARK = ") + ")"
			if rejected, ok := errors.AsType[*pgconn.PgError](s.exec(sql)); !ok || rejected.Code != "23502" {
				t.Errorf("%s\nfails with %+v", sql, rejected)
			}
		})
	}
}
