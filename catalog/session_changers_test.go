package catalog_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestLoadFindsWhatChangesTheSessionUnseen(t *testing.T) {
	t.Parallel()
	const moves = `CREATE FUNCTION moves(text) RETURNS text LANGUAGE sql AS $$ SELECT set_config('search_path', $1, false) $$;`
	for name, tc := range map[string]struct {
		sql  string
		want []catalog.SessionChanger
	}{
		"a function that sets search_path": {moves, []catalog.SessionChanger{{Name: "moves"}}},
		"a function that sets any setting": {
			`CREATE FUNCTION sets(a text, b text) RETURNS text LANGUAGE sql AS 'SELECT set_config (a, b, true)'`,
			[]catalog.SessionChanger{{Name: "sets", Version: true}}},
		"functions in the schema of Segue, whose names are words that others use": {
			`CREATE SCHEMA segue; CREATE FUNCTION segue.renamed(text) RETURNS text LANGUAGE sql AS $$ SELECT $1 $$;
				CREATE FUNCTION segue.definition(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN segue.renamed($1); END $$;
				CREATE VIEW v AS SELECT segue.definition('x') AS definition; CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT definition FROM v'`, nil},
		"a function that sets something else": {
			`CREATE FUNCTION audit() RETURNS text LANGUAGE sql AS $$ SELECT set_config('app.user', 'x', true) $$`, nil},
		"a function that runs under a search_path of its own": {
			`CREATE FUNCTION safe() RETURNS int LANGUAGE sql SET search_path = pg_catalog AS 'SELECT 1'`, nil},
		"a function that makes a temporary table": {
			`CREATE FUNCTION makes() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE x (); END'`,
			[]catalog.SessionChanger{{Name: "makes"}}},
		"a procedure that sets the version": {
			`CREATE PROCEDURE "Old One"() LANGUAGE plpgsql AS $$ BEGIN SET segue.version = 'base'; END $$`,
			[]catalog.SessionChanger{{Name: "Old One", Version: true}}},
		"a body that is kept parsed": {
			`CREATE FUNCTION parsed() RETURNS text BEGIN ATOMIC SELECT set_config('search_path', 'x', false); END`,
			[]catalog.SessionChanger{{Name: "parsed"}}},
		"a body that calls it, and one that calls that": {
			moves + `CREATE FUNCTION one() RETURNS text LANGUAGE sql AS $$ SELECT "moves"('x') $$;
				CREATE FUNCTION two() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN public.One(); END $$`,
			[]catalog.SessionChanger{{Name: "moves"}, {Name: "one"}, {Name: "two"}}},
		"a parsed body that calls it": {
			moves + `CREATE FUNCTION one() RETURNS text BEGIN ATOMIC SELECT moves('x'); END`,
			[]catalog.SessionChanger{{Name: "moves"}, {Name: "one"}}},
		"a table with a trigger, and its partitions": {
			`CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET search_path = x; RETURN new; END';
				CREATE TABLE t (a int) PARTITION BY LIST (a);
				CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);
				CREATE TRIGGER f BEFORE INSERT ON t1 FOR EACH ROW EXECUTE FUNCTION fires()`,
			[]catalog.SessionChanger{{Name: "fires"}, {Name: "t"}, {Name: "t1"}}},
		"a view, a view over it, a default and a check": {
			moves + `CREATE VIEW v AS SELECT moves('x'); CREATE VIEW w AS SELECT * FROM v;
				CREATE TABLE d (a text DEFAULT moves('x')); CREATE TABLE c (a text CHECK (moves(a) <> ''));
				CREATE TABLE plain (a text)`,
			[]catalog.SessionChanger{{Name: "c"}, {Name: "d"}, {Name: "moves"}, {Name: "v"}, {Name: "w"}}},
		"a domain and the table that uses it": {
			moves + `CREATE DOMAIN dom AS text CHECK (moves(value) <> ''); CREATE TABLE u (a dom)`,
			[]catalog.SessionChanger{{Name: "dom"}, {Name: "moves"}, {Name: "u"}}},
		"a table from which deletes cascade": {
			`CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET search_path = x; RETURN old; END';
				CREATE TABLE parent (id int PRIMARY KEY);
				CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE);
				CREATE TRIGGER f BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION fires()`,
			[]catalog.SessionChanger{{Name: "child"}, {Name: "fires"}, {Name: "parent"}}},
		"a table that is kept in step": {
			`CREATE SCHEMA segue;
				CREATE FUNCTION segue."_segue_first_1_1"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO segue.conflict VALUES (1); RETURN new; END';
				CREATE TABLE t (a int);
				CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION segue."_segue_first_1_1"()`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := load(t, tc.sql)
			byName := cmpopts.SortSlices(func(a, b catalog.SessionChanger) bool { return a.Name < b.Name })
			if diff := cmp.Diff(tc.want, c.SessionChangers, byName); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheFingerprintChangesWithTheBodyOfAFunction(t *testing.T) {
	t.Parallel()
	before, conn := load(t, `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
	pgtest.Exec(t, conn.Config().ConnString(), `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'`)
	after, err := catalog.Fingerprint(context.Background(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if after == before.Fingerprint {
		t.Error("the fingerprint is the same, though the function does something else")
	}
}
