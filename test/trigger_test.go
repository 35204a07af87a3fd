package test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/migrate"
)

// Each version makes a function for a trigger in its own names while the database has the other's. It serves both, before
// the transition that takes these names away and after it, and holds up none.
func TestATriggersFunctionServesBothVersionsThroughTransitions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(t, surname)
	f.transition(t, "surname", activate)
	old := f.connect(t, 0, "base", pgx.QueryExecModeExec)
	renamed := f.connect(t, 0, "surname", pgx.QueryExecModeExec)
	exec := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	writes := func(want string) {
		t.Helper()
		exec(old, `INSERT INTO individual (first_name, last_name) VALUES ('Alan', 'turing')`)
		exec(renamed, `INSERT INTO person (first_name, surname) VALUES ('Tony', 'hoare')`)
		var got string
		if err := old.QueryRow(t.Context(), `SELECT string_agg(last_name, ', ' ORDER BY id) FROM individual WHERE first_name IN ('Alan', 'Tony')`).Scan(&got); err != nil || got != want {
			t.Errorf("the tables have %q (%v), want %q", got, err, want)
		}
		exec(old, `DELETE FROM individual WHERE first_name IN ('Alan', 'Tony')`)
	}
	stays := func(to migrate.Request, want string) {
		t.Helper()
		writes(want)
		f.transition(t, "surname", to)
		writes(want)
		exec(old, `DROP FUNCTION tidy CASCADE`)
		writes("turing, hoare")
	}
	for range 2 {
		exec(renamed, `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.surname := initcap(NEW.surname); RETURN NEW; END $$`)
		exec(renamed, `CREATE TRIGGER t BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION tidy()`)
		stays(cutover, "Turing, Hoare")
		exec(old, `CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_name := upper(NEW.last_name); RETURN NEW; END $$;
			CREATE TRIGGER t BEFORE INSERT ON individual FOR EACH ROW EXECUTE FUNCTION tidy()`)
		stays(backToActive, "TURING, HOARE")
	}
}
