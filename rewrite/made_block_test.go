package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// TestWhatABlockOfCodeMakes lists what is known of a block: the names that its statements make, or "?" where it may be anything.
func TestWhatABlockOfCodeMakes(t *testing.T) {
	t.Parallel()
	function := func(oid catalog.OID, schema, name string) *catalog.Function {
		return &catalog.Function{OID: oid, Schema: schema, Name: name, Kind: 'f', Return: 25}
	}
	b := NewBinder(&rules.Snapshot{Catalog: catalog.New(150000, nil, []*catalog.Function{
		function(1, "pg_catalog", "format"), function(2, "pg_catalog", "quote_ident"), function(3, "pg_catalog", "quote_literal"), function(4, "pg_catalog", "now"),
		function(5, "pg_catalog", "lower"), function(20000, "public", "lower"), function(20001, "public", "make"),
	}, nil)}, Options{})
	for body, want := range map[string]string{
		"BEGIN END": "",
		"BEGIN CREATE TABLE t (a int); ALTER TABLE u ADD b int; DROP VIEW v; END":                       "t alone, u alone with its users, v alone",
		"BEGIN CREATE TEMP TABLE t (a int); DROP TABLE t; END":                                          "t temporary alone, t alone",
		"BEGIN CREATE TABLE t () INHERITS (u); END":                                                     "t",
		"BEGIN DROP SCHEMA s; END":                                                                      "s",
		"DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; END":                                       "?", // count is not in this catalog
		"DECLARE n int; BEGIN SELECT a INTO n FROM t; UPDATE t SET a = n; RAISE NOTICE '%', now(); END": "",
		"BEGIN IF now() > '2020-01-01' THEN CREATE TABLE t (); ELSE CREATE TABLE u (); END IF; END":     "t alone, u alone",
		"BEGIN BEGIN CREATE TABLE t (); EXCEPTION WHEN others THEN CREATE TABLE u (); END; END":         "t alone, u alone",
		"BEGIN FOR i IN 1 .. 9 LOOP CREATE TABLE t (); COMMIT; DROP TABLE t; END LOOP; END":             "t alone, t alone",
		"DECLARE r t%ROWTYPE; BEGIN FOR r IN SELECT * FROM t LOOP RETURN; END LOOP; END":                "",
		"BEGIN CREATE INDEX ON t (a); END":                                                              "nothing by name",
		"BEGIN CREATE TYPE e AS ENUM ('a'); CREATE SEQUENCE s; END":                                     "nothing by name",
		"BEGIN CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); END":              "t, nothing by name",
		"BEGIN CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT make()'; END":                   "f alone",
		"BEGIN CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT 1'; PERFORM f(); END":           "?",
		"BEGIN GRANT SELECT ON t TO u; COMMENT ON TABLE t IS 'x'; TRUNCATE t; END":                      "",
		"BEGIN CREATE EXTENSION x; END":                                                                 "?",
		"BEGIN DO 'BEGIN CREATE TABLE t (); END'; END":                                                  "?",

		// functions
		"BEGIN PERFORM now(); PERFORM pg_catalog.lower('A'); END":        "",
		"BEGIN PERFORM make(); END":                                      "?",
		"BEGIN PERFORM public.now(); END":                                "?",
		"BEGIN PERFORM lower('A'); END":                                  "?", // there is one of the user's, too
		"BEGIN CALL make(); END":                                         "?",
		"DECLARE x text := make(); BEGIN END":                            "?",
		"BEGIN IF make() THEN NULL; END IF; END":                         "?",
		"BEGIN INSERT INTO t SELECT 1 WHERE EXISTS (SELECT make()); END": "?",
		"BEGIN EXECUTE 'SELECT make()'; END":                             "?",
		"BEGIN EXECUTE 'SELECT $1' USING make(); END":                    "?",

		// texts that are executed
		"BEGIN EXECUTE 'CREATE TABLE t ()'; EXECUTE 'UPDATE t SET a = $1' USING 1; END":                 "t alone",
		"BEGIN EXECUTE 'CREATE TABLE t (); CREATE TABLE u ()'; END":                                     "t alone, u alone",
		"BEGIN EXECUTE 'CREATE TABLE ' || 't ()'; END":                                                  "t alone",
		"DECLARE x text; BEGIN EXECUTE x; END":                                                          "?",
		"DECLARE x text; BEGIN EXECUTE 'CREATE TABLE t' || x || ' ()'; END":                             "?",
		"DECLARE x text; BEGIN EXECUTE 'DELETE FROM t WHERE a = ' || x; END":                            "?",
		"DECLARE x text; BEGIN EXECUTE 'CREATE TABLE ' || quote_ident(x) || ' ()'; END":                 "?",
		"DECLARE x text; BEGIN EXECUTE 'DELETE FROM ' || quote_ident(x) || ' WHERE b'; END":             "",
		"DECLARE x text; BEGIN EXECUTE 'DELETE FROM t WHERE a = ' || quote_literal(x); END":             "",
		"DECLARE x text; BEGIN EXECUTE 'DELETE FROM t' || quote_ident(x); END":                          "?",
		"DECLARE x text; BEGIN EXECUTE format('INSERT INTO %I.%2$I VALUES (%L, ''%%'')', x, x, x); END": "",
		"DECLARE x text; BEGIN EXECUTE format('ALTER TABLE t ADD %I int', x); END":                      "t alone with its users",
		"DECLARE x text; BEGIN EXECUTE format('CREATE INDEX ON %I (a)', x); END":                        "nothing by name",
		"DECLARE x text; BEGIN EXECUTE format('DROP TABLE %I', x); END":                                 "?",
		"DECLARE x text; BEGIN EXECUTE format('DROP TABLE IF EXISTS a, %I', x); END":                    "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM %s', x); END":                                "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM %-9I', x); END":                              "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t_%I', x); END":                              "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM %I_2024', x); END":                           "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t WHERE a = '' %I ''', x); END":              "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t /* %L */', x); END":                        "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t WHERE a = E%L', x); END":                   "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t WHERE a = $a$ %I $a$', x); END":            "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t WHERE a = ''x''\n%L', x); END":             "?",
		"DECLARE x text; BEGIN EXECUTE format(x, 'a'); END":                                             "?",
		"DECLARE x text; BEGIN EXECUTE format('DELETE FROM t WHERE a = %L', VARIADIC x); END":           "?",
		"DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT 1 AS a INTO t' LOOP NULL; END LOOP; END":      "t alone",

		// what cannot be read
		"BEGIN CREATE; END": "?",
		"nonsense":          "?",
	} {
		got := describeMade(b.Makes("UTF8", "DO $do$ "+body+" $do$"))
		if got != want {
			t.Errorf("%s makes %q, want %q", body, got, want)
		}
	}
	for sql, want := range map[string]string{
		"DO LANGUAGE plpgsql 'BEGIN CREATE TABLE t (); END'":              "t alone",
		"DO 'BEGIN CREATE TABLE t (); END' LANGUAGE \"plpgsql\"":          "t alone",
		"DO LANGUAGE plpython3u 'CREATE'":                                 "?",
		"DO LANGUAGE plpgsql":                                             "?",
		"DO 'BEGIN CREATE TABLE t (); END'; DO 'BEGIN DROP TABLE t; END'": "t alone, t alone",
	} {
		if got := describeMade(b.Makes("UTF8", sql)); got != want {
			t.Errorf("%s makes %q, want %q", sql, got, want)
		}
	}
}

