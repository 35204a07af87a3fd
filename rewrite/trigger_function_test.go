package rewrite

import (
	"slices"
	"strings"
	"testing"

	"github.com/seguedb/segue/rules"
)

func TestATriggerIsRefusedWhoseFunctionHasTheVersionsNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, triggerSchema, "person", "line", "event", "first")
			for name, tc := range map[string]struct {
				body    string // as it is in the database
				trigger string
				refused bool
			}{
				"a field by the version's name":            {`BEGIN NEW.{surname} := 'x'; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", true},
				"a field in capitals and quotes":           {`BEGIN PERFORM "new" . "{surname}"; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", true},
				"a field in brackets":                      {`BEGIN PERFORM (OLD).{surname}; RETURN NEW; END`, "BEFORE UPDATE ON {person} FOR EACH ROW", true},
				"a field of another name of NEW":           {`DECLARE n ALIAS FOR new; BEGIN n.{surname} := 'x'; RETURN n; END`, "BEFORE INSERT ON {person} FOR EACH ROW", true},
				"a column of a transition table":           {`BEGIN PERFORM {surname} FROM gone; RETURN NULL; END`, "AFTER DELETE ON {person} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT", true},
				"a constraint trigger":                     {`BEGIN PERFORM OLD.{surname}; RETURN NULL; END`, "AFTER UPDATE ON {person} FOR EACH ROW", true},
				"a partition":                              {`BEGIN PERFORM OLD.{at}; RETURN NULL; END`, "AFTER UPDATE ON first FOR EACH ROW", true},
				"a field by the name in the database":      {`BEGIN NEW.{other_surname} := 'x'; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", false},
				"both names, one of them of another table": {`BEGIN IF TG_TABLE_NAME = 'x' THEN NEW.{surname} := ''; ELSE NEW.{other_surname} := 'x'; END IF; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", false},
				"a table that does not move":               {`BEGIN NEW.{surname} := 'x'; RETURN NEW; END`, "BEFORE INSERT ON bystander FOR EACH ROW", false},
				"no field that moves":                      {`BEGIN NEW.city := 'x'; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", false},
				"the name of a column elsewhere":           {`BEGIN PERFORM {surname} FROM bystander; RETURN NEW; END`, "BEFORE INSERT ON {person} FOR EACH ROW", false},
			} {
				t.Run(name, func(t *testing.T) {
					if _, err := w.server.Exec(t.Context(), "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $x$"+inNames(tc.body, w.names)+"$x$"); err != nil {
						t.Fatal(err)
					}
					w.session.Answers = nil
					create := "CREATE TRIGGER t "
					if name == "a constraint trigger" {
						create = "CREATE CONSTRAINT TRIGGER t "
					}
					sql := create + inNames(tc.trigger, w.names) + " EXECUTE FUNCTION public.f()"
					f := w.rewrite(t, sql).Statements[0].Failure
					switch {
					case tc.refused && (f == nil || f.Code != codeRefused || f.Position != strings.Index(sql, "public.f")+1):
						t.Errorf("%s\nis not refused at the function: %v", sql, f)
					case !tc.refused && f != nil:
						t.Errorf("%s\nis refused: %v", sql, f)
					}
				})
			}
		})
	}
}

// A function that is made through Segue has what its trigger needs, also for a partition.
func TestATriggerIsMadeWithAFunctionThatHasABranchForItsTable(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "old", triggerSchema, "person", "line", "event", "first")
	w.create(t, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_name := NEW.last_name || '!'; RETURN NEW; END $$`)
	for _, table := range []string{"individual", "event", "first"} {
		sql := "CREATE TRIGGER t BEFORE UPDATE ON " + table + " FOR EACH ROW EXECUTE FUNCTION f()"
		if f := w.rewrite(t, sql).Statements[0].Failure; f != nil {
			t.Errorf("%s: %v", sql, f)
		}
	}
	if w.session.Answers == nil {
		t.Error("the server was not asked for the function's body")
	}
}

func TestArgumentsOfATriggerThatNameColumnsAreRewritten(t *testing.T) {
	t.Parallel()
	schema := differentialSchema + `
CREATE TABLE {event} (n int, {at} tsvector, {surname} text, config regconfig DEFAULT 'english');
CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'on %: %', TG_OP, TG_ARGV[0]; RETURN NEW; END $$;
CREATE FUNCTION runs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', TG_ARGV[0]; EXECUTE 'DELETE FROM ' || TG_ARGV[0]; RETURN NEW; END $$;
`
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, schema, "person", "line", "event")
			for name, call := range map[string]string{
				"words":                           `tsvector_update_trigger({at}, 'pg_catalog.english', {surname})`,
				"constants":                       `pg_catalog.tsvector_update_trigger('{at}','pg_catalog.english',E'{surname}')`,
				"a column with the configuration": `tsvector_update_trigger_column({at}, config, {surname})`,
				"an argument that is only said":   `says('{person}')`,
			} {
				t.Run(name, func(t *testing.T) {
					sql := inNames("CREATE TRIGGER t BEFORE INSERT ON {event} FOR EACH ROW EXECUTE FUNCTION "+call, w.names)
					text := w.rewrite(t, sql)
					if f := text.Statements[0].Failure; f != nil {
						t.Fatal(f)
					}
					w.execute(t, sql, text.SQL)
					w.check(t, `INSERT INTO {event} (n, {surname}) VALUES (1, 'some words'); SELECT n, {at}, {surname} FROM {event}`)
					w.execute(t, inNames("DROP TRIGGER t ON {event}", w.names), inNames("DROP TRIGGER t ON {event}", w.serverNames()))
				})
			}
			for name, call := range map[string]string{
				"an argument that is run":             `runs('{person}')`,
				"a name that only the database has":   `tsvector_update_trigger({other_at}, 'pg_catalog.english', {surname})`,
				"a function that nothing is known of": `unknown('{at}')`,
			} {
				t.Run(name, func(t *testing.T) {
					sql := inNames("CREATE TRIGGER t BEFORE INSERT ON {event} FOR EACH ROW EXECUTE FUNCTION "+call, w.names)
					if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != codeRefused {
						t.Errorf("%s\nis not refused: %v", sql, f)
					}
				})
			}
		})
	}
}

