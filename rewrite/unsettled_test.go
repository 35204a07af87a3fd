package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

func TestWhatAStatementMakesIsListed(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"CREATE TABLE later PARTITION OF person FOR VALUES FROM (1) TO (2)": "later!",
		"CREATE TEMP TABLE mine (LIKE person)":                              "mine~!",
		"CREATE TABLE pg_temp.mine ()":                                      "mine~!",
		"SELECT 1 INTO a.kept FROM person UNION SELECT 2":                   "kept!",
		"CREATE TABLE kept AS SELECT 1":                                     "kept!",
		"CREATE MATERIALIZED VIEW kept AS SELECT 1":                         "kept!",
		"EXPLAIN ANALYZE CREATE TABLE kept AS SELECT 1":                     "kept!",
		"CREATE VIEW s.v AS SELECT 1":                                       "v!",
		"CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS ''":           "f!",
		"CREATE AGGREGATE s.a(int) (SFUNC = x, STYPE = int)":                "a!",
		"CREATE DOMAIN s.d AS int":                                          "d!",
		"CREATE TYPE s.c AS (a int)":                                        "c!",
		"ALTER TABLE person ATTACH PARTITION later DEFAULT":                 "person later!",
		"ALTER TABLE heir INHERIT person":                                   "heir!",
		"ALTER TABLE t ADD c int, ADD d text":                               "t",
		"ALTER TABLE t ADD c person":                                        "t!",
		"ALTER TABLE t ADD c person[]":                                      "t!",
		"ALTER TABLE t ALTER c TYPE person":                                 "t!",
		"ALTER TYPE c ADD ATTRIBUTE a person":                               "c!",
		"ALTER TABLE t RENAME TO u":                                         "u! t",
		"ALTER TABLE t RENAME a TO b":                                       "t",
		"ALTER FUNCTION f() RENAME TO g":                                    "g!",
		"DROP TABLE a.t, u":                                                 "t u",
		"DROP FUNCTION s.f(int)":                                            "f",
		"DROP TYPE s.c":                                                     "c",
		"CREATE INDEX ON person (a)":                                        "",
		"DO ''":                                                             "!",
		"CREATE EXTENSION x":                                                "!",
	} {
		tree, err := ast.Parse(sql)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range madeBy(nil, tree.Stmts[0].Stmt) {
			if got += " " + m.Name; m.Temp {
				got += "~"
			}
			if m.Rows {
				got += "!"
			}
		}
		if len(got) > 0 {
			got = got[1:]
		}
		if got != want {
			t.Errorf("%s makes %q, want %q", sql, got, want)
		}
	}
}

// TestWhatMayChangeTheSessionWhenItRuns lists what is made that, used later, may set search_path or take a name.
func TestWhatMayChangeTheSessionWhenItRuns(t *testing.T) {
	t.Parallel()
	b := NewBinder(&rules.Snapshot{}, Options{})
	b.unseen = prefilter.OfChangers([]catalog.SessionChanger{{Name: "make"}})
	for sql, want := range map[string]string{
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'":                              "f",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at = now(); END'":     "f",
		"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TEMP TABLE t(); END'": "f changes",
		"CREATE PROCEDURE f() LANGUAGE plpgsql AS 'BEGIN SET LOCAL ROLE x; END'":                  "f changes",
		"CREATE PROCEDURE f() LANGUAGE plpgsql AS 'BEGIN EXECUTE $1; END'":                        "f changes",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = side AS 'SELECT 1'":       "f changes",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()":                   "t",
		"CREATE POLICY p ON t USING (f())":                                                        "t",
		"CREATE TABLE t (a int DEFAULT f())":                                                      "t",
		"DO 'BEGIN CREATE TEMP TABLE t (); END'":                                                  "t",
		"CREATE TABLE t (a int DEFAULT make())":                                                   "t changes",
		"CREATE TEMP TABLE t (a int)":                                                             "t",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION make()":                "t changes",
		"CREATE POLICY p ON t USING (make() > 0)":                                                 "t changes",
		"CREATE VIEW v AS SELECT make()":                                                          "v changes",
		"CREATE EXTENSION x":                                                                      "",
	} {
		got := ""
		for _, m := range b.Makes("UTF8", sql) {
			if m.Runs {
				got += m.Name
			}
			if m.Changes {
				got += " changes"
			}
		}
		if got != want {
			t.Errorf("%s makes %q, want %q", sql, got, want)
		}
	}
}

// TestWhatOnlyTheDatabaseHasIsNotFoundBehindAnotherStatement has strings whose second statement names what the version does
// not have. They fail there, or are sent in pieces.
func TestWhatOnlyTheDatabaseHasIsNotFoundBehindAnotherStatement(t *testing.T) {
	t.Parallel()
	for _, first := range []string{
		"SELECT 1", "SET standard_conforming_strings = off", "SET client_encoding = latin1", "SET NAMES 'UTF8'", "SET work_mem = '1MB'",
		"RESET client_encoding", "SHOW work_mem", "COMMENT ON TABLE pet IS 'x'", "GRANT SELECT ON pet TO PUBLIC", "LOCK pet", "LISTEN x", "NOTIFY x",
		"CHECKPOINT", "SET CONSTRAINTS ALL DEFERRED", "DEALLOCATE ALL", "ANALYZE pet", "REINDEX TABLE pet", "CREATE INDEX ON pet (id)",
		"ALTER TABLE pet SET (fillfactor = 90)", "TRUNCATE pet", "CREATE TABLE t ()", "DROP TABLE pet", "DO ''", "PREPARE p AS SELECT 1",
		"CREATE STATISTICS ON id, name FROM pet", "ALTER ROLE u SET work_mem = '1MB'", "BEGIN", "SAVEPOINT a", "COMMIT", "DISCARD PLANS",
	} {
		for _, second := range []string{"SELECT * FROM individual", "TABLE public.individual", "UPDATE individual SET id = 1", "COPY individual TO STDOUT", "DELETE FROM individual"} {
			text := rewritten(t, first+"; "+second)
			if text.Pieces == nil && text.Statements[len(text.Statements)-1].Failure == nil {
				t.Errorf("%s; %s is sent as %q", first, second, text.SQL)
			}
		}
	}
}

