package rewrite

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seguedb/segue/rewrite/plpgsql"
)

// triggerSchema has the table in parts of its own, and one that is not under migration and has columns of both names.
var triggerSchema = strings.ReplaceAll(differentialSchema, "other.individual", "other.stranger") + `
CREATE TABLE {event} ({at} int, {surname} text, n int) PARTITION BY LIST (n);
CREATE TABLE first PARTITION OF {event} FOR VALUES IN (1);
CREATE TABLE bystander (n int, surname text, last_name text);
CREATE TABLE bystander_a (n int);
CREATE TABLE bystander_b (n int);
INSERT INTO bystander VALUES (1, 'a', 'b');
`

// Functions for triggers: each is made, a trigger calls it, and rows are written.
var triggerStatements = map[string]struct{ function, trigger, write string }{
	"a field that is read": {
		`BEGIN INSERT INTO pet VALUES (NEW.{id}, 1, NEW.{surname}); RETURN NEW; END`,
		`BEFORE INSERT ON {person} FOR EACH ROW`,
		`INSERT INTO {person} ({id}, {surname}) VALUES (8, 'Neu')`},
	"a field that is written": {
		`begin new.{surname} := new.{surname} || '!'; return new; end`,
		`BEFORE INSERT OR UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom' WHERE {id} < 3`},
	"a function that is on a table which does not move": {
		`BEGIN NEW.{surname} := NEW.{surname} || NEW.{other_surname} || NEW.n; RETURN NEW; END`,
		`BEFORE UPDATE ON bystander FOR EACH ROW`,
		`UPDATE bystander SET n = 3 RETURNING *`},
	"a function that is on a table which has one of the names": {
		`BEGIN NEW.{surname} := NEW.{surname} || '?'; RETURN NEW; END`,
		`BEFORE UPDATE ON bystander FOR EACH ROW`,
		`UPDATE bystander SET n = 3 RETURNING *`},
	"a body without the last semicolon and with comments": {
		`-- first
/* ; */ BEGIN -- then
  NEW.{surname} = 'x'; RETURN NEW; END /* ; */ -- END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom' WHERE {id} = 3`},
	"a comment between the last word and the semicolon": {
		`BEGIN NEW.{surname} = 'x'; RETURN NEW; END -- ;
/* ; */ ; -- ;`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom' WHERE {id} = 3`},
	"a label, variables, options and a handler": {
		`
#print_strict_params on
#variable_conflict use_column
<<outermost>>
DECLARE n int := NEW.{id}; s text; name text = OLD.{surname};
BEGIN
  <<inner>> BEGIN
    EXIT inner WHEN n = 4;
    SELECT {surname} INTO STRICT s FROM {person} p WHERE p.{id} = outermost.n - 1;
    NEW.{surname} := s || name;
  EXCEPTION WHEN no_data_found THEN NEW.{surname} := SQLSTATE;
  END inner;
  RETURN NEW;
END outermost;`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"another name of NEW": {
		`DECLARE n ALIAS FOR new; o ALIAS FOR old; m ALIAS FOR n; BEGIN m.{surname} := n.{surname} || o.{id}; RETURN n; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a record that is NEW or OLD": {
		`DECLARE r record; BEGIN IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF; INSERT INTO pet VALUES (r.{id} + 40, 1, r.{surname} || to_json(r)); r.{surname} := 'r'; RETURN r; END`,
		`BEFORE INSERT OR DELETE ON {person} FOR EACH ROW`,
		`DELETE FROM orders; DELETE FROM {person} WHERE {id} > 3; INSERT INTO {person} ({id}, {surname}) VALUES (9, 'Neu')`},
	"a variable of the row's type": {
		`DECLARE p {person}; BEGIN p := NEW; p.{surname} := p.{surname} || NEW.{surname}; NEW := p; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a row as JSON, as text and compared": {
		`BEGIN IF NEW IS DISTINCT FROM OLD AND NEW.{surname} <> '' THEN INSERT INTO pet VALUES (NEW.{id} + 40, 1, row_to_json(NEW)::text || NEW::text || to_jsonb(OLD.*)); END IF; RETURN NULL; END`,
		`AFTER UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"all fields of a row": {
		`BEGIN INSERT INTO archive SELECT 7, NEW; INSERT INTO book SELECT q.{surname}, 'x', q.{id}, q.city FROM (SELECT NEW.*) q; INSERT INTO book VALUES (OLD.{surname}); RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"a field that a constant names, of a row as JSON": {
		`BEGIN IF NEW.{id} > 0 AND to_jsonb(NEW) ->> '{surname}' = 'Turing' THEN NEW.city := 'T'; END IF; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a field that a constant names, of a transition table as JSON": {
		`BEGIN INSERT INTO book (surname) SELECT to_jsonb(n) ->> '{surname}' FROM changed n WHERE n.{id} > 1; RETURN NULL; END`,
		`AFTER UPDATE ON {person} REFERENCING NEW TABLE AS changed FOR EACH STATEMENT`,
		`UPDATE {person} SET city = 'Rom'`},
	"a constant that tells what of a row does not count": {
		`BEGIN IF NEW.city <> '' AND to_jsonb(NEW) - ARRAY['{surname}'] = to_jsonb(OLD) - '{ {surname}}'::text[] THEN RETURN NULL; END IF; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || {id}`},
	"a row that a record begins with": {
		`DECLARE r record := OLD; n {person} := NEW; BEGIN n.{surname} := n.{surname} || to_json(r) || r.{id}; RETURN n; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW WHEN (NEW.{surname} <> '')`,
		`UPDATE {person} SET city = 'Rom'`},
	"fields in brackets": {
		`BEGIN INSERT INTO pet VALUES ((NEW).{id} + 40, 1, (OLD).{surname}); RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a function of the row": {
		`BEGIN INSERT INTO pet VALUES (NEW.{id} + 40, 1, label(NEW) || NEW.{surname}); RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"transition tables": {
		`DECLARE r record; s text := ''; BEGIN FOR r IN SELECT * FROM before b JOIN after USING ({id}) ORDER BY {id} LOOP s := s || r.{id}; END LOOP;
 INSERT INTO pet SELECT a.{id} + 40, 1, b.{surname} || a.{surname} || s FROM before b, after AS a WHERE a.{id} = b.{id}; RETURN NULL; END`,
		`AFTER UPDATE ON {person} REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"transition tables of which tables have the names": {
		`BEGIN INSERT INTO pet SELECT count(*) + 40, 1, string_agg({surname}, '' ORDER BY {surname}) FROM (
			SELECT {surname}, 1 FROM bystander_a UNION ALL SELECT {surname}, -1 FROM bystander_b b, pet WHERE pet.id = 1) x; RETURN NULL; END`,
		`AFTER UPDATE ON {person} REFERENCING OLD TABLE AS bystander_a NEW TABLE AS bystander_b FOR EACH STATEMENT`,
		`UPDATE {person} SET {surname} = {surname} || '!'`},
	"a transition table of which a table has the name, and a row": {
		`BEGIN INSERT INTO pet SELECT count(*) + 40, 1, string_agg(b.{surname}, '' ORDER BY {id}) FROM bystander_b b; RETURN NULL; END`,
		`AFTER INSERT ON {person} REFERENCING NEW TABLE AS bystander_b FOR EACH STATEMENT`,
		`INSERT INTO {person} ({id}, {surname}) VALUES (8, 'Neu'), (9, 'Alt')`},
	"a transition table as JSON": {
		`BEGIN INSERT INTO pet SELECT {id} + 40, 1, to_jsonb(gone)::text || {surname} FROM gone; RETURN NULL; END`,
		`AFTER DELETE ON {person} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT`,
		`DELETE FROM orders; DELETE FROM {person}`},
	"a text that is executed with fields": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1 + 40, 1, $2)' USING NEW.{id}, NEW.{surname}; EXECUTE 'DELETE FROM {person} WHERE {surname} = $1 || ''x''' USING OLD.{surname}; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW WHEN (OLD.{id} = 2)`,
		`UPDATE {person} SET city = 'Rom'`},
	"a text that is computed": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES (' || NEW.{id} + 40 || ', 1, ' || quote_literal(NEW.{surname}) || ')'; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"partitions, and one that is made afterwards": {
		`BEGIN NEW.{surname} := NEW.{surname} || NEW.n || TG_TABLE_NAME; RETURN NEW; END`,
		`BEFORE INSERT ON {event} FOR EACH ROW`,
		`CREATE TABLE second PARTITION OF {event} FOR VALUES IN (2); INSERT INTO {event} VALUES (1, 'x', 1), (2, 'y', 2)`},
	"a body that tells tables apart": {
		`BEGIN IF TG_RELID = 'pet'::regclass THEN NEW.name := NEW.name || '!'; ELSIF TG_ARGV[0] = 'b' THEN NEW.sku := 'b' || NEW.sku; ELSE NEW.{surname} := NEW.{surname} || '!'; END IF; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"several tables with other names": {
		`BEGIN IF TG_NARGS = 0 THEN NEW.{qty} := NEW.{qty} + 1; ELSIF NEW.{surname} = '' THEN RETURN NULL; END IF; RETURN NEW; END`,
		`BEFORE UPDATE ON {line} FOR EACH ROW`,
		`UPDATE {line} SET price = 7`},
	"a body between quotes": {
		"''BEGIN NEW.{surname} := 'it''s' || NEW.{surname}; RETURN NEW; END",
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"an error, and where it is": {
		`
DECLARE s text; BEGIN
  NEW.{surname} := 'x';
  BEGIN
    PERFORM 1 / 0;
  EXCEPTION WHEN division_by_zero THEN
    GET STACKED DIAGNOSTICS s = PG_EXCEPTION_CONTEXT;
    NEW.{surname} := s;
  END;
  GET DIAGNOSTICS s = PG_CONTEXT;
  NEW.city := s; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET born = NULL WHERE {id} = 1`},
}

// statements are those that make a function and a trigger with it.
func triggerWith(function, trigger string) (create, use string) {
	literal := "$body$" + function + "$body$"
	if body, quoted := strings.CutPrefix(function, "''"); quoted {
		literal = "'" + strings.ReplaceAll(body, "'", "''") + "'"
	}
	return "CREATE FUNCTION f() RETURNS trigger AS " + literal + " LANGUAGE plpgsql", "CREATE TRIGGER t " + trigger + " EXECUTE FUNCTION f()"
}

func TestATriggersFunctionRunsAsInTheVersionsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, triggerSchema, "person", "line", "event", "first")
			for name, s := range triggerStatements {
				t.Run(name, func(t *testing.T) {
					function, trigger := triggerWith(s.function, s.trigger)
					w.create(t, function)
					w.create(t, trigger)
					w.check(t, s.write)
					w.drop(t, function)
				})
			}
		})
	}
}

// namesInCondition finds the lists of columns or tables in what chooses a branch.
var namesInCondition = regexp.MustCompile(`ANY \(ARRAY\[([^\]]*)\]`)

func TestABodyHasABranchForEachWayToCallTheColumns(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "old", triggerSchema, "person", "line", "event", "first")
	for name, tc := range map[string]struct {
		body string
		want []string // of each branch, the columns that its tables have and do not have, or the tables
	}{
		"tables of one name for a field":  {`BEGIN NEW.last_name := ''; RETURN NEW; END`, []string{"surname of surname, last_name"}},
		"a field that one of them has":    {`BEGIN NEW.last_name := NEW.city; RETURN NEW; END`, []string{"surname of surname, last_name"}},
		"more names first":                {`BEGIN IF TG_NARGS = 0 THEN NEW.last_name := ''; ELSE NEW.happened_on := 0; END IF; RETURN NEW; END`, []string{"day, surname of day, happened_on, surname, last_name", "surname of surname, last_name"}},
		"tables of other names":           {`BEGIN IF TG_NARGS = 0 THEN NEW.last_name := ''; ELSE NEW."Qty" := 0; END IF; RETURN NEW; END`, []string{"surname of surname, last_name", "order of order, Qty"}},
		"a row with all its columns":      {`BEGIN PERFORM to_json(NEW), NEW.last_name, OLD.city; RETURN NEW; END`, []string{"public.person", "public.incident"}},
		"all columns of several tables":   {`BEGIN PERFORM FROM (SELECT * FROM gone) x WHERE last_name = ''; RETURN NEW; END`, []string{"public.person", "public.incident"}},
		"a field that does not move":      {`BEGIN NEW.city := ''; RETURN NEW; END`, nil},
		"a field that may be added later": {`BEGIN NEW.last_name := NEW.total; RETURN NEW; END`, []string{"surname of surname, last_name"}},
		"a record that gets other rows":   {`DECLARE r record; BEGIN SELECT 1 AS last_name INTO r; NEW.n := r.last_name; RETURN NEW; END`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := w.rewrite(t, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$"+tc.body+"$$")
			if f := text.Statements[0].Failure; f != nil {
				t.Fatal(f)
			}
			body := strings.TrimSuffix(text.SQL[strings.Index(text.SQL, "$$")+2:], "$$")
			read, ok := plpgsql.Read(body)
			if !ok {
				t.Fatal(text.SQL)
			}
			var got []string
			for i := range read.Fragments {
				var names []string
				for _, m := range namesInCondition.FindAllStringSubmatch(read.Fragments[i].Within(body), -1) {
					names = append(names, strings.ReplaceAll(m[1], "'", ""))
				}
				if names != nil {
					got = append(got, strings.Join(names, " of "))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n%s", text.SQL, diff)
			}
		})
	}
}

// A function, its trigger and a column that it names may be made in any order.
func TestATriggersFunctionMayNameAColumnThatIsAddedLater(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		w := newWorldOf(t, version, triggerSchema, "person", "line", "event", "first")
		function, trigger := triggerWith(`BEGIN NEW.tag := lower(NEW.{surname}); RETURN NEW; END`, `BEFORE UPDATE ON {person} FOR EACH ROW`)
		w.create(t, function)
		w.create(t, trigger)
		w.execute(t, inNames("ALTER TABLE {person} ADD COLUMN tag text", w.names), inNames("ALTER TABLE {person} ADD COLUMN tag text", w.serverNames()))
		want, _ := run(t, w.client, inNames("UPDATE {person} SET city = 'Rom' WHERE {id} = 1 RETURNING tag", w.names), w.names)
		got, _ := run(t, w.server, inNames("UPDATE {person} SET city = 'Rom' WHERE {id} = 1 RETURNING tag", w.serverNames()), w.serverNames())
		if diff := cmp.Diff(want, got); want.Error != "" || diff != "" {
			t.Errorf("as a client of the %s names: %s\n%s", version, want.Error, diff)
		}
		// One that was made past Segue fails on every write, also before it has the column.
		again := inNames("CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.more := NEW.{surname}; RETURN NEW; END $$", w.names)
		w.execute(t, again, again)
		if f := w.rewrite(t, inNames("CREATE TRIGGER u BEFORE INSERT ON {person} FOR EACH ROW EXECUTE FUNCTION f()", w.names)).Statements[0].Failure; f == nil || f.Code != codeRefused {
			t.Errorf("a function with a column of the %s names is not refused: %v", version, f)
		}
	}
}

func TestATriggersFunctionRunsAfterTheNamesHaveChangedAgain(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "old", triggerSchema, "person", "line", "event", "first")
	function, trigger := triggerWith(`BEGIN NEW.last_name := NEW.last_name || '!'; RETURN NEW; END`, `BEFORE UPDATE ON {person} FOR EACH ROW`)
	w.create(t, function)
	w.create(t, trigger)
	for _, sql := range []string{
		"UPDATE person SET surname = surname WHERE surname = 'Turing'",
		"ALTER TABLE person RENAME COLUMN surname TO last_name",
		"UPDATE person SET last_name = last_name WHERE last_name = 'Turing!'",
		"ALTER TABLE person RENAME TO individual",
		"UPDATE individual SET last_name = last_name WHERE last_name = 'Turing!!'",
		"ALTER TABLE individual RENAME COLUMN last_name TO surname",
		"UPDATE individual SET surname = surname WHERE surname = 'Turing!!!'",
	} {
		tag, err := w.server.Exec(t.Context(), sql)
		if err != nil || tag.Update() && tag.RowsAffected() != 1 {
			t.Fatalf("%s: %s, %v", sql, tag, err)
		}
	}
}
