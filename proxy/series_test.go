package proxy

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/threadcpu"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// yard is a table under migration with what ordinary migration files meet beside it.
const yard = people + `;
	ALTER TABLE individual ADD weight int NOT NULL DEFAULT 1, ADD CONSTRAINT weight_ck CHECK (weight > 0);
	CREATE TABLE depot (id int PRIMARY KEY, town text);
	INSERT INTO depot VALUES (1, 'Port')`

// seriesScripts are strings in which a statement changes what names mean for later ones.
var seriesScripts = map[string]script{
	"a new column is used": inTurn(
		"ALTER TABLE individual ADD a1 text; UPDATE individual SET a1 = upper(last_name) RETURNING *",
		"ALTER TABLE individual ADD a2 text; CREATE INDEX ON individual (a2, last_name); SELECT indexdef || $$$$ FROM pg_indexes WHERE tablename = 'individual' ORDER BY 1",
		"ALTER TABLE individual ADD a3 text; COMMENT ON COLUMN individual.a3 IS 'x'",
		"ALTER TABLE individual ADD a4 int; ALTER TABLE individual ADD CONSTRAINT a4_fk FOREIGN KEY (a4) REFERENCES individual (id)",
		"ALTER TABLE individual ADD a5 int DEFAULT 1; ALTER TABLE individual ADD CONSTRAINT a5_ck CHECK (a5 > 0)",
		"ALTER TABLE individual ADD a6 text; CREATE VIEW a6_v AS SELECT id, a6, last_name FROM individual; SELECT * FROM a6_v",
		"ALTER TABLE individual ADD a7 text; INSERT INTO individual (id, last_name, a7) VALUES (7, 'West', 'w') RETURNING last_name, a7",
		"ALTER TABLE individual ADD a8 text GENERATED ALWAYS AS (upper(last_name)) STORED; SELECT a8, to_json(i) FROM individual i WHERE id = 7",
		"SELECT column_name || $$$$ FROM information_schema.columns WHERE table_name = 'individual' ORDER BY 1",
	),
	"names change": inTurn(
		"ALTER TABLE individual RENAME weight TO mass; UPDATE individual SET mass = mass + 1 RETURNING last_name, mass",
		"ALTER TABLE individual RENAME mass TO weight; SELECT mass FROM individual",
		"ALTER TABLE individual RENAME mass TO weight",
		"ALTER TABLE depot RENAME TO store; INSERT INTO store SELECT id + 10, last_name FROM individual; SELECT * FROM store ORDER BY id",
		"ALTER TABLE individual DROP weight; ALTER TABLE individual ADD weight text DEFAULT 'w'; SELECT last_name, weight FROM individual ORDER BY id",
		"ALTER TABLE individual ALTER weight TYPE int USING length(weight); SELECT sum(weight) FROM individual WHERE last_name > ''",
		"ALTER TABLE individual DROP weight; SELECT weight FROM individual",
	),
	"types and functions are made": inTurn(
		"CREATE TYPE mood AS ENUM ('x', 'y'); ALTER TABLE individual ADD a8 mood NOT NULL DEFAULT 'x'; SELECT a8::text, last_name FROM individual WHERE id = 1",
		"CREATE DOMAIN short AS text CHECK (length(value) < 9); ALTER TABLE individual ADD s short; UPDATE individual SET s = last_name WHERE id = 1 RETURNING s, last_name",
		"CREATE FUNCTION n() RETURNS bigint LANGUAGE sql AS 'SELECT count(last_name) FROM individual'; SELECT n()",
		"CREATE FUNCTION w() RETURNS individual LANGUAGE sql AS 'SELECT * FROM individual ORDER BY id LIMIT 1'; SELECT to_json(w()), (w()).last_name",
		"CREATE TYPE pair AS (a int, who individual); SELECT to_json(ROW(1, i)::pair) FROM individual i WHERE id = 1",
		"CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_name := upper(NEW.last_name); RETURN NEW; END $$;"+
			" CREATE TRIGGER t BEFORE INSERT ON individual FOR EACH ROW EXECUTE FUNCTION t(); INSERT INTO individual (id, last_name) VALUES (20, 'low') RETURNING last_name",
	),
	"a function that is used once": inTurn(
		`CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "public"."individual", OUT sequelize_caught_exception text) RETURNS RECORD AS $func_1$ BEGIN` +
			` INSERT INTO "individual" ("id", "last_name") VALUES (40, 'Found') RETURNING * INTO response;` +
			` EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func_1$ LANGUAGE plpgsql;` +
			` SELECT (testfunc.response)."id", (testfunc.response)."last_name", testfunc.sequelize_caught_exception FROM pg_temp.testfunc();` +
			` DROP FUNCTION IF EXISTS pg_temp.testfunc();`,
	),
	"tables are made": inTurn(
		"CREATE TABLE note (id int REFERENCES individual (id), n text); INSERT INTO note SELECT id, last_name FROM individual; SELECT n FROM note ORDER BY 1",
		"CREATE TABLE other (LIKE depot); INSERT INTO other SELECT id, last_name FROM individual; SELECT * FROM other ORDER BY id",
		"CREATE TABLE heir (extra int) INHERITS (individual); INSERT INTO heir (id, last_name, extra) VALUES (9, 'Roy', 1); SELECT last_name FROM individual ORDER BY 1; SELECT to_json(h) FROM heir h",
		"SELECT last_name INTO kept FROM individual WHERE id = 1; SELECT last_name FROM kept; DROP TABLE kept; SELECT last_name FROM kept",
		"CREATE TEMP TABLE mine AS SELECT id, last_name FROM individual; UPDATE individual SET last_name = mine.last_name || '!' FROM mine WHERE mine.id = individual.id RETURNING individual.last_name",
		"CREATE TEMP TABLE individual (last_name text, surname int); INSERT INTO individual VALUES ('temporary', 1); SELECT * FROM individual; SELECT last_name FROM public.individual WHERE id = 1",
		"DROP TABLE pg_temp.individual; SELECT last_name FROM individual WHERE id = 2",
		"DROP TABLE IF EXISTS nothing_here; ALTER TABLE individual ADD a11 text; SELECT a11 FROM individual WHERE id = 1",
		"CREATE VIEW everybody AS SELECT i AS who FROM individual i; SELECT to_json(who), (who).last_name FROM everybody WHERE (who).id = 1",
	),
	"schemas and settings": inTurn(
		"SET search_path TO public; ALTER TABLE individual ADD a10 text; SELECT last_name, a10 FROM individual WHERE id = 1",
		"CREATE SCHEMA s; SET search_path TO s, public; CREATE TABLE depot AS SELECT last_name AS surname FROM individual; SELECT surname FROM depot ORDER BY 1",
		"CREATE VIEW station AS SELECT surname AS last_name, 1 AS surname FROM depot; SELECT * FROM station; SET search_path TO public; SELECT * FROM individual WHERE id = 1",
		"SELECT set_config('search_path', 's, public', true); SELECT last_name FROM station",
		"SELECT last_name FROM individual WHERE id = 1",
		"SET search_path TO s; SELECT surname FROM station; RESET search_path; SELECT surname FROM individual",
		"SET segue.version = 'surname'; SELECT 1; RESET segue.version; SELECT last_name FROM individual WHERE id = 1",
		"BEGIN; SET LOCAL search_path TO s; SELECT last_name FROM station; COMMIT; SELECT last_name FROM individual WHERE id = 1",
	),
	"a search_path that has something before pg_catalog": {
		{simple("CREATE SCHEMA s1"), "Z"},
		{simple("CREATE DOMAIN s1.text AS text"), "Z"},
		{simple("CREATE FUNCTION s1.format_type(oid, int) RETURNS text LANGUAGE sql AS 'SELECT 1/0::text'"), "Z"},
		{simple("CREATE FUNCTION s1.eq(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT 1/0 = 1'"), "Z"},
		{simple("CREATE OPERATOR s1.= (FUNCTION = s1.eq, LEFTARG = oid, RIGHTARG = oid)"), "Z"},
		{simple("BEGIN"), "Z"},
		{simple("CREATE SCHEMA s2; CREATE DOMAIN s2.text AS text; SET search_path TO s1, pg_catalog, public"), "Z"},
		{simple("SELECT 'text'::regtype::oid > 0, current_setting('search_path')"), "Z"},
		{simple("ALTER TABLE individual ADD p1 int"), "Z"},
		{simple("SELECT p1, last_name FROM individual WHERE id = 1"), "Z"},
		{simple("SAVEPOINT a; SET LOCAL search_path TO s1, pg_catalog, public; ALTER TABLE individual ADD p2 int; SELECT p2, last_name FROM individual WHERE id = 1; RELEASE a"), "Z"},
		{simple("SHOW search_path"), "Z"},
		{simple("COMMIT"), "Z"},
		{simple("SHOW search_path"), "Z"},
		{simple("ALTER TABLE individual ADD p3 int"), "Z"},
		{simple("SELECT p3, last_name FROM individual WHERE id = 1"), "Z"},
		{simple("SHOW search_path"), "Z"},
		{messages(
			parse("", "SET search_path TO public, pg_catalog"), bind("", ""), execute(""),
			parse("", "ALTER TABLE individual ADD p4 int"), bind("", ""), execute(""),
			parse("", "SELECT p4, last_name, current_setting('search_path') FROM individual WHERE id = 1"), bind("", ""), describePortal(""), execute(""),
			syncMsg(), simple("SHOW search_path")), "ZZ"},
		{simple("ALTER TABLE individual ADD p5 int; SELECT p5, last_name FROM individual WHERE id = 1; ROLLBACK; SELECT last_name FROM individual WHERE id = 1; SHOW search_path"), "Z"},
		{simple("RESET search_path; SHOW search_path"), "Z"},
	},
	"blocks within the string": inTurn(
		"BEGIN; ALTER TABLE individual ADD b1 text; UPDATE individual SET b1 = last_name; COMMIT; SELECT b1 FROM individual ORDER BY id",
		"ALTER TABLE individual ADD b2 text; BEGIN; UPDATE individual SET b2 = last_name WHERE id = 1; SELECT b2 FROM individual WHERE id = 1",
		"SELECT b2 FROM individual WHERE id = 1; ROLLBACK; SELECT b2 FROM individual",
		"ALTER TABLE individual ADD b3 text; UPDATE individual SET b3 = 'x'; COMMIT; SELECT b3, last_name FROM individual WHERE id = 1",
		"ALTER TABLE individual ADD b4 text; UPDATE individual SET b4 = 'x'; ROLLBACK; SELECT b4, last_name FROM individual WHERE id = 1",
		"BEGIN; SAVEPOINT a; ALTER TABLE individual ADD b5 text; UPDATE individual SET b5 = 'x' WHERE id = 1 RETURNING last_name, b5; ROLLBACK TO a; SELECT last_name FROM individual WHERE id = 1; SELECT b5 FROM individual; COMMIT",
		"SELECT 1; ROLLBACK",
		"ALTER TABLE individual ADD b6 text; SAVEPOINT a; UPDATE individual SET b6 = 'x'",
		"ALTER TABLE individual ADD b6 text; UPDATE individual SET b6 = 'x'; COMMIT AND CHAIN; SELECT b6 FROM individual",
		"BEGIN; ALTER TABLE individual ADD b6 text; UPDATE individual SET b6 = 'x' WHERE id = 1; COMMIT AND CHAIN; SELECT b6 FROM individual WHERE id = 1; ROLLBACK",
		"SELECT last_name FROM individual WHERE id = 1; ALTER TABLE individual ADD b7 text; UPDATE individual SET b7 = 'x'; BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 2",
		"SELECT 1; COMMIT; ALTER TABLE individual ADD b8 text; SELECT b8 FROM individual WHERE id = 1",
		"CREATE TABLE b9 (x int); BEGIN; BEGIN; SELECT last_name FROM individual WHERE id = 1; COMMIT; COMMIT",
	),
	"errors in the middle": inTurn(
		"ALTER TABLE individual ADD c1 text; UPDATE individual SET c1 = last_name; SELECT 1/0; SELECT last_name FROM individual",
		"SELECT c1 FROM individual",
		"ALTER TABLE individual ADD c1 text; SELECT 'é', nope, last_name FROM individual; SELECT 1",
		"/* é */ ALTER TABLE individual ADD c1 text; /* é */ INSERT INTO individual (id, last_name, c1) VALUES (1, 'again', 'x')",
		"ALTER TABLE individual ADD c1 text; INSERT INTO individual (id, last_name, c1) VALUES (30, NULL, 'x')",
		"ALTER TABLE individual ADD c1 text; UPDATE individual SET c1 = 'x' FROM FROM; SELECT 1",
		"ALTER TABLE individual ADD c1 text; SELECT surname FROM individual",
		"ALTER TABLE individual ADD c1 text; SELECT last_name FROM individual WHERE id = 'x'",
		"BEGIN; ALTER TABLE individual ADD c1 text; SELECT surname FROM individual; COMMIT",
		"SELECT last_name FROM individual",
		"COMMIT; SELECT last_name FROM individual WHERE id = 1",
		"ALTER TABLE individual ADD c2 int; VACUUM individual; SELECT last_name FROM individual",
		"SELECT count(*) FROM individual; DROP TABLE IF EXISTS nope; CREATE DATABASE individual",
	),
	"what fails at the end": {
		{simple("ALTER TABLE individual ADD boss int, ADD CONSTRAINT boss_fk FOREIGN KEY (boss) REFERENCES individual (id) DEFERRABLE INITIALLY DEFERRED"), "Z"},
		{simple("DROP TABLE IF EXISTS nope; UPDATE individual SET boss = 99 WHERE id = 1; SELECT last_name FROM individual WHERE id = 1"), "Z"},
		{simple("BEGIN; DROP TABLE IF EXISTS nope; UPDATE individual SET boss = 99 WHERE id = 1; COMMIT; SELECT last_name FROM individual WHERE id = 1"), "Z"},
		{simple("SET search_path TO public; SELECT boss, last_name FROM individual ORDER BY id; SET search_path TO public"), "Z"},
	},
	"other tables in a transaction that has made something": {
		{simple("BEGIN"), "Z"},
		{simple("DO $$ BEGIN PERFORM last_name FROM individual; END $$; SELECT last_name FROM individual"), "Z"},
		{simple("ALTER TABLE depot RENAME COLUMN town TO city; UPDATE depot SET city = upper(city); ; INSERT INTO depot (id, city) VALUES (5, 'x')"), "Z"},
		{simple("ALTER TABLE depot ADD more text; UPDATE depot SET more = city WHERE city > 'a' RETURNING more; SELECT nope FROM depot"), "Z"},
		{simple("ROLLBACK"), "Z"},
	},
	"in a transaction of the client's": {
		{simple("BEGIN"), "Z"},
		{simple("ALTER TABLE individual ADD d1 text; UPDATE individual SET d1 = last_name; SELECT d1 FROM individual ORDER BY id"), "Z"},
		{simple("CREATE TEMP TABLE mine AS SELECT * FROM individual; SELECT d1, nope FROM mine, individual; SELECT 1"), "Z"},
		{simple("SELECT last_name FROM individual; CREATE TABLE nope (i int); SELECT last_name FROM individual"), "Z"},
		{simple("ROLLBACK; CREATE TABLE d2 (i int); SELECT last_name FROM individual WHERE id = 1"), "Z"},
	},
	"queries one behind the other": {
		{messages(
			simple("ALTER TABLE individual ADD e1 text; UPDATE individual SET e1 = last_name; SELECT e1 FROM individual ORDER BY id"),
			simple("SELECT e1 FROM individual WHERE id = 1"),
			simple("CREATE TEMP TABLE e2 AS SELECT last_name FROM individual; SELECT count(last_name) FROM individual; SELECT 1/0"),
			simple("SELECT last_name FROM individual WHERE id = 1"),
			parse("s", "SELECT e1 FROM individual WHERE id = $1"), bind("", "s", []byte("2")), execute(""), syncMsg()), "ZZZZZ"},
	},
	"what a block of the string allows and forbids": inTurn(
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; CREATE INDEX ON individual (last_name, id); SELECT last_name FROM individual WHERE id = 1; SHOW transaction_isolation",
		"SET TRANSACTION READ ONLY; SET search_path TO public; UPDATE individual SET last_name = 'x'",
		"BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE i1 (a int); DECLARE c CURSOR FOR SELECT last_name FROM individual ORDER BY id; FETCH 2 FROM c; CLOSE c; COMMIT; SHOW transaction_isolation",
		"CREATE TABLE i2 (a int); DECLARE c CURSOR WITH HOLD FOR SELECT last_name FROM individual ORDER BY id; FETCH 1 FROM c",
		"FETCH 1 FROM c; DROP TABLE i2; SELECT last_name FROM individual WHERE id = 3; CLOSE c",
		"CREATE TABLE i3 (a int); LOCK TABLE individual; PREPARE q AS SELECT last_name FROM individual WHERE id = $1; EXECUTE q (2); DEALLOCATE q",
		"CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; CALL p(); SELECT last_name FROM individual",
		"DROP TABLE IF EXISTS nope; DISCARD ALL; SELECT last_name FROM individual",
		"LISTEN x; CREATE TABLE i4 (a int); SELECT last_name FROM individual WHERE id = 1; NOTIFY x, 'y'; UNLISTEN x",
		"CREATE TABLE i5 AS SELECT last_name FROM individual; COPY individual (last_name) TO STDOUT; COPY (SELECT * FROM i5 ORDER BY 1) TO STDOUT; DROP TABLE i5",
		"BEGIN; CREATE TABLE i6 (a int); SELECT last_name FROM individual WHERE id = 1; PREPARE TRANSACTION 'of a series'; SELECT last_name FROM individual WHERE id = 1; SELECT 1",
		"ROLLBACK PREPARED 'of a series'",
		"CREATE TABLE i7 (a int);; /* é */ ; -- é\n SELECT last_name, nope FROM individual ;; SELECT 2",
		"SAVEPOINT a; CREATE TABLE i8 (a int); SELECT last_name FROM individual",
		"CREATE TABLE i9 (a int); RELEASE a; SELECT last_name FROM individual",
		"CREATE TABLE i10 (a int); ROLLBACK TO a; SELECT last_name FROM individual",
		"CREATE TABLE i11 (a int); SELECT last_name FROM individual WHERE id = 1; ROLLBACK AND CHAIN; SELECT 1",
		"CREATE TABLE i12 (a int); SELECT last_name FROM individual WHERE id = 1; END; START TRANSACTION; SELECT last_name FROM individual WHERE id = 2; ABORT; SELECT 3",
		"CREATE TABLE i13 (a int); SELECT set_config('search_path', 'pg_catalog', false); SELECT last_name FROM individual",
		"CREATE ROLE series_role; SET ROLE series_role; SELECT last_name FROM individual",
		"SET search_path = ''; SELECT last_name FROM public.individual WHERE id = 1; SELECT last_name FROM individual",
		"DO $$ BEGIN RAISE NOTICE 'é'; END $$; SELECT last_name FROM individual WHERE id = 1; DO $$ BEGIN RAISE EXCEPTION 'x'; END $$; SELECT 1",
		"CREATE TABLE i14 (a int); EXPLAIN (COSTS OFF) SELECT last_name FROM individual WHERE id = 1; DROP TABLE i14",
		"SET client_min_messages = error; DROP TABLE IF EXISTS nope; SELECT last_name FROM individual WHERE id = 1; RESET client_min_messages",
		"SELECT last_name FROM individual WHERE id = 1",
	),
	"blocks of code": inTurn(
		"DO $$ BEGIN ALTER TABLE individual ADD f1 text; END $$; UPDATE individual SET f1 = last_name; SELECT f1 FROM individual ORDER BY id",
		"DO $$ BEGIN EXECUTE 'CREATE TABLE f2 (a int)'; END $$; INSERT INTO f2 SELECT id FROM individual WHERE last_name > 'M'; SELECT * FROM f2 ORDER BY 1",
	),
	"settings that decide how texts are read": inTurn(
		`SET standard_conforming_strings = off; CREATE TABLE g1 (t text); SELECT last_name, 'plain' FROM individual WHERE id = 1`,
		"SET standard_conforming_strings = on",
		"SELECT last_name, 'é' FROM individual WHERE id = 1",
	),
	"what is pipelined before a Sync": {
		{messages(
			parse("", "ALTER TABLE individual ADD h1 text"), bind("", ""), execute(""),
			parse("", "UPDATE individual SET h1 = last_name WHERE id = $1 RETURNING h1, last_name"), bind("", "", []byte("1")), describePortal(""), execute(""),
			parse("", "CREATE TEMP TABLE h2 AS SELECT last_name FROM individual"), bind("", ""), execute(""),
			parse("", "SELECT h2.last_name, i.h1 FROM h2 JOIN individual i USING (last_name) ORDER BY 1"), bind("", ""), describePortal(""), execute(""),
			parse("", "SET LOCAL search_path TO pg_temp"), bind("", ""), execute(""),
			parse("", "SELECT last_name FROM individual"), syncMsg(),
			simple("SELECT h1 FROM individual")), "ZZ"},
		{messages(parse("", "ALTER TABLE individual ADD h1 text; SELECT h1 FROM individual"), syncMsg()), "Z"},
	},
}