func describeMade(all []Made) string {
	var got []string
	for _, m := range all {
		s := m.Name
		switch {
		case s == "" && m.Alone:
			s = "nothing by name"
		case s == "":
			s = "?"
		default:
			if m.Temp {
				s += " temporary"
			}
			if m.Alone {
				s += " alone"
			}
			if m.Altered && m.Alone {
				s += " with its users"
			}
			if m.Bare {
				s += " bare"
			}
		}
		got = append(got, s)
	}
	return strings.Join(got, ", ")
}

// TestABlockThatMakesNothingHasNoCatalogReadAgain looks at what is said of blocks that concern a table under migration.
func TestABlockThatMakesNothingHasNoCatalogReadAgain(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{})
	for body, schema := range map[string]bool{
		"BEGIN UPDATE individual SET surname = 'x'; END":                            false,
		"BEGIN UPDATE individual SET surname = 'x'; CREATE INDEX ON pets (id); END": true,
		"BEGIN UPDATE individual SET surname = 'x'; PERFORM make(); END":            true,
	} {
		text := mustRewrite(t, b, pinned("surname"), "DO '"+strings.ReplaceAll(body, "'", "''")+"'")
		if e := text.Statements[0].Effect; e.Schema != schema || !e.State {
			t.Errorf("%s: %+v", body, e)
		}
	}
}