// TestWhatStandsAlone lists what is made or dropped that no text can meet without its name.
func TestWhatStandsAlone(t *testing.T) {
	t.Parallel()
	b := NewBinder(&rules.Snapshot{}, Options{})
	for sql, want := range map[string]string{
		"CREATE TABLE t (a int)":                                        "t alone",
		"CREATE UNLOGGED TABLE t (LIKE u)":                              "t alone",
		"CREATE TABLE t AS SELECT 1":                                    "t alone",
		"SELECT 1 AS a INTO t":                                          "t alone",
		"CREATE TABLE t () INHERITS (u)":                                "t",
		"CREATE TABLE t PARTITION OF u DEFAULT":                         "t",
		"CREATE TABLE t OF c":                                           "t",
		"CREATE OR REPLACE VIEW v AS SELECT 1":                          "v",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''":            "f alone",
		"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''": "f alone",
		"CREATE VIEW v AS SELECT 1":                                     "v alone",
		"CREATE TYPE c AS (a int)":                                      "c alone",
		"CREATE TYPE r AS RANGE (subtype = int)":                        "",
		"CREATE DOMAIN d AS int":                                        "d alone",
		"CREATE AGGREGATE g (int) (SFUNC = int4pl, STYPE = int)":        "g alone",
		"CREATE OPERATOR + (PROCEDURE = f, LEFTARG = c)":                "+",
		"CREATE RULE r AS ON INSERT TO t DO NOTHING":                    "t",
		"CREATE SCHEMA s CREATE TABLE t (a int)":                        "s, t",
		"EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1":                    "t alone",
		"ALTER TABLE t ADD a int":                                       "t alone with its users",
		"ALTER TABLE t RENAME a TO b":                                   "t alone with its users",
		"ALTER TABLE t DROP a":                                          "t alone with its users",
		"ALTER TABLE t DROP a, DROP b CASCADE":                          "t",
		"ALTER TABLE t INHERIT u":                                       "t",
		"ALTER TABLE t ATTACH PARTITION u DEFAULT":                      "t alone with its users, u",
		"ALTER TABLE t OF c":                                            "t",
		"ALTER TABLE t RENAME TO u":                                     "u, t",
		"ALTER TABLE t SET SCHEMA s":                                    "t",
		"DROP INDEX a.i, j":                                             "i alone, j alone",
		"DROP INDEX i CASCADE":                                          "i",
		"DROP TRIGGER g ON t":                                           "g alone",
		"DROP TABLE t":                                                  "t alone bare",
		"DROP TABLE t, a.u":                                             "t alone bare, u alone",
		"DROP TABLE t CASCADE":                                          "t",
		"DROP VIEW v":                                                   "v alone",
		"DROP VIEW v CASCADE":                                           "v",
		"DROP SEQUENCE s":                                               "s alone",
		"DROP TYPE a.c, d":                                              "c alone, d alone",
		"DROP FUNCTION f(int), g":                                       "f alone, g alone",
		"DROP SCHEMA s":                                                 "s",
		"DROP RULE r ON t":                                              "r",
		"DROP CAST (int AS text)":                                       "",
		"CREATE TABLE t (a int); DROP TABLE u":                          "t alone, u alone bare",
		"CREATE INDEX ON t (a)":                                         "",
		"DO ''":                                                         "",
	} {
		var got []string
		for _, m := range b.Makes("UTF8", sql) {
			s := m.Name
			if m.Alone {
				s += " alone"
			}
			if m.Altered && m.Alone {
				s += " with its users"
			}
			if m.Bare {
				s += " bare"
			}
			got = append(got, s)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s makes %q, want %q", sql, got, want)
		}
	}
}

// TestWhatIsBeingMadeIsNoReasonToBindATextAgain has a text bound while nothing is being made, and then while something is.
func TestWhatIsBeingMadeIsNoReasonToBindATextAgain(t *testing.T) {
	t.Parallel()
	for sql, shared := range map[string]bool{
		"SELECT surname FROM individual":                            true,
		"UPDATE individual SET surname = 'x'":                       true,
		"SELECT new_one(surname) FROM individual":                   false,
		"SELECT surname::new_one FROM individual":                   false,
		"SELECT surname, (SELECT new_one(1)) FROM individual":       false,
		"SELECT surname, new_one FROM individual":                   false,
		"SELECT last_name FROM individual":                          false,
		"SELECT surname FROM individual; SELECT id FROM individual": false,
		"SELECT surname, 'individual'::regclass FROM individual":    false,
	} {
		for _, first := range []bool{false, true} {
			b := realBinder(Options{Stats: new(Stats)})
			one, two := pinned("surname"), pinned("surname")
			one.Unsettled, two.Unsettled = first, !first
			text, other := mustRewrite(t, b, one, sql), mustRewrite(t, b, two, sql)
			if (text == other) != shared {
				t.Errorf("%s: shared = %v", sql, text == other)
			}
			if alone := mustRewrite(t, realBinder(Options{}), two, sql); alone.SQL != other.SQL || alone.AwaitsMaking() != other.AwaitsMaking() {
				t.Errorf("%s is %q, and alone %q", sql, other.SQL, alone.SQL)
			}
		}
	}
}
