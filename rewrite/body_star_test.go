package rewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Bodies with stars and whole rows: each is made and called, so that what it runs is planned in the session. Then a column is added to
// the table, and it is called again.
var starBodies = map[string]struct{ create, call string }{
	"rows of a query in SQL": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE sql AS 'SELECT * FROM {person} p WHERE p.{id} > 1'`,
		`SELECT x.more, x.{surname} FROM f() x ORDER BY 2`},
	"rows in order": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE sql AS 'SELECT * FROM {person} ORDER BY {surname} DESC, {id}'`,
		`SELECT x.more, x.{surname} FROM f() x`},
	"rows that are distinct on a column": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT DISTINCT ON ({surname}) * FROM {person} ORDER BY {surname}; END $$`,
		`SELECT x.more, x.{surname} FROM f() x`},
	"rows of a union": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM {person} WHERE {id} < 3 UNION ALL SELECT {person}.* FROM public.{person} ORDER BY {surname}; END $$`,
		`SELECT x.more, x.{surname} FROM f() x`},
	"the word TABLE": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE sql AS 'TABLE {person}'`,
		`SELECT x.more, x.{surname} FROM f() x ORDER BY 2`},
	"a row variable in a loop": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE plpgsql AS $$ DECLARE r {person}; BEGIN FOR r IN SELECT * FROM {person} ORDER BY {surname} LOOP RETURN NEXT r; END LOOP; END $$`,
		`SELECT x.more, x.{surname} FROM f() x`},
	"a record in a loop, and a field": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; s text := ''; BEGIN FOR r IN SELECT * FROM {person} ORDER BY {id} LOOP s := s || r.{surname} || to_json(r)::text; END LOOP; RETURN s; END $$`,
		`SELECT f()`},
	"a record that is filled by a text": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN EXECUTE 'SELECT * FROM {person} WHERE {id} = 1' INTO r; RETURN r.{surname} || to_json(r)::text; END $$`,
		`SELECT f()`},
	"a cursor": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c CURSOR FOR SELECT * FROM {person} ORDER BY {id}; s text := ''; BEGIN FOR r IN c LOOP s := s || to_json(r)::text; END LOOP; RETURN s; END $$`,
		`SELECT f()`},
	"a subquery as JSON": {
		`CREATE FUNCTION f() RETURNS json LANGUAGE sql AS 'SELECT row_to_json(x) FROM (SELECT * FROM {person} WHERE {id} = 1) x'`,
		`SELECT f()::text`},
	"a query under WITH": {
		`CREATE FUNCTION f() RETURNS json LANGUAGE sql AS 'WITH x AS (SELECT * FROM {person}) SELECT json_agg(x ORDER BY {surname}) FROM x'`,
		`SELECT f()::text`},
	"rows as JSON": {
		`CREATE FUNCTION f() RETURNS json LANGUAGE sql AS 'SELECT json_agg(p ORDER BY {id}) FROM {person} p'`,
		`SELECT f()::text`},
	"a row variable as JSON": {
		`CREATE FUNCTION f() RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = 1; RETURN to_jsonb(p); END $$`,
		`SELECT f()::text`},
	"the row of an argument as JSON": {
		`CREATE FUNCTION f(p {person}) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN row_to_json(p); END $$`,
		`SELECT f(p)::text FROM {person} p WHERE {id} = 1`},
	"a record from a row variable": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; r record; BEGIN SELECT * INTO p FROM {person} WHERE {id} = 1; SELECT p.* INTO r; RETURN r.{surname} || to_json(r)::text; END $$`,
		`SELECT f()`},
	"a join": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; s text := ''; BEGIN FOR r IN SELECT p.*, o.order_id AS n FROM {person} p JOIN orders o ON o.individual_id = p.{id} ORDER BY 1, n LOOP s := s || to_json(r)::text; END LOOP; RETURN s; END $$`,
		`SELECT f()`},
	"a condition": {
		`CREATE FUNCTION f() RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT * FROM {person} WHERE {surname} = ''Turing'')'`,
		`SELECT f()`},
	"a row that is written": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN UPDATE {person} SET {surname} = 'x' WHERE {id} = 2 RETURNING * INTO p; RETURN p::text || p.{surname}; END $$`,
		`SELECT f()`},
	"rows that are written": {
		`CREATE FUNCTION f() RETURNS SETOF {person} LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY UPDATE {person} SET {surname} = 'x' WHERE {id} = 2 RETURNING {person}.*; END $$`,
		`SELECT x.more, x.{surname} FROM f() x`},
	"a copy of the table": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DROP TABLE IF EXISTS tmp; CREATE TEMP TABLE tmp AS SELECT * FROM {person}; RETURN (SELECT string_agg(to_json(t)::text, '' ORDER BY {surname}) FROM tmp t); END $$`,
		`SELECT f()`},
	"rows that are inserted": {
		`CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE p {person}; BEGIN SELECT * INTO p FROM {person} WHERE {id} = 1; p.{id} := 90; p.{surname} := 'Neu'; INSERT INTO {person} SELECT p.*; INSERT INTO {person} SELECT (p).* WHERE false; DELETE FROM {person} WHERE {id} = 91; RETURN (SELECT to_json(q) FROM {person} q WHERE {id} = 90); END $$`,
		`SELECT f()`},
}

func TestAStarInABodyHasTheColumnsThatAreAddedLater(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, bodySchema, "person", "line")
			w.execute(t, "DROP TABLE archive", "DROP TABLE archive") // it holds rows of the table, which then cannot be altered
			for name, s := range starBodies {
				t.Run(name, func(t *testing.T) {
					w.create(t, s.create)
					both := func(template string) { w.execute(t, inNames(template, w.names), inNames(template, w.serverNames())) }
					run(t, w.client, inNames(s.call, w.names), w.names)
					run(t, w.server, inNames(s.call, w.serverNames()), w.serverNames())
					both("ALTER TABLE {person} ADD COLUMN more int DEFAULT 7")
					want, _ := run(t, w.client, inNames(s.call, w.names), w.names)
					got, _ := run(t, w.server, inNames(s.call, w.serverNames()), w.serverNames())
					want.Labels, got.Labels = nil, nil
					if diff := cmp.Diff(want, got); want.Error != "" || diff != "" {
						t.Errorf("%s\n=> %s\nbehaves otherwise: %s\n%s", s.create, w.rewrite(t, inNames(s.create, w.names)).SQL, want.Error, diff)
					}
					both("ALTER TABLE {person} DROP COLUMN more")
					w.drop(t, s.create)
				})
			}
		})
	}
}

func TestAStarThatCanOnlyBeWrittenOutIsRefusedInABody(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "old", bodySchema, "person", "line")
	for name, template := range map[string]string{
		"rows that are written":       `CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN UPDATE {person} SET city = 'x' RETURNING * INTO r; RETURN r.{surname}; END $$`,
		"a row variable among others": `CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT 1, p.* INTO r; RETURN r.{surname}; END $$`,
		"a row in brackets":           `CREATE FUNCTION f(p {person}) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT (p).* INTO r; RETURN r.{surname}; END $$`,
	} {
		t.Run(name, func(t *testing.T) {
			sql := inNames(template, w.names)
			if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Hint != refusedStar.hint() {
				t.Errorf("%s\nis not refused: %v", sql, f)
			}
		})
	}
	once := inNames(`DO $$ DECLARE r record; BEGIN UPDATE {person} SET city = 'x' RETURNING * INTO r; PERFORM r.{surname}; END $$`, w.names)
	if f := w.rewrite(t, once).Statements[0].Failure; f != nil {
		t.Errorf("%s\nis refused: %v", once, f)
	}
}