// inTurn sends each of the strings when the one before it has been answered.
func inTurn(sql ...string) (s script) {
	for _, text := range sql {
		s = append(s, step{simple(text), "Z"})
	}
	return s
}

// TestEachStatementOfAStringSeesWhatTheOnesBeforeItHaveDone plays strings of several statements in a database that was never
// changed, without a proxy, and in one where a column of the table has another name.
func TestEachStatementOfAStringSeesWhatTheOnesBeforeItHaveDone(t *testing.T) {
	t.Parallel()
	for name, s := range seriesScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t, unread)
			p.run(yard, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			want := s.directly(t, yard)
			got := s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-before +after):\n%s", diff)
			}
		})
	}
}

// TestNothingIsPreparedWithoutABlock is about PREPARE TRANSACTION in a string that is sent in pieces. Where the client has no
// block open it is refused, and what precedes it is undone.
func TestNothingIsPreparedWithoutABlock(t *testing.T) {
	t.Parallel()
	const rest = "; SET search_path TO public; SELECT last_name FROM individual WHERE id = 1"
	p := openProxy(t)
	p.run(people, "CREATE TABLE other (n int)", renameThere)
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	c := p.loginBase()
	for name, sql := range map[string]string{
		"at first":                    "PREPARE TRANSACTION 'none'" + rest,
		"behind a block":              "BEGIN; COMMIT; PREPARE TRANSACTION 'none'" + rest,
		"behind one that is undone":   "BEGIN; ROLLBACK; ; PREPARE TRANSACTION 'none'" + rest,
		"behind a COMMIT":             "COMMIT; PREPARE TRANSACTION 'none'" + rest,
		"behind a statement":          "INSERT INTO other VALUES (1); PREPARE TRANSACTION 'none'" + rest,
		"behind what is in a block":   "BEGIN; SELECT 1; END; SELECT 2; PREPARE TRANSACTION 'none'" + rest,
		"at the end":                  "SET search_path TO public; SELECT last_name FROM individual; PREPARE TRANSACTION 'none'",
		"behind another that is none": "BEGIN; PREPARE TRANSACTION 'none'; PREPARE TRANSACTION 'none'" + rest,
	} {
		t.Run(name, func(t *testing.T) {
			heard := hears(c, step{simple(sql), "Z"})
			if e := heard[len(heard)-2]; !strings.Contains(e, "C=0A000 M=PREPARE TRANSACTION") || heard[len(heard)-1] != `Z "I"` {
				t.Errorf("heard %q", heard)
			}
			if heard = hears(c, step{simple("SELECT count(*) FROM other"), "Z"}); heard[1] != `D "\x00\x01\x00\x00\x00\x010"` {
				t.Errorf("what preceded it has stayed: %q", heard)
			}
			heard = hears(c, step{simple("ROLLBACK PREPARED 'none'"), "Z"})
			if prepared := name == "behind another that is none"; prepared == strings.Contains(heard[0], "C=42704") {
				t.Errorf("heard %q", heard)
			}
		})
	}
}

