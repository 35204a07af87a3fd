package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// liveScripts speak of a table by its old name and columns, in the words of version base.
var liveScripts = map[string]script{
	"a simple query": {
		{simple("SELECT * FROM individual ORDER BY id; SELECT last_name FROM individual i WHERE i.last_name = 'Moss'"), "Z"},
	},
	"an extended query": {
		{messages(parse("", "SELECT last_name FROM individual WHERE id = $1"), describe(""),
			bind("", "", []byte("1")), describePortal(""), execute(""), syncMsg()), "Z"},
	},
	"a named statement used again and again": {
		{messages(parse("s", "UPDATE individual SET last_name = upper(last_name) WHERE id = $1 RETURNING last_name"), describe("s"), syncMsg()), "Z"},
		{messages(bind("", "s", []byte("1")), execute(""), bind("", "s", []byte("2")), execute(""), syncMsg()), "Z"},
		{messages(bind("", "s", []byte("3")), execute(""), flush()), "C"},
		{messages(closing("s"), syncMsg()), "Z"},
		{messages(bind("", "s", []byte("1")), syncMsg()), "Z"},
	},
	"errors speak of the old names": {
		{simple("INSERT INTO individual (id, last_name) VALUES (9, NULL)"), "Z"},
		{simple("INSERT INTO individual (id, last_name) VALUES (1, 'again')"), "Z"},
		{messages(parse("", "INSERT INTO individual (id, last_name) VALUES ($1::int, NULL)"), bind("", "", []byte("9")), execute(""), syncMsg()), "Z"},
		{simple("SELECT last_name, nope FROM individual"), "Z"},
		{simple("/* é */ SELECT i.last_name FROM individual i WHERE nope"), "Z"},
	},
	"errors to texts that need no change speak of the old names": {
		{simple("INSERT INTO individual VALUES (9)"), "Z"},
		{simple("INSERT INTO individual VALUES (1, 'again')"), "Z"},
		{messages(parse("", "INSERT INTO individual VALUES ($1)"), bind("", "", []byte("9")), execute(""), syncMsg()), "Z"},
	},
	"errors are worded by the server": {
		{simple("SELECT FROM FROM individual"), "Z"},
		{simple("SELECT U&'wrong \\zzzz' FROM individual"), "Z"},
		{simple("ALTER TABLE individual ADD FOREIGN KEY (id) REFERENCES individual MATCH PARTIAL"), "Z"},
		{messages(parse("s", "SELECT last_name individual individual"), describe("s"), syncMsg()), "Z"},
		{simple("SELECT last_name FROM individual i, (SELECT i.last_name) s"), "Z"},
		{simple("/* é */ SELECT id FROM individual i, (SELECT last_name) s"), "Z"},
		{simple("SELECT last_name FROM individual i WHERE individual.id = 1"), "Z"},
		{messages(parse("", "SELECT i_d, last_name FROM individual WHERE id = $1"), describe(""), syncMsg()), "Z"},
		{messages(parse("", "SELECT last_name FROM individual"), parse("s", "SELECT last_name, nope FROM individual"), syncMsg()), "Z"},
		{messages(simple("SELECT 1"), simple("SELECT nope FROM individual"), simple("SELECT FROM FROM individual"), simple("SELECT 2")), "ZZZZ"},
		{messages(simple("BEGIN"), simple("SELECT last_name, nope FROM individual"), simple("SELECT FROM FROM individual"),
			simple("SELECT last_name FROM individual"), simple("COMMIT")), "ZZZZZ"},
		{messages(simple("BEGIN"), simple("SELECT last_name FROM FROM individual"), simple("SELECT last_name FROM individual"), simple("ROLLBACK")), "ZZZZ"},
	},
	"a backslash that escapes a quote": {
		{simple("SET standard_conforming_strings = off; SET escape_string_warning = off"), "Z"},
		{simple(`SELECT 'a\\b\'cd' FROM FROM individual`), "Z"},
	},
	"names of the new version do not exist": {
		{simple("SELECT surname FROM individual"), "Z"},
		{simple("SELECT 1; SELECT id, i.surname FROM individual i; SELECT 2"), "Z"},
		{messages(parse("x", "SELECT surname FROM individual"), bind("", "x"), execute(""), syncMsg()), "Z"},
		{messages(bind("", "x"), syncMsg()), "Z"},
		{simple("SELECT last_name FROM individual WHERE id = 1"), "Z"},
	},
	"a missing name fails the transaction": {
		{messages(simple("BEGIN"), simple("SELECT surname FROM individual"), simple("SELECT last_name FROM individual"), simple("ROLLBACK")), "ZZZZ"},
		{messages(simple("BEGIN"), simple("SAVEPOINT a"), simple("SELECT surname FROM individual"), simple("ROLLBACK TO a"),
			simple("SELECT last_name FROM individual WHERE id = 1"), simple("COMMIT")), "ZZZZZZ"},
	},
	"a transaction in one pipeline": {
		{messages(
			parse("", "BEGIN"), bind("", ""), execute(""),
			parse("", "UPDATE individual SET last_name = 'Poe' WHERE id = 1"), bind("", ""), execute(""),
			parse("", "SELECT last_name FROM individual WHERE id = 1"), bind("", ""), execute(""),
			parse("", "ROLLBACK"), bind("", ""), execute(""),
			parse("", "SELECT last_name FROM individual WHERE id = 1"), bind("", ""), execute(""), syncMsg()), "Z"},
	},
	"an error in a pipeline skips what follows": {
		{messages(
			parse("", "SELECT 1/0"), bind("", ""), execute(""),
			parse("never", "SELECT last_name FROM individual"), bind("", "never"), execute(""), syncMsg(),
			bind("", "never"), execute(""), syncMsg(),
			parse("", "SELECT last_name FROM individual WHERE id = 1"), bind("", ""), execute(""), syncMsg()), "ZZZ"},
	},
	"an error in a pipeline skips simple queries, whatever comes between them": {
		{simple("INSERT INTO nowhere SELECT last_name FROM individual"), "Z"}, // now it is known that there is no such table
		{messages(
			parse("", "SELECT 1/0"), bind("", ""), execute(""), simple("SELECT last_name FROM individual"),
			parse("", "INSERT INTO nowhere SELECT last_name FROM individual"), simple("DELETE FROM individual"), syncMsg(),
			simple("SELECT last_name FROM individual ORDER BY id")), "ZZ"},
		{messages(
			simple("BEGIN"), simple("SELECT 1/0"), parse("a", "SELECT 1"), simple("SELECT last_name FROM individual"),
			parse("", "INSERT INTO nowhere SELECT last_name FROM individual"), simple("ROLLBACK"), simple("DELETE FROM individual"), syncMsg(),
			simple("ROLLBACK"), simple("SELECT last_name FROM individual ORDER BY id")), "ZZZZZ"},
	},
	"copy": {
		{simple("BEGIN; COPY individual (id, last_name) FROM STDIN"), "G"},
		{messages(copyData("7\tSeven\n"), copyDone()), "Z"},
		{simple("COPY individual TO STDOUT; COPY (SELECT last_name FROM individual ORDER BY 1) TO STDOUT"), "Z"},
		{simple("COPY individual (last_name) FROM STDIN"), "G"},
		{messages(copyData("a\tb\n"), copyDone(), simple("ROLLBACK")), "ZZ"},
	},
	"statements prepared in SQL": {
		{simple("PREPARE p AS SELECT last_name FROM individual WHERE id = $1; EXECUTE p (1)"), "Z"},
		{simple("EXECUTE p (2)"), "Z"},
		{messages(bind("", "p", []byte("3")), describePortal(""), execute(""), syncMsg()), "Z"},
		{messages(bind("", ""), syncMsg(), describe(""), syncMsg()), "ZZ"},
		{simple("DEALLOCATE p"), "Z"},
		{simple("EXECUTE p (1)"), "Z"},
	},
	"what is prepared in SQL shows the client's text": {
		{simple("PREPARE p AS SELECT count(*) FROM individual ; "), "Z"},
		{simple("EXECUTE p"), "Z"},
		{simple("SELECT 1 AS individual; PREPARE q (int) AS SELECT id FROM individual WHERE id = $1; EXECUTE q (1); EXECUTE p; "), "Z"},
		{simple("EXECUTE q (1)"), "Z"},
		{simple("SELECT name, statement, prepare_time < now() FROM pg_prepared_statements ORDER BY name"), "Z"},
	},
	"prepare outlives a rollback": {
		{messages(simple("BEGIN"), simple("PREPARE p AS SELECT last_name FROM individual WHERE id = 1"), simple("ROLLBACK"), simple("EXECUTE p")), "ZZZZ"},
	},
	"a cursor": {
		{messages(simple("BEGIN"), simple("DECLARE c CURSOR FOR SELECT last_name FROM individual ORDER BY id"), simple("FETCH 2 FROM c"),
			simple("FETCH ALL FROM c"), simple("COMMIT")), "ZZZZZ"},
	},
	"a search_path that comes and goes": {
		{simple("CREATE TEMP TABLE individual AS SELECT 'temporary' AS last_name"), "Z"},
		{simple("SELECT last_name FROM individual"), "Z"},
		{simple("SELECT last_name FROM public.individual WHERE id = 1"), "Z"},
		{messages(simple("BEGIN"), simple("SET LOCAL search_path = public, pg_temp"), simple("SELECT count(last_name) FROM individual"),
			simple("COMMIT"), simple("SELECT last_name FROM individual")), "ZZZZZ"},
		{simple("DISCARD TEMP"), "Z"},
		{simple("SELECT last_name FROM individual WHERE id = 1"), "Z"},
	},
	"a temporary table that a rollback takes away": {
		{messages(simple("BEGIN"), simple("SAVEPOINT s"), simple("CREATE TEMP TABLE individual AS SELECT 'temporary' AS last_name"),
			simple("SELECT last_name FROM individual"), simple("ROLLBACK TO s"), simple("SELECT last_name FROM individual WHERE id = 1"),
			simple("ROLLBACK")), "ZZZZZZZ"},
	},
	"statements of one string after a rollback in a failed transaction": {
		{messages(simple("SELECT last_name FROM individual WHERE id = 1"), simple("BEGIN"), simple("SELECT 1/0")), "ZZZ"},
		{simple("ROLLBACK; SELECT last_name FROM individual WHERE id = 1"), "Z"},
	},
}

const people = `CREATE TABLE individual (id int PRIMARY KEY, last_name text NOT NULL);
	INSERT INTO individual VALUES (1, 'Moss'), (2, 'Trenneman'), (3, 'Barber')`

// TestTheOldVersionSeesWhatItSawBeforeTheRename plays each script in a database that was never changed, without a proxy,
// and in one where the rename has been made.
func TestTheOldVersionSeesWhatItSawBeforeTheRename(t *testing.T) {
	t.Parallel()
	for name, s := range liveScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := s.directly(t, people), s.renamed(t, people)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-before +after):\n%s", diff)
			}
		})
	}
}
