package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
)

// bodySchema has two tables of one name in two schemas, of which the search_path of whoever calls chooses one.
var bodySchema = strings.ReplaceAll(differentialSchema, "other.individual", "other.stranger") + `
CREATE SCHEMA tenant;
CREATE TABLE tenant.line (x int);
CREATE TABLE tenant."LineItem" (x int);
`

// Functions with a body in a string: each is made and called in both databases.
var bodyStatements = map[string]struct{ create, call string }{
	"a field of a parameter behind the function's name": {
		"CREATE FUNCTION f(who {person}) RETURNS text LANGUAGE sql AS 'SELECT p.{surname} || f.who.{surname} FROM {person} p WHERE p.{id} = f.who.{id}'",
		"SELECT f(p) FROM {person} p ORDER BY 1"},
	"all fields of a parameter behind the function's name": {
		"CREATE FUNCTION f(who {person}) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {person} p WHERE p = row(f.who.*)::{person}'",
		"SELECT f(p) FROM {person} p ORDER BY 1"},
	"a query between dollar signs": {`CREATE FUNCTION f(int) RETURNS text LANGUAGE sql AS $$ SELECT {surname} FROM {person} WHERE {id} = $1 $$`, `SELECT f(2)`},
	"a query between quotes":       {`CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql AS 'SELECT {surname} || ''; x'' FROM {person} ORDER BY {id}'`, `SELECT * FROM f() ORDER BY 1`},
	"a query with escapes":         {`CREATE FUNCTION f() RETURNS text LANGUAGE sql AS E'SELECT min({surname})\n\tFROM {person}\nWHERE {person}.city <> \'x\''`, `SELECT f()`},
	"a query in two strings": {`CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT min({surname}) '
  'FROM {person}'`, `SELECT f()`},
	"a name at the end of the string":                   {`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {person}'`, `SELECT f()`},
	"a name right before the dollars":                   {`CREATE FUNCTION f() RETURNS bigint AS $f$SELECT count({surname}) FROM {person}$f$LANGUAGE sql`, `SELECT f()`},
	"a quoted name next to other words":                 {`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SET search_path FROM CURRENT AS $$SELECT sum({qty})FROM {line} WHERE{qty}>0$$`, `SELECT f()`},
	"several statements":                                {`CREATE FUNCTION f(n int, name text) RETURNS text LANGUAGE sql AS $$ UPDATE {person} SET {surname} = name WHERE {id} = n; INSERT INTO pet SELECT {id} + 100, {id}, {surname} FROM {person}; SELECT max({surname}) FROM {person} $$`, `SELECT f(3, 'Zuse')`},
	"parameters that columns hide":                      {`CREATE FUNCTION f(city text, {other_surname} int) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM {person} WHERE city = f.city AND {id} = {other_surname} $$`, `SELECT f('x', 2)`},
	"rows of the table":                                 {`CREATE FUNCTION f(int) RETURNS SETOF {person} LANGUAGE sql AS $$ SELECT * FROM {person} WHERE {id} > $1 $$`, `SELECT id FROM (SELECT {surname} AS id FROM f(3)) x ORDER BY 1`},
	"a table of columns":                                {`CREATE FUNCTION f() RETURNS TABLE ({surname} text, n int) LANGUAGE sql AS $$ SELECT {surname}, {id} FROM {person} $$`, `SELECT * FROM f() ORDER BY n`},
	"a field of a parameter":                            {`CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE sql AS $$ SELECT p.{surname} || (p).city $$`, `SELECT f(p) FROM {person} p ORDER BY {id}`},
	"a field of a parameter without a name":             {`CREATE FUNCTION f({person}) RETURNS text LANGUAGE sql AS $$ SELECT ($1).{surname} || $1.city $$`, `SELECT f(p) FROM {person} p ORDER BY {id}`},
	"a search_path of its own":                          {`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, public AS $$ SELECT count({surname}) FROM {person} $$`, `SELECT f()`},
	"a search_path to another schema":                   {`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SET search_path = other AS $$ SELECT count({surname}) FROM public.{person} $$`, `SELECT f()`},
	"a procedure":                                       {`CREATE PROCEDURE f(n int) LANGUAGE sql AS $$ DELETE FROM orders; DELETE FROM {person} WHERE {id} > n $$`, `CALL f(2)`},
	"a name in a string in the body":                    {`CREATE FUNCTION f() RETURNS bool LANGUAGE sql AS 'SELECT ''{person}''::regclass = to_regclass(''public.{person}'')'`, `SELECT f()`},
	"a whole row as JSON":                               {`CREATE FUNCTION f() RETURNS json LANGUAGE sql AS $$ SELECT json_agg(p ORDER BY {id}) FROM {person} p $$`, `SELECT f()`},
	"PL/pgSQL that returns a value":                     {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT {surname} FROM {person} WHERE {id} = n); END $$`, `SELECT f(1)`},
	"a variable that is filled":                         {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text := 'x'; BEGIN SELECT {surname} INTO STRICT t FROM {person} p WHERE {id} = n; RETURN t; END $$`, `SELECT f(1)`},
	"INTO before the list":                              {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text; b text; BEGIN SELECT INTO a, b {surname}, city FROM {person} WHERE {id} = n; RETURN a || b; END $$`, `SELECT f(1)`},
	"a type of a column":                                {`CREATE FUNCTION f(n {person}.{id}%TYPE) RETURNS text LANGUAGE plpgsql AS $$ DECLARE t {person}.{surname}%TYPE; u public.{person}.{id} % TYPE = n; BEGIN SELECT {surname} INTO t FROM {person} WHERE {id} = u; RETURN t; END $$`, `SELECT f(1)`},
	"a row of the table":                                {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}%ROWTYPE; q public.{person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = n; p.{surname} := upper(p.{surname}); q := p; q.{id} := 7; RETURN p.{surname} || q.{surname} || q.{id} || p.city; END $$`, `SELECT f(1)`},
	"a field that is filled":                            {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT city, {surname} INTO p.{surname}, p.city FROM {person} WHERE {id} = n; RETURN p.{surname} || p.city; END $$`, `SELECT f(1)`},
	"a loop over records":                               {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; s text := ''; BEGIN FOR r IN SELECT {surname}, {id} FROM {person} ORDER BY {surname} LOOP s := s || r.{surname} || r.{id}; IF r.{id} = 3 THEN UPDATE {person} SET {surname} = 'x' || r.{surname} WHERE {id} = r.{id}; END IF; END LOOP; RETURN s; END $$`, `SELECT f()`},
	"a loop over all columns":                           {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; s text := ''; BEGIN FOR r IN SELECT * FROM {person} ORDER BY {id} LOOP s := s || r.{surname} || r::text; END LOOP; RETURN s; END $$`, `SELECT f()`},
	"a record as JSON":                                  {`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT * INTO r FROM {person} WHERE {id} = 1; RETURN to_json(r); END $$`, `SELECT f()`},
	"cursors":                                           {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR (k int) FOR SELECT {surname}, {id} FROM {person} WHERE {id} >= k ORDER BY {id}; d refcursor; r record; s text := ''; BEGIN OPEN c(k := 4); FETCH c INTO r; s := r.{surname}; UPDATE {person} SET {surname} = 'C' WHERE CURRENT OF c; CLOSE c; FOR q IN c(2) LOOP s := s || q.{surname}; END LOOP; OPEN d FOR SELECT {surname} FROM {person} ORDER BY {id}; FETCH NEXT FROM d INTO r; MOVE FORWARD 2 IN d; RETURN s || r.{surname}; END $$`, `SELECT f()`},
	"conditions with a query":                           {`CREATE FUNCTION f(n int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM {person} WHERE {id} = n) THEN RETURN 'a'; ELSIF n > (SELECT max({id}) FROM {person}) THEN RETURN 'b'; ELSE WHILE n < (SELECT min({id}) FROM {person}) LOOP n := n + 1; EXIT WHEN n = 0; END LOOP; END IF; CASE n WHEN 0, 1 THEN RETURN 'c'; ELSE RETURN 'd'; END CASE; END $$`, `SELECT f(1), f(70), f(-4)`},
	"a condition with FROM":                             {`CREATE FUNCTION f(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN IF count(*) = 0 FROM {person} WHERE {id} = n THEN RETURN true; END IF; RETURN {surname} = 'Turing' FROM {person} WHERE {id} = n; END $$`, `SELECT f(2), f(9)`},
	"rows that are returned":                            {`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN RETURN QUERY SELECT * FROM {person} WHERE {id} > 2; FOR p IN SELECT * FROM {person} LOOP p.{surname} := p.{surname} || '!'; RETURN NEXT p; END LOOP; END $$`, `SELECT {id}, {surname} FROM f() ORDER BY 1, 2`},
	"numbers and labels":                                {`CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ <<b>> DECLARE n int := 0; BEGIN <<l>> FOR i IN REVERSE 5..1 BY 2 LOOP FOR j IN 1..i LOOP CONTINUE l WHEN j > 3; b.n := b.n + (SELECT {id} FROM {person} WHERE {id} = j); END LOOP; END LOOP l; RETURN n; END b $$`, `SELECT f()`},
	"a handler":                                         {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE m text; BEGIN INSERT INTO {person} ({id}) VALUES (1); RETURN 'none'; EXCEPTION WHEN unique_violation OR not_null_violation THEN GET STACKED DIAGNOSTICS m = RETURNED_SQLSTATE; UPDATE {person} SET {surname} = m WHERE {id} = 1; RETURN SQLSTATE; END $$`, `SELECT f()`},
	"a variable that a column would be":                 {`CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE first_name text := 'x'; {other_surname} int := 3; BEGIN RETURN (SELECT count({surname}) FROM {person} p); END $$`, `SELECT f()`},
	"a temporary table":                                 {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DROP TABLE IF EXISTS tmp; CREATE TEMP TABLE tmp AS SELECT {surname}, {id} FROM {person}; INSERT INTO tmp SELECT {surname} || '2', {id} FROM {person}; RETURN (SELECT max({surname}) FROM tmp); END $$`, `SELECT f()`},
	"an array in a loop":                                {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE s text := ''; x text; a text[]; BEGIN a[1] := (SELECT min({surname}) FROM {person}); a[2] := 'y'; FOREACH x IN ARRAY a || ARRAY(SELECT {surname} FROM {person} ORDER BY {id}) LOOP s := s || x; END LOOP; RETURN s; END $$`, `SELECT f()`},
	"a text that is executed":                           {`CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM pet WHERE id = $1' INTO n USING (SELECT min({id}) FROM {person}); RETURN n; END $$`, `SELECT f()`},
	"a message that says the name":                      {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'a {person} is %', (SELECT min({surname}) FROM {person}) USING HINT = (SELECT max({surname}) FROM {person}); ASSERT (SELECT count({surname}) FROM {person}) > 0, '{person}'; RETURN '{person}'; END $$`, `SELECT f()`},
	"a procedure in PL/pgSQL":                           {`CREATE PROCEDURE f(n int) AS 'BEGIN PERFORM {surname} FROM {person}; IF found THEN DELETE FROM orders; DELETE FROM {person} WHERE {id} > n AND {surname} <> ''Turing''; END IF; END' LANGUAGE plpgsql`, `CALL f(1)`},
	"a row that is inserted":                            {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN INSERT INTO {person} AS p ({id}, {surname}) VALUES (9, 'Neu') ON CONFLICT ({id}) DO UPDATE SET {surname} = EXCLUDED.{surname} RETURNING p.{surname} INTO t; RETURN t; END $$`, `SELECT f()`},
	"a text that is executed as it is":                  {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; s text := ''; BEGIN EXECUTE 'SELECT {surname}, {id} FROM {person} WHERE {id} = $1' INTO STRICT r USING 2; FOR r IN EXECUTE 'SELECT * FROM {person} ORDER BY {id}' LOOP s := s || r.{surname}; END LOOP; EXECUTE $x$ UPDATE {person} SET {surname} = {surname} || 'E' $x$; RETURN s; END $$`, `SELECT f()`},
	"a row in a variable as JSON":                       {`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = 1; RETURN json_build_array(to_json(p), row_to_json(p.*), p.{surname}); END $$`, `SELECT f()`},
	"a row that is taken apart":                         {`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; r record; BEGIN SELECT * INTO p FROM {person} WHERE {id} = 1; SELECT p.* INTO r; INSERT INTO pet SELECT (p).{id} + 50, 1, (p).{surname}; RETURN r.{surname} || (p).{surname}; END $$`, `SELECT f()`},
	"a column that is a variable, too":                  {`CREATE FUNCTION f({surname} text) RETURNS bigint LANGUAGE plpgsql AS $$ #variable_conflict use_variable BEGIN RETURN (SELECT count(*) FROM {person} WHERE {surname} = 'x'); END $$`, `SELECT f('x'), f('y')`},
	"a variable with the column's name in the database": {`CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE {other_surname} text := 'London'; BEGIN RETURN (SELECT count(*) FROM {person} WHERE city = {other_surname}); END $$`, `SELECT f()`},
	"DO":                      {`DO $$ DECLARE r record; BEGIN FOR r IN SELECT {surname}, {id} FROM {person} LOOP UPDATE {person} SET {surname} = r.{surname} || r.{id} WHERE {id} = r.{id}; END LOOP; END $$`, ``},
	"DO in a string":          {`DO LANGUAGE plpgsql 'BEGIN UPDATE {person} SET {surname} = ''x'' || {surname}; END'`, ``},
	"a function in a DO":      {`DO $x$ BEGIN CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT max({surname}) FROM {person} $$; UPDATE pet SET name = f(); END $x$`, ``},
	"a trigger's function":    {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := (SELECT {surname} FROM {person} WHERE {id} = NEW.person_id); RETURN NEW; END $$`, `CREATE TRIGGER t BEFORE INSERT ON pet FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO pet VALUES (70, 3, 'x')`},
	"options before the body": {"CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$\n#print_strict_params on\n#variable_conflict use_column\nDECLARE {surname} text := 'v'; n bigint; BEGIN SELECT count({surname}) INTO n FROM {person} WHERE {surname} < 'M'; RETURN n; END $$", "SELECT f()"},
}

func TestABodyRunsAsInTheVersionsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, bodySchema, "person", "line")
			for name, s := range bodyStatements {
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

// create makes what a statement defines in both databases, and has the binder know of it.
func (w *world) create(t *testing.T, template string) {
	t.Helper()
	sql := inNames(template, w.names)
	text := w.rewrite(t, sql)
	if f := text.Statements[0].Failure; f != nil {
		t.Fatalf("%s\nis not rewritten: %v (%s, at %d)", sql, f, f.Node, f.Position)
	}
	w.execute(t, sql, text.SQL)
}

func (w *world) drop(t *testing.T, create string) {
	t.Helper()
	drop := "DROP FUNCTION f CASCADE"
	if strings.HasPrefix(create, "CREATE PROCEDURE") {
		drop = "DROP PROCEDURE f"
	}
	w.execute(t, drop, drop)
}

// execute runs a statement in each database, and makes the binder anew for what is there then.
func (w *world) execute(t *testing.T, client, server string) {
	t.Helper()
	if _, err := w.client.PgConn().Exec(t.Context(), client).ReadAll(); err != nil {
		t.Fatalf("%s\nfails by itself: %v", client, err)
	}
	if _, err := w.server.PgConn().Exec(t.Context(), server).ReadAll(); err != nil {
		t.Fatalf("%s\n=> %s\nfails: %v", client, server, err)
	}
	cat, err := catalog.Load(t.Context(), w.server)
	if err != nil {
		t.Fatal(err)
	}
	snap := *w.binder.Snapshot()
	snap.Catalog = cat
	w.binder = NewBinder(&snap, Options{})
	w.session.Answers = nil
}

// Bodies of which it is not certain what they mean in the database.
var refusedBodies = map[string]string{
	"a name of tables in two schemas":               `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {line}'`,
	"a type of tables in two schemas":               `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE s {line}.sku%TYPE; BEGIN SELECT min(sku) INTO s FROM public.{line}; RETURN s; END $$`,
	"a variable that is two":                        `CREATE FUNCTION f(p {person}) RETURNS json LANGUAGE plpgsql AS $$ BEGIN DECLARE p record; BEGIN NULL; END; RETURN to_json(p); END $$`,
	"a constant next to the table's name":           `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_TABLE_NAME = '{person}' THEN DELETE FROM {person}; END IF; RETURN NULL; END $$`,
	"a column that a variable may be":               `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE {surname} text; BEGIN UPDATE {person} SET city = '' WHERE {surname} = 'x'; END $$`,
	"a column that a variable is":                   `CREATE FUNCTION f({surname} text) RETURNS void LANGUAGE plpgsql AS $$ #variable_conflict use_variable BEGIN DELETE FROM {person} WHERE {surname} = 'x'; END $$`,
	"an alias that is a variable":                   `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE p record; BEGIN SELECT 1 AS {surname} INTO p; DELETE FROM {person} p WHERE p.{surname} = 'x'; END $$`,
	"a variable that the server takes for a column": `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE {other_surname} text; BEGIN DELETE FROM {person} WHERE city = {other_surname}; END $$`,
	"a constant that names a field of NEW":          `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW := jsonb_populate_record(NEW, '{"{surname}": "q"}'); RETURN NEW; END $$`,
	"the trigger's table by its number":             `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_RELID::regclass::text = '{person}' THEN RETURN NULL; END IF; RETURN NEW; END $$`,
	"a conflict on what a variable is":              `CREATE FUNCTION f({other_surname} text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO {person} ({id}) VALUES (1) ON CONFLICT ({surname}, city) DO NOTHING; END $$`,
	"a row that is returned as record":              `CREATE FUNCTION f() RETURNS record LANGUAGE sql AS 'SELECT p FROM {person} p'`,
	"a variable that is returned as record":         `CREATE FUNCTION f() RETURNS record LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person}; RETURN p; END $$`,
	"a record that begins as a row":                 `CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record := p; BEGIN RETURN to_json(r); END $$`,
	"NEW as JSON":                                   `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pet SELECT {id}, 1, to_json(NEW)::text FROM {person}; RETURN NEW; END $$`,
	"a record that gets a row":                      `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT p AS x, 1 AS y INTO r FROM {person} p; RETURN r.y; END $$`,
	"a record that is a row":                        `CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN r := p; RETURN to_json(r); END $$`,
	"a record from a text that is computed":         `CREATE FUNCTION f(t text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN EXECUTE 'SELECT * FROM ' || t INTO r; RETURN r.{surname} FROM {person}; END $$`,
	"a field of a row under a label":                `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ <<b>> DECLARE p {person}; BEGIN RETURN b.p.{surname}; END $$`,
	"a text that is computed":                       `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM {person}' || ' WHERE true'; END $$`,
	"a name for a text that is computed":            `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE t text := '{person}'; BEGIN EXECUTE format('DELETE FROM %I', t); END $$`,
	"a name that the version does not have":         `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count({other_surname}) FROM {person}); END $$`,
	"a table that the version does not have":        `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM {other_person}); END $$`,
	"a body that changes the search_path":           `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN SET LOCAL search_path = other; RETURN (SELECT count({surname}) FROM public.{person}); END $$`,
	"a search_path that is not known":               `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SET search_path = "$user", public AS 'SELECT count(*) FROM {person}'`,
	"a constant with characters by their numbers":   `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS E'SELECT count(\x2a) FROM {person}'`,
	"a constant with Unicode escapes":               `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS U&'SELECT count(*) FROM {person}'`,
	"another language":                              `CREATE FUNCTION f() RETURNS bigint LANGUAGE plperl AS 'SELECT count(*) FROM {person}'`,
	"a body that cannot be read":                    `CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN SELECT FROM {person}'`,
	"SQL that cannot be read":                       `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT FROM WHERE {person}'`,
	"a function within a function that is atomic":   `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE FUNCTION g() RETURNS text BEGIN ATOMIC SELECT {surname} FROM {person}; END; END $$`,
	"DO with a text that is computed":               `DO $$ BEGIN EXECUTE concat('DELETE FROM ', '{person}'); END $$`,
	"DO in another language":                        `DO LANGUAGE plperl 'delete {person}'`,
}

func TestABodyThatMayMeanSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, bodySchema, "person", "line")
			for name, template := range refusedBodies {
				t.Run(name, func(t *testing.T) {
					sql := inNames(template, w.names)
					text := w.rewrite(t, sql)
					if f := text.Statements[0].Failure; f == nil || f.Code != codeRefused || f.Position > len(sql) {
						t.Errorf("%s\n=> %s\nis not refused: %v", sql, text.SQL, f)
					}
				})
			}
		})
	}
}