// A body that names a column and no table waits at a gate like one that names the table, in every version that a transition
// may find it in: what is sent has the names of before it.
func TestAFunctionForTriggersIsHeldWhileAColumnThatItNamesMoves(t *testing.T) {
	t.Parallel()
	binder := realBinder(Options{})
	for _, tt := range []struct {
		version, body string
		held          bool
	}{
		{rules.Base, "BEGIN NEW.last_name := upper(NEW.last_name); RETURN NEW; END", true},
		{rules.Base, "BEGIN IF old.last_name IS NULL THEN RETURN NULL; END IF; RETURN new; END", true},
		{rules.Base, "DECLARE r ALIAS FOR new; BEGIN r.größe := 'x'; RETURN r; END", true},
		{rules.Base, "BEGIN PERFORM last_name FROM added; RETURN NULL; END", true},
		{rules.Base, "BEGIN NEW.id := 'x'; RETURN NEW; END", false},
		{rules.Base, "BEGIN RAISE NOTICE 'last_name'; RETURN NEW; END", false},
		{"surname", "BEGIN NEW.surname := 'x'; RETURN NEW; END", true},
		{"surname", "BEGIN NEW.größe := 'x'; RETURN NEW; END", true},
		{"size", "BEGIN NEW.size := 'x'; RETURN NEW; END", true},
		{"size", "BEGIN NEW.id := 'x'; RETURN NEW; END", false},
	} {
		sql := "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ " + tt.body + " $$"
		s := mustRewrite(t, binder, pinned(tt.version), sql).Statements[0]
		if s.Failure != nil {
			t.Errorf("%s, %s: %v", tt.version, sql, s.Failure)
		}
		if held := slices.Contains(s.Tables, individualOID); held != tt.held {
			t.Errorf("%s, %s: held with the table: %t", tt.version, sql, held)
		}
	}
}