// TestDividingAPieceCostsWhatIsInIt divides each piece of a long series: those that are due behind it are left where they are.
func TestDividingAPieceCostsWhatIsInIt(t *testing.T) {
	t.Parallel()
	const n = 50_000
	sql := []byte("SELECT 1;SELECT 2;")
	halves := []rewrite.Piece{{Start: 0, End: 9}, {Start: 9, End: 18, Chars: 9, Control: rewrite.NeedsBlock}}
	var all []rewrite.Piece
	for i := range n {
		all = append(all, rewrite.Piece{Start: 0, End: len(sql), Chars: i * len(sql)})
	}
	run := new(series)
	run.divide(sql, all, 5)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := threadcpu.Now()
	for i := range n {
		chars := run.first().chars
		run.take()
		run.divide(sql, halves, chars)
		for j, want := range []string{"SELECT 1;", "SELECT 2;"} {
			p := run.first()
			if string(p.text) != want || p.chars != 5+i*len(sql)+9*j || p.control != halves[j].Control {
				t.Fatalf("half %d of piece %d is %q behind %d characters, with control %v", j, i, p.text, p.chars, p.control)
			}
			run.take()
		}
	}
	if took := threadcpu.Now() - began; took > 2*time.Second {
		t.Errorf("%d pieces were divided in %v", n, took)
	}
	if len(run.due) != 0 {
		t.Errorf("%d pieces are still due", len(run.due))
	}
}