func TestAVersionThatSeesTheTablesAsTheyAreIsRefusedNoBody(t *testing.T) {
	t.Parallel()
	w := identityWorld(t)
	for name, template := range refusedBodies {
		sql := inNames(template, w.names)
		if text := w.rewrite(t, sql); text.SQL != sql {
			t.Errorf("%s: %s\n=> %s\nis changed", name, sql, text.SQL)
		}
	}
}

// Bodies in LANGUAGE sql are analyzed when the function is made.
var failingBodies = map[string]string{
	"a column that the version does not have": `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT {other_surname} FROM {person} $$`,
	"a table that the version does not have":  `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) || '''' FROM {other_person}'`,
	"a column that nothing has":               `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT {surname}, nothing FROM {person}'`,
	"a mistake in a part that changes":        `CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS E'SELECT count(*)\nFROM {person} WHERE {surname} = 1'`,
}

func TestABodyFailsAsInTheVersionsOwnDatabase(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, bodySchema, "person", "line")
			for name, template := range failingBodies {
				t.Run(name, func(t *testing.T) { w.checkFailure(t, template) })
			}
		})
	}
}

// What a function returns as record has the labels of its query.
func TestAStarInABodyHasTheVersionsLabels(t *testing.T) {
	t.Parallel()
	for _, create := range []string{
		`CREATE FUNCTION f() RETURNS record LANGUAGE sql AS 'SELECT * FROM {person} WHERE {id} = 1'`,
		`CREATE FUNCTION f(OUT r record) LANGUAGE sql AS 'SELECT * FROM {person} WHERE {id} = 1'`,
		`CREATE FUNCTION f(OUT r record) LANGUAGE plpgsql AS $$ BEGIN SELECT * INTO r FROM {person} WHERE {id} = 1; END $$`,
	} {
		w := newWorldOf(t, "old", bodySchema, "person", "line")
		w.create(t, create)
		w.check(t, `SELECT to_json(f())`)
	}
}
