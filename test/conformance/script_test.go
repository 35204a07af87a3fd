package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScriptIsCutWherePsqlHasNothingLeftOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   []string // the chunks' statements, joined by |
	}{
		"two statements on one line are one chunk":         {"SELECT 1; SELECT 2;\nSELECT 3;", []string{"SELECT 1|SELECT 2", "SELECT 3"}},
		"a statement goes over lines":                      {"SELECT\n 1\n;\n", []string{"SELECT\n 1"}},
		"semicolons in quotes do not end it":               {"SELECT ';', \";\", $$;$$, $a$ $$; $a$, E'\\';';\nSELECT 2;", []string{`SELECT ';', ";", $$;$$, $a$ $$; $a$, E'\';'`, "SELECT 2"}},
		"semicolons in brackets do not end it":             {"CREATE RULE r AS ON DELETE TO t DO (DELETE FROM a; DELETE FROM b);", []string{"CREATE RULE r AS ON DELETE TO t DO (DELETE FROM a; DELETE FROM b)"}},
		"comments are left out and can hold anything":      {"-- it's;\n/* ' /* ; */ */ SELECT 1; -- x", []string{"", "SELECT 1"}},
		"a routine's body goes to its end":                 {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\nSELECT 1;", []string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END", "SELECT 1"}},
		"BEGIN is a statement elsewhere":                   {"BEGIN;\nEND;", []string{"BEGIN", "END"}},
		"backslash commands are chunks":                    {"\\d t\nSELECT 1 \\gset\nSELECT 2;", []string{"", "SELECT 1", "SELECT 2"}},
		"an escaped semicolon joins statements":            {"SELECT 1\\; SELECT 2;", []string{"SELECT 1; SELECT 2"}},
		"a dollar in a word opens no quote":                {"SELECT a$b$ FROM t;\nSELECT 2;", []string{"SELECT a$b$ FROM t", "SELECT 2"}},
		"data of COPY belong to the chunk":                 {"COPY t FROM stdin;\n1;'\n\\.\nSELECT 1;", []string{"COPY t FROM stdin", "SELECT 1"}},
		"a COPY that is rejected reads no data":            {"COPY t FROM stdin;\n\nSET a TO 1; -- x\nCOPY t FROM stdin;\n-- x\nDROP TABLE t;", []string{"COPY t FROM stdin", "", "SET a TO 1", "COPY t FROM stdin", "", "DROP TABLE t"}},
		"what is not ended at the end of the file is kept": {"SELECT 1", []string{""}},
	} {
		var got []string
		for _, ch := range chunks(c.script) {
			got = append(got, strings.Join(ch.statements, "|"))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRenamingFollowsWhatCanHaveMadeATableOutsideOfBlocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   int // steps to rename
	}{
		"CREATE TABLE":                         {"CREATE TABLE t (a int);", 1},
		"CREATE TABLE AS and SELECT INTO":      {"CREATE TABLE t AS SELECT 1;\nSELECT 1 INTO u;", 2},
		"a temporary table":                    {"CREATE TEMP TABLE t (a int);", 0},
		"a query":                              {"SELECT 1;", 0},
		"a block renames at its end":           {"BEGIN;\nCREATE TABLE t (a int);\nSELECT 1;\nCOMMIT;", 1},
		"a block that changes a table":         {"BEGIN;\nALTER TABLE t ADD b int;\nROLLBACK;", 1},
		"a savepoint does not end the block":   {"BEGIN;\nSAVEPOINT s;\nCREATE TABLE t (a int);\nROLLBACK TO s;\nSELECT 1;\nCOMMIT;", 1},
		"a chained block goes on":              {"BEGIN;\nCREATE TABLE t (a int);\nCOMMIT AND CHAIN;\nSELECT 1;\nCOMMIT;", 1},
		"PREPARE TRANSACTION ends the block":   {"BEGIN;\nCREATE TABLE t (a int);\nPREPARE TRANSACTION 'x';\nSELECT 1;", 1},
		"PREPARE of a statement does not":      {"BEGIN;\nCREATE TABLE t (a int);\nPREPARE x AS SELECT 1;\nCOMMIT;", 1},
		"a schema with tables among its parts": {"CREATE SCHEMA s CREATE TABLE t (a int);", 1},
	} {
		got := strings.Count(instrument("x", c.script), "step=rename")
		if got != c.want {
			t.Errorf("%s: %d steps, want %d", name, got, c.want)
		}
	}
}

