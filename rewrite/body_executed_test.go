package rewrite

import "testing"

// Texts that EXECUTE has in a constant, and to which USING gives rows.
var executedWithRows = map[string]struct{ function, trigger, write string }{
	"a field of a row that is given": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, $1.{surname} || $1.city)' USING OLD; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"brackets, a second parameter and another row": {
		`BEGIN EXECUTE $x$ INSERT INTO pet VALUES ((($1)) + 40, 1, (($2).{surname}) || ((NULLIF($3, $2))).{surname} || $2."city") $x$ USING NEW.{id}, NEW, OLD; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"several statements in a text": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, $1.{surname}); UPDATE {person} SET {surname} = $1.{surname} || 2 WHERE {id} = $1.{id} + 1' USING OLD; RETURN NULL; END`,
		`AFTER UPDATE ON {person} FOR EACH ROW WHEN (OLD.{id} = 1)`,
		`UPDATE {person} SET city = 'Rom'`},
	"all fields of a row that is given": {
		`BEGIN EXECUTE 'INSERT INTO archive VALUES (7, $1); INSERT INTO {person} SELECT (r).* FROM (SELECT $1 AS r) x WHERE false' USING OLD; EXECUTE 'INSERT INTO {person} SELECT ($1).* ON CONFLICT ({id}) DO UPDATE SET {surname} = EXCLUDED.{surname} || 1' USING OLD; RETURN NULL; END`,
		`AFTER DELETE ON {person} FOR EACH ROW WHEN (OLD.{id} = 5)`,
		`DELETE FROM {person} WHERE {id} = 5`},
	"a row that is given, as JSON and as text": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, to_jsonb($1)::text || row_to_json($1) || $1::text || (to_jsonb($1) ->> ''{surname}''))' USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"only JSON of a row that is given": {
		`BEGIN EXECUTE 'INSERT INTO book (surname) SELECT to_jsonb($1) ->> ''{surname}'' WHERE $1.{id} > 0' USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a function of a row that is given": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, label($1) || $1.label || {surname}($1))' USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a record and a variable that are the row": {
		`DECLARE r record; p {person}; a ALIAS FOR old; BEGIN r := NEW; p := OLD; EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, $1.{surname} || $2.{surname} || $3.{surname})' USING r, p, a; RETURN r; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"the value of a text in a record, a loop and a cursor": {
		`DECLARE r record; s text; c refcursor; BEGIN
 EXECUTE 'SELECT $1.{surname} AS {surname}' INTO r USING NEW; s := r.{surname};
 FOR r IN EXECUTE 'SELECT {id}, $1.{surname} || {surname} AS {surname} FROM {person} ORDER BY {id}' USING NEW LOOP s := s || r.{surname}; END LOOP;
 OPEN c FOR EXECUTE 'SELECT $1.{surname}, $2' USING OLD, 3; FETCH c INTO r; CLOSE c;
 INSERT INTO pet VALUES (NEW.{id} + 40, 1, s || r.{surname}); RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET {surname} = {surname} || 'o'`},
	"a row that is assigned": {
		`BEGIN EXECUTE 'SELECT $1.{id}, $1.first_name, upper($1.{surname}), $1.city' INTO NEW.{id}, NEW.first_name, NEW.{surname}, NEW.city USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a text that is not run for the table": {
		`BEGIN IF TG_NARGS > 0 THEN EXECUTE 'INSERT INTO pet VALUES (7, 7, $1.sku)' USING NEW; ELSE EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, $1.{surname})' USING NEW; END IF; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW`,
		`UPDATE {person} SET city = 'Rom'`},
	"a row of a table that has both names": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.n + 40, 1, $1.{surname} || $1.{other_surname})' USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON bystander FOR EACH ROW`,
		`UPDATE bystander SET n = 3 RETURNING *`},
	"a computed text that takes a row as a whole": {
		`BEGIN EXECUTE format('INSERT INTO %I VALUES (9, $1)', 'archive') USING NEW; RETURN NEW; END`,
		`BEFORE UPDATE ON {person} FOR EACH ROW WHEN (OLD.{surname} = 'Turing')`,
		`UPDATE {person} SET city = 'Rom'`},
	"a partition": {
		`BEGIN EXECUTE 'INSERT INTO pet VALUES ($1.n + 40, 1, $1.{surname} || $1.{at})' USING NEW; RETURN NEW; END`,
		`BEFORE INSERT ON {event} FOR EACH ROW`,
		`INSERT INTO {event} VALUES (1, 'x', 1)`},
}

