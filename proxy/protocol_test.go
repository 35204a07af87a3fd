package proxy

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// protocolScripts are what a client may do. Each leaves the database as it was.
var protocolScripts = map[string]script{
	"a simple query with several results": {
		{simple("SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; SELECT 3"), "Z"},
	},
	"an empty query": {{simple(""), "Z"}, {simple(" ; "), "Z"}},
	"a simple query that fails half way": {
		{simple("SELECT 1; SELECT nope; SELECT 2"), "Z"}, {simple("SELECT 3"), "Z"},
	},
	"an extended query": {
		{messages(parse("", "SELECT $1::int + 1"), bind("", "", []byte("41")), describePortal(""), execute(""), syncMsg()), "Z"},
	},
	"flush without sync gets its answers": {
		{messages(parse("", "SELECT 1"), bind("", ""), execute(""), flush()), "C"},
		{messages(bind("", ""), execute(""), flush()), "C"},
		{syncMsg(), "Z"},
	},
	"an error is told at once and not at sync": {
		{parse("", "SELECT nope"), "E"},
		{messages(bind("", ""), execute("")), ""},
		{syncMsg(), "Z"},
		{simple("SELECT 1"), "Z"},
	},
	"after an error everything is skipped until sync, a simple query too": {
		{messages(parse("", "SELEC"), bind("", ""), execute(""), simple("SELECT 'skipped'"), closing("x"), syncMsg(), simple("SELECT 2")), "ZZ"},
	},
	"an error in a later group leaves the earlier and the next alone": {
		{messages(
			parse("a", "SELECT 1"), bind("", "a"), execute(""), syncMsg(),
			bind("", "missing"), execute(""), syncMsg(),
			bind("", "a"), execute(""), syncMsg()), "ZZZ"},
	},
	"close completes after an error and for what does not exist": {
		{messages(parse("bad", "SELECT nope"), syncMsg()), "Z"},
		{messages(closing("bad"), closing("never"), closingPortal("never"), syncMsg()), "Z"},
		{messages(parse("bad", "SELECT 1"), bind("", "bad"), execute(""), syncMsg()), "Z"},
	},
	"every sync has its ready": {{messages(syncMsg(), syncMsg(), syncMsg()), "ZZZ"}},
	"an extra sync does not commit a block": {
		{simple("BEGIN"), "Z"},
		{messages(parse("", "CREATE TABLE gone_again ()"), bind("", ""), execute(""), syncMsg(), syncMsg()), "ZZ"},
		{simple("ROLLBACK"), "Z"},
		{simple("SELECT to_regclass('gone_again')"), "Z"},
	},
	"a query inside an open pipeline": {
		{messages(parse("", "SELECT 1"), bind("", ""), execute(""), simple("SELECT 2"), syncMsg()), "ZZ"},
	},
	"a failed transaction refuses until it ends": {
		{messages(simple("BEGIN"), simple("SELECT nope"), simple("SELECT 1"), simple("ROLLBACK"), simple("SELECT 1")), "ZZZZZ"},
	},
	"thousands of messages without a pause": {
		{messages(bytes.Repeat(closing("x"), 20000), syncMsg()), "Z"},
		{messages(bytes.Repeat(messages(parse("", "SELECT 1"), bind("", ""), execute(""), syncMsg()), 500)), strings.Repeat("Z", 500)},
	},
	"messages larger than any buffer": {
		{messages(parse("", "SELECT $1::text"), bind("", "", bytes.Repeat([]byte("x"), 1<<20)), execute(""), syncMsg()), "Z"},
		{simple("SELECT repeat('y', 400000) FROM generate_series(1, 5)"), "Z"},
		{simple("SELECT '" + strings.Repeat("z", 500000) + "'"), "Z"},
		{messages(parse("big", "SELECT 1 /*"+strings.Repeat("c", 2<<20)+"*/"), bind("", "big"), execute(""), syncMsg()), "Z"},
	},
	"a portal is read in parts": {
		{simple("BEGIN"), "Z"},
		{messages(parse("s", "SELECT generate_series(1, 5)"), bind("p", "s"), fetch("p", 2), fetch("p", 2), flush()), "ss"},
		{messages(fetch("p", 2), closingPortal("p"), syncMsg()), "Z"},
		{simple("COMMIT"), "Z"},
	},
	"an error at commit comes with sync": {
		{simple("CREATE TEMP TABLE d (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); INSERT INTO d VALUES (1)"), "Z"},
		{messages(parse("", "INSERT INTO d VALUES (1)"), bind("", ""), execute(""), syncMsg()), "Z"},
		{simple("SELECT count(*) FROM d"), "Z"},
	},
	"a function call": {
		{wire.AppendMessage(nil, wire.FuncCall, functionCall(861 /* current_database */)), "Z"},
		{wire.AppendMessage(nil, wire.FuncCall, functionCall(4294967)), "Z"},
		{simple("SELECT 1"), "Z"},
	},
	"notices and parameters at any time": {
		{simple("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING 'two'; END$$; SET application_name = 'x'; SELECT 1"), "Z"},
		{messages(parse("", "SET application_name = 'y'"), bind("", ""), execute(""), syncMsg()), "Z"},
	},
	"a notification": {{simple("LISTEN me"), "Z"}, {simple("NOTIFY me, 'payload'"), "Z"}, {simple("UNLISTEN *"), "Z"}},
	"copy to the client": {
		{simple("COPY (SELECT n, 'row' FROM generate_series(1, 1000) n) TO STDOUT"), "Z"},
		{messages(parse("", "COPY (SELECT 1) TO STDOUT"), bind("", ""), execute(""), syncMsg()), "Z"},
		{simple("COPY (SELECT 1) TO STDOUT; SELECT 2; COPY (SELECT 1/(n-3) FROM generate_series(1, 5) n) TO STDOUT"), "Z"},
	},
	"copy from the client": {
		{simple("CREATE TEMP TABLE c (a int, b text)"), "Z"},
		{simple("COPY c FROM STDIN; SELECT count(*) FROM c; COPY c FROM STDIN"), "G"},
		{messages(copyData("1\tx\n"), copyData("2\ty\n3\tz\n"), copyDone()), "G"},
		{messages(copyData("4\tx\n"), copyDone()), "Z"},
		{simple("SELECT * FROM c ORDER BY a"), "Z"},
	},
	"sync and flush inside copy are ignored": {
		{simple("CREATE TEMP TABLE c (a int)"), "Z"},
		{messages(parse("", "COPY c FROM STDIN"), bind("", ""), execute(""), syncMsg()), "G"},
		{messages(copyData("1\n"), flush(), syncMsg(), copyData("2\n"), syncMsg(), copyDone(), syncMsg()), "Z"},
		{simple("SELECT * FROM c"), "Z"},
		{messages(simple("COPY c FROM STDIN"), syncMsg(), copyData("3\n"), flush(), copyDone()), "Z"},
		{simple("SELECT * FROM c"), "Z"},
	},
	"a copy that is sent whole, without waiting": {
		{simple("CREATE TEMP TABLE c (a int)"), "Z"},
		{messages(parse("", "COPY c FROM STDIN"), bind("", ""), execute(""), copyData("1\n"), copyDone(), syncMsg(),
			parse("", "SELECT * FROM c"), bind("", ""), execute(""), syncMsg()), "ZZ"},
	},
	"a copy that the client breaks off": {
		{simple("CREATE TEMP TABLE c (a int)"), "Z"},
		{messages(simple("COPY c FROM STDIN"), copyData("1\n"), copyFail("no more")), "Z"},
		{messages(parse("", "COPY c FROM STDIN"), bind("", ""), execute(""), syncMsg()), "G"},
		{messages(copyData("1\n"), copyFail("again"), syncMsg()), "Z"},
		{simple("SELECT * FROM c"), "Z"},
	},
	"what comes late after a failed copy is ignored": {
		{simple("CREATE TEMP TABLE c (a int)"), "Z"},
		{simple("COPY c FROM STDIN"), "G"},
		{copyData("not a number\n"), "Z"},
		{messages(copyData("1\n"), copyDone(), simple("SELECT 1")), "Z"},
		{messages(parse("", "COPY c FROM STDIN"), bind("", ""), execute(""), syncMsg()), "G"},
		{messages(copyData("not a number\n"), copyData("1\n"), copyDone(), syncMsg(), simple("SELECT 2")), "ZZ"},
		{simple("COPY nope FROM STDIN"), "Z"},
		{messages(copyData("1\n"), copyDone(), simple("SELECT 3")), "Z"},
	},
	"statements that SQL does away with": {
		{messages(parse("a", "SELECT 1"), parse("b", "SELECT 2"), parse("", "SELECT 3"), syncMsg()), "Z"},
		{simple("DEALLOCATE a"), "Z"},
		{messages(bind("", "a"), execute(""), syncMsg()), "Z"},
		{messages(bind("", "b"), execute(""), bind("", ""), execute(""), syncMsg()), "Z"},
		{simple("DEALLOCATE ALL"), "Z"},
		{messages(bind("", "b"), execute(""), syncMsg()), "Z"},
		{messages(parse("a", "SELECT 4"), syncMsg()), "Z"},
		{simple("DISCARD ALL"), "Z"},
		{messages(bind("", "a"), execute(""), syncMsg()), "Z"},
	},
	"the unnamed statement is replaced by each parse": {
		{messages(parse("", "SELECT 1"), parse("", "SELECT 2"), bind("", ""), execute(""), syncMsg()), "Z"},
		{messages(parse("", "SELECT nope"), syncMsg()), "Z"},
		{messages(bind("", ""), execute(""), syncMsg()), "Z"},
		{messages(parse("", "SELECT 5"), syncMsg()), "Z"},
		{simple("SELECT 'destroys it'"), "Z"},
		{messages(bind("", ""), execute(""), syncMsg()), "Z"},
	},
	"a name that is taken": {
		{messages(parse("s", "SELECT 1"), parse("s", "SELECT 2"), syncMsg()), "Z"},
		{messages(bind("", "s"), execute(""), closing("s"), parse("s", "SELECT 3"), bind("", "s"), execute(""), syncMsg()), "Z"},
	},
	"describing": {
		{messages(parse("s", "SELECT $1::int AS a, $2::text AS b"), describe("s"), describe("none"), syncMsg()), "Z"},
		{messages(parse("n", "SET work_mem = '4MB'"), describe("n"), bind("", "n"), describePortal(""), syncMsg()), "Z"},
	},
	"a message of an unknown type ends the session": {{wire.AppendMessage(nil, 'y', nil), "Ey"}},
	"a malformed message is the server's to judge": {
		{messages(wire.AppendMessage(nil, wire.Bind, []byte("no end")), syncMsg()), "Z"},
		{messages(wire.AppendMessage(nil, wire.Parse, []byte("no end")), syncMsg()), "Z"},
		{messages(wire.AppendMessage(nil, wire.Parse, []byte("a\x00SELECT 1\x00\x00\x09")), syncMsg()), "Z"},
		{messages(wire.AppendMessage(nil, wire.Describe, []byte("Zx\x00")), syncMsg()), "Z"},
		{messages(wire.AppendMessage(nil, wire.Close, []byte("S")), syncMsg()), "Z"},
		{wire.AppendMessage(nil, wire.Query, []byte("SELECT 1")), "Z"},
		{simple("SELECT 1"), "Z"},
	},
}

// functionCall is the body of a FunctionCall without arguments.
func functionCall(oid uint32) []byte {
	return []byte{byte(oid >> 24), byte(oid >> 16), byte(oid >> 8), byte(oid), 0, 0, 0, 0, 0, 0}
}

func TestTheClientSeesWhatTheServerSays(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	for name, s := range protocolScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.sameAsDirect(t, s)
		})
	}
}

const surname = `
id: surname
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
`

func TestTheClientSeesTheSameWhileAMigrationIsLive(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run("CREATE TABLE individual (id int PRIMARY KEY, last_name text)")
	p.Open(p.snapshot(1, migration(t, 1, rules.Active, surname)))
	for name, s := range protocolScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.sameAsDirect(t, s)
		})
	}
}