func TestATableIsReleasedBeforeItOrItsColumnsGo(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"DROP TABLE a, s.b CASCADE;":                           `\! step=release:drop.table.a.s.b.cascade; eval "$SEGUE_STEP"`,
		"ALTER TABLE a RENAME COLUMN b TO c;":                  `\! step=release:alter.table.a.rename.column.b.to.c; eval "$SEGUE_STEP"`,
		"ALTER TABLE a ADD b int, DROP c;":                     `\! step=release:alter.table.a.add.b.int.drop.c; eval "$SEGUE_STEP"`,
		"ALTER TABLE a SET SCHEMA s;":                          `\! step=release:alter.table.a.set.schema.s; eval "$SEGUE_STEP"`,
		"ALTER TABLE a ALTER b TYPE text;":                     `\! step=release:alter.table.a.alter.b.type.text; eval "$SEGUE_STEP"`,
		"CREATE TABLE a () INHERITS (b) WITH (fillfactor = 9)": "",
		"CREATE TABLE a () INHERITS (b, c);":                   `\! step=release:create.table.a.inherits.b.c; eval "$SEGUE_STEP"`,
		"CREATE TEMP TABLE a () INHERITS (b);":                 `\! step=release:create.temp.table.a.inherits.b; eval "$SEGUE_STEP"`,
		"CREATE TEMP TABLE a (LIKE b);":                        `\! step=release:create.temp.table.a.like.b; eval "$SEGUE_STEP"`,
		"ALTER FOREIGN TABLE a INHERIT b;":                     `\! step=release:alter.foreign.table.a.inherit.b; eval "$SEGUE_STEP"`,
		"ALTER TABLE a DETACH PARTITION b;":                    `\! step=release:alter.table.a.detach.partition.b; eval "$SEGUE_STEP"`,
		"ALTER TABLE a NO INHERIT b;":                          `\! step=release:alter.table.a.no.inherit.b; eval "$SEGUE_STEP"`,
		"ALTER TABLE a OF t;":                                  `\! step=release:alter.table.a.of.t; eval "$SEGUE_STEP"`,
		"DROP VIEW a;":                                         `\! step=release:drop.view.a; eval "$SEGUE_STEP"`,
		"DROP SCHEMA \"A\" CASCADE;":                           `\! step=release:drop.schema.a.cascade; eval "$SEGUE_STEP"`,
		"CREATE TABLE a (LIKE b);":                             `\! step=release:create.table.a.like.b; eval "$SEGUE_STEP"`,
		"ALTER TABLE a ATTACH PARTITION b DEFAULT;":            `\! step=release:alter.table.a.attach.partition.b.default; eval "$SEGUE_STEP"`,
		"CREATE TABLE a AS SELECT 1 FROM b WHERE c LIKE 'd';":  "",
		"ALTER TABLE a DROP CONSTRAINT b;":                     "",
		"ALTER TABLE a ALTER b DROP NOT NULL, ADD c int;":      "",
		"SELECT 1; -- DROP TABLE a":                            "",
		"CREATE VIEW a AS SELECT 'ALTER TABLE a DROP b' AS x":  "",
	} {
		got := ""
		for line := range strings.Lines(instrument("x", script)) {
			if strings.Contains(line, stepRelease) {
				got = strings.TrimSuffix(line, "\n")
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", script, got, want)
		}
	}
}

func TestAnOutputIsCutByTheEchoOfItsScript(t *testing.T) {
	t.Parallel()
	script := "-- first\n\nSELECT 1;\nSELECT\n\n  2;\n\\d t\nSELECT 3;\n"
	output := "-- first\nSELECT 1;\n 1\n\nSELECT\n  2;\n 2\n\n\\d t\nSELECT 3;\n 3\n"
	got := map[string]string{}
	for _, s := range segments(chunks(script), output) {
		if !s.ran {
			t.Errorf("%q is not found", s.chunk.text())
		}
		got[s.chunk.text()] = s.output
	}
	want := map[string]string{
		"-- first": "", "SELECT 1;": " 1\n\n", "SELECT\n\n  2;": " 2\n\n", "\\d t": "", "SELECT 3;": " 3\n\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