func TestARowThatIsGivenToAnExecutedTextHasTheVersionsFields(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, triggerSchema, "person", "line", "event", "first")
			for name, s := range executedWithRows {
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

// The same outside of triggers: rows in variables, in parameters and out of queries.
var executedInFunctions = map[string]struct{ create, call string }{
	"a variable":               {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; s text; BEGIN SELECT * INTO p FROM {person} WHERE {id} = n; EXECUTE 'SELECT $1.{surname} || ($1).city' INTO s USING p; RETURN s; END $$`, `SELECT f(1), f(2)`},
	"a parameter":              {`CREATE FUNCTION f({person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN EXECUTE 'SELECT $1.{surname} || $2.{surname}' INTO s USING $1, ($1); RETURN s; END $$`, `SELECT f(p) FROM {person} p ORDER BY 1`},
	"a query":                  {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN EXECUTE 'SELECT $1.{surname}' INTO s USING (SELECT p FROM {person} p WHERE {id} = n); RETURN s; END $$`, `SELECT f(1)`},
	"an array":                 {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN EXECUTE 'SELECT ($1[2]).{surname}' INTO s USING ARRAY(SELECT p FROM {person} p ORDER BY {id}); RETURN s; END $$`, `SELECT f()`},
	"a cast":                   {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN EXECUTE 'SELECT $1.{surname}' INTO s USING row(1, 'a', 'b', 'c', NULL, NULL, NULL, NULL, NULL)::{person}; RETURN s; END $$`, `SELECT f()`},
	"rows that are returned":   {`CREATE FUNCTION f(n int) RETURNS SETOF {person} LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = n; RETURN QUERY EXECUTE 'SELECT ($1).* WHERE $1.{surname} <> '''' UNION ALL SELECT * FROM {person} WHERE {surname} > $1.{surname}' USING p; END $$`, `SELECT {surname}, to_json(x) FROM f(3) x ORDER BY 1`},
	"a table that is returned": {`CREATE FUNCTION f(n int) RETURNS TABLE ({surname} text) LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = n; RETURN QUERY EXECUTE 'SELECT $1.{surname}' USING p; END $$`, `SELECT * FROM f(3)`},
	"DO":                       {`DO $$ DECLARE p {person}; BEGIN FOR p IN SELECT * FROM {person} LOOP EXECUTE 'INSERT INTO pet VALUES ($1.{id} + 40, 1, $1.{surname} || to_json($1))' USING p; END LOOP; END $$`, ``},
}

func TestARowInAVariableHasTheVersionsFieldsInAnExecutedText(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, bodySchema, "person", "line")
			for name, s := range executedInFunctions {
				t.Run(name, func(t *testing.T) {
					if s.call == "" {
						w.check(t, s.create)
						return
					}
					w.create(t, s.create)
					w.check(t, s.call)
					w.drop(t, s.create)
				})
			}
		})
	}
}

// refusedExecuted are bodies of which it is not certain which row a field is of that a text names.
var refusedExecuted = map[string]string{
	"a field that format() puts in":           `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO pet VALUES (1, 1, $1.%I)', '{surname}') USING NEW; RETURN NEW; END $$`,
	"a field in a text with an operator":      `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO pet VALUES (1, 1, $1.{surname}' || ')' USING NEW; RETURN NEW; END $$`,
	"a text in a variable":                    `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE s text := 'SELECT $1.{surname}'; BEGIN EXECUTE s INTO s USING NEW; RETURN NEW; END $$`,
	"JSON of a row":                           `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO pet SELECT 1, 1, to_jsonb($1)::text FROM %I', 'book') USING NEW; NEW.{surname} := ''; RETURN NEW; END $$`,
	"a row in a variable":                     `CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; s text; BEGIN SELECT * INTO p FROM {person} WHERE {id} = n; EXECUTE format('SELECT $1.%I', '{surname}') INTO s USING p; RETURN s; END $$`,
	"a loop":                                  `CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN FOR s IN EXECUTE concat('SELECT $1.', '{surname}') USING p LOOP RETURN s; END LOOP; END $$`,
	"a field of a row in NEW that is given":   `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO pet SELECT 1, 1, $1.{surname}' USING NEW.who; RETURN NEW; END $$`,
	"a field of a row in a NEW that is given": `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO pet SELECT 1, 1, ($1.who).{surname}' USING NEW; RETURN NEW; END $$`,
	"a field of a row in NEW":                 `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pet SELECT 1, 1, (NEW.who).{surname}; RETURN NEW; END $$`,
	"all fields of a row in a record":         `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN EXECUTE 'SELECT ($1).*, 2 AS two' INTO r USING NEW; NEW.city := r.{surname}; RETURN NEW; END $$`,
	"a record of several sources":             `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN IF TG_NARGS = 0 THEN r := NEW; ELSE SELECT 1 AS n INTO r; END IF; EXECUTE 'INSERT INTO pet VALUES (1, 1, $1.{surname})' USING r; RETURN NEW; END $$`,
}

func TestATextThatMayNameAFieldOfARowIsRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		w := newWorldOf(t, version, triggerSchema, "person", "line", "event", "first")
		for name, sql := range refusedExecuted {
			t.Run(name, func(t *testing.T) {
				text := w.rewrite(t, inNames(sql, w.names))
				if f := text.Statements[0].Failure; f == nil || f.Code != codeRefused {
					t.Errorf("%s\nis not refused as a client of the %s names, but => %s", sql, version, text.SQL)
				}
			})
		}
	}
}
