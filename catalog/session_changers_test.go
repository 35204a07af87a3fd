package catalog_test

import (
	"context"
	"slices"
	"strings"
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
			[]catalog.SessionChanger{{Name: "_dom"}, {Name: "_u"}, {Name: "dom"}, {Name: "moves"}, {Name: "u"}}},
		"a domain over it, a type with that, functions that take and hold such values, and what has nothing to do with them": {
			moves + `CREATE DOMAIN dom AS text CHECK (moves(value) <> ''); CREATE DOMAIN over AS dom; CREATE TYPE pair AS (a int, b over); CREATE TABLE u (p pair[]);
				CREATE FUNCTION takes(pair) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION holds() RETURNS int LANGUAGE plpgsql AS 'DECLARE x over; BEGIN RETURN 1; END';
				CREATE TABLE plain (a text); CREATE FUNCTION other(plain) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
			[]catalog.SessionChanger{{Name: "_dom"}, {Name: "_over"}, {Name: "_pair"}, {Name: "_u"}, {Name: "dom"}, {Name: "holds"}, {Name: "moves"}, {Name: "over"},
				{Name: "pair"}, {Name: "takes"}, {Name: "u"}}},
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

func TestLoadFindsWhatMayMakeSomethingUnseen(t *testing.T) {
	t.Parallel()
	const runs = `CREATE FUNCTION runs(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE $1; RETURN 'x'; END $$;`
	for name, tc := range map[string]struct {
		sql  string
		want []string
	}{
		"a function that executes a text": {runs, []string{"runs"}},
		"a procedure with DDL":            {`CREATE PROCEDURE makes() LANGUAGE plpgsql AS 'BEGIN ALTER TABLE t ADD x int; END'`, []string{"makes"}},
		"an ordinary function": {`CREATE FUNCTION counts() RETURNS int LANGUAGE plpgsql AS 'DECLARE n int; BEGIN SELECT 1 INTO n; UPDATE t SET created = dropped; RETURN n; END';
			CREATE TABLE t (a int); CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS 'INSERT INTO t VALUES (1)'`, nil},
		"a function in SQL that makes a table of a query": {`CREATE FUNCTION keeps() RETURNS void LANGUAGE sql AS 'SELECT 1 AS a INTO kept'`, []string{"keeps"}},
		"temporary tables, which the session is asked for": {
			`CREATE FUNCTION temporarily() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE x (a int) ON COMMIT DROP; DROP TABLE x; END'`, nil},
		"a function that executes a text by one of PostgreSQL's": {`CREATE FUNCTION words(text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ts_stat($1)'`, []string{"words"}},
		"an ordinary trigger": {`CREATE TABLE t (a int, at timestamptz); CREATE FUNCTION stamps() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.at = now(); RETURN new; END';
			CREATE TRIGGER s BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stamps()`, nil},
		"a trigger, a function that writes the table, and an index": {
			runs + `CREATE TABLE t (a text); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM runs('x'); RETURN new; END $$;
			CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fires(); CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS $$ UPDATE t SET a = '' $$;
			CREATE FUNCTION hides(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN EXECUTE $1; RETURN $1; END $$;
			CREATE TABLE i (a text); CREATE INDEX ON i (hides(a))`,
			[]string{"fires", "hides", "i", "runs", "t", "writes"}},
		"triggers of an audit": {
			`CREATE TABLE t (a int); CREATE TABLE audit_t (a int); CREATE VIEW v AS SELECT a FROM t;
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO audit_%s VALUES ($1.*)', TG_TABLE_NAME) USING new; RETURN new; END $$;
			CREATE FUNCTION tells() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'NOTIFY changes, ' || quote_literal(new.a::text); RETURN new; END $$;
			CREATE FUNCTION looks(c text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE x text; BEGIN EXECUTE format('SELECT ($1).%I', c) INTO x USING c; RETURN x; END $$;
			CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits(); CREATE TRIGGER b AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tells()`,
			nil},
		"one that executes a call": {
			runs + `CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT r' || 'uns(''x'')'; RETURN new; END $$`,
			[]string{"audits", "runs"}},
		"one whose text leads to a trigger that executes anything": {
			runs + `CREATE TABLE log (a text); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM runs('x'); RETURN new; END $$;
			CREATE TRIGGER f BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fires();
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO lo' || 'g VALUES ($1)' USING new; RETURN new; END $$;
			CREATE TABLE t (a int); CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits(); CREATE TABLE plain (a int)`,
			[]string{"audits", "fires", "log", "runs", "t"}},
		"one that writes a computed table, where one has such a trigger": {
			runs + `CREATE TABLE log (a text); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM runs('x'); RETURN new; END $$;
			CREATE TRIGGER f BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fires();
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I VALUES ($1)', upper(TG_TABLE_NAME)) USING new; RETURN new; END $$;
			CREATE TABLE t (a int); CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits(); CREATE TABLE plain (a int)`,
			[]string{"audits", "fires", "log", "runs", "t"}},
		"one that writes a computed table of another name": {
			runs + `CREATE TABLE log (a text); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM runs('x'); RETURN new; END $$;
			CREATE TRIGGER f BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fires();
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I VALUES ($1)', 'audit_' || TG_TABLE_NAME) USING new; RETURN new; END $$;
			CREATE TABLE t (a int); CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits()`,
			[]string{"fires", "log", "runs"}},
		"one that writes a computed table, the end of whose name may be cut off": {
			runs + `CREATE TABLE l23456789_123456789_123456789_123456789_123456789_123456789_12 (a text);
			CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM runs('x'); RETURN new; END $$;
			CREATE TRIGGER f BEFORE INSERT ON l23456789_123456789_123456789_123456789_123456789_123456789_12 FOR EACH ROW EXECUTE FUNCTION fires();
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %s_audit VALUES ($1)', TG_TABLE_NAME) USING new; RETURN new; END $$`,
			[]string{"audits", "fires", "l23456789_123456789_123456789_123456789_123456789_123456789_12", "runs"}},
		"one that writes a computed table, where only a function executes anything": {
			runs + `CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %I VALUES ($1)', TG_TABLE_NAME || '_audit') USING new; RETURN new; END $$;
			CREATE TABLE t (a int); CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits()`,
			[]string{"runs"}},
		"one that reads a computed column, which may be a call of that function": {
			runs + `CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) USING new; RETURN new; END $$;
			CREATE TABLE t (a int); CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION audits()`,
			[]string{"audits", "runs", "t"}},
		"one that calls what is computed, where there is nothing to call": {
			`CREATE FUNCTION calls(f text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT %I()', f); END $$;
			CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0]; RETURN new; END $$`,
			[]string{"fires"}},
		"one that calls what is computed": {
			runs + `CREATE FUNCTION calls(f text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT %I()', f); END $$`,
			[]string{"calls", "runs"}},
		"a table whose name is more than a word, which is executed": {
			`CREATE TABLE "t; DROP VIEW v" (a int); CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || TG_TABLE_NAME; RETURN new; END $$;
			CREATE TRIGGER a AFTER INSERT ON "t; DROP VIEW v" FOR EACH ROW EXECUTE FUNCTION audits()`,
			[]string{"audits", "t; DROP VIEW v"}},
		"a schema whose name is more than a word, which is executed": {
			`CREATE SCHEMA "s; DROP VIEW v"; CREATE TABLE "s; DROP VIEW v".t (a int);
			CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME; RETURN new; END $$;
			CREATE TRIGGER a AFTER INSERT ON "s; DROP VIEW v".t FOR EACH ROW EXECUTE FUNCTION audits()`,
			[]string{"audits", "t"}},
		"a function that hides one of those that quote": {
			`CREATE FUNCTION quote_ident(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
			CREATE FUNCTION empties(t varchar) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || quote_ident(t); END $$`,
			[]string{"empties"}},
		"an operator that hides the one that joins texts": {
			`CREATE FUNCTION joins(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'; CREATE OPERATOR public.|| (FUNCTION = joins, LEFTARG = text, RIGHTARG = text);
			CREATE FUNCTION empties(t text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || quote_ident(t); END $$`,
			[]string{"empties"}},
		"functions that run what was put off, where it may make something": {
			runs + `CREATE FUNCTION settles() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END';
			CREATE FUNCTION also_settles() RETURNS void LANGUAGE sql AS 'SET CONSTRAINTS ALL IMMEDIATE';
			CREATE FUNCTION takes(c refcursor) RETURNS text LANGUAGE plpgsql AS 'DECLARE x text; BEGIN FETCH c INTO x; RETURN x; END';
			CREATE FUNCTION holds() RETURNS text LANGUAGE plpgsql AS $$ DECLARE c refcursor := 'c'; x text; BEGIN FETCH c INTO x; RETURN x; END $$;
			CREATE FUNCTION opens() RETURNS text LANGUAGE plpgsql AS 'DECLARE c CURSOR FOR SELECT 1; x text; BEGIN OPEN c; FETCH c INTO x; RETURN x; END';
			CREATE FUNCTION first_rows() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1 FETCH FIRST 2 ROWS ONLY'`,
			[]string{"also_settles", "holds", "runs", "settles", "takes"}},
		"functions that run what was put off, where that makes nothing": {
			`CREATE FUNCTION settles() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; END'`, nil},
		"an operator, through which every text may use it": {
			runs + `CREATE FUNCTION twice(text, text) RETURNS text LANGUAGE sql AS 'SELECT runs($1)'; CREATE OPERATOR <+> (FUNCTION = twice, LEFTARG = text, RIGHTARG = text)`,
			[]string{"", "runs", "twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := load(t, tc.sql)
			if len(tc.want) > 0 {
				tc.want = append(tc.want, "cursor_to_xml", "cursor_to_xmlschema", "query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "ts_rewrite", "ts_stat")
			}
			if diff := cmp.Diff(tc.want, c.Makers, cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadFindsForWhichWordsAnEventTriggerMayMakeSomething(t *testing.T) {
	t.Parallel()
	c, _ := load(t, `CREATE FUNCTION follows() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE current_query(); END $$;
		CREATE FUNCTION says() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMENT ON SCHEMA public IS 'x'; END $$;
		CREATE FUNCTION renews() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW x'; END $$;
		CREATE EVENT TRIGGER f ON ddl_command_end EXECUTE FUNCTION follows()`)
	for _, word := range []string{"create", "alter", "drop", "comment", "follows", "says", "renews"} {
		if !slices.Contains(c.Makers, word) {
			t.Errorf("%q is not among %q", word, c.Makers)
		}
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
