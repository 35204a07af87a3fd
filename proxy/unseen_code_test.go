package proxy

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// jobs are texts that code executes, of which no text of a client's says anything: each makes something through which rows of a table
// under migration can be seen.
const jobs = parts + `;
	CREATE TABLE jobs (name text, job text);
	INSERT INTO jobs VALUES
		('heir', 'CREATE TABLE public.later PARTITION OF public.individual FOR VALUES FROM (100) TO (200); INSERT INTO public.later VALUES (101, ''Roy'')'),
		('view', 'CREATE VIEW everybody AS SELECT i AS who FROM individual i'),
		('column', 'ALTER TABLE holder ADD COLUMN who individual; UPDATE holder SET who = ROW(9, ''Roy'')'),
		('type', 'CREATE TYPE pair AS (a int, who individual)'),
		('function', 'CREATE FUNCTION first_one() RETURNS individual LANGUAGE sql AS ''SELECT * FROM individual WHERE id = 1''');
	CREATE TABLE due (name text);
	INSERT INTO due VALUES ('none');
	CREATE FUNCTION run() RETURNS text LANGUAGE plpgsql AS $$
		DECLARE j text; BEGIN FOR j IN SELECT job FROM public.jobs JOIN public.due USING (name) LOOP EXECUTE j; END LOOP; RETURN 'done'; END $$`

// things are the names of jobs, with texts that use what they make.
var things = map[string][]string{
	"heir":     {"SELECT to_json(l) FROM later l", "SELECT * FROM later", "SELECT last_name FROM later", "SELECT surname FROM later"},
	"view":     {"SELECT to_json(who) FROM everybody ORDER BY (who).id", "SELECT (who).last_name FROM everybody ORDER BY 1"},
	"column":   {"SELECT to_json(who) FROM holder", "SELECT (who).* FROM holder", "SELECT to_json(h) FROM holder h"},
	"type":     {"SELECT to_json(ROW(1, ROW(2, 'Roy'))::pair)"},
	"function": {"SELECT to_json(first_one())", "SELECT * FROM first_one()", "SELECT (first_one()).last_name"},
	"none":     {"SELECT last_name FROM individual WHERE id = 1"},
}

// A runner is a way of running the job that is due.
type runner struct {
	schema string
	run    []string
	apart  bool // the job runs at the end of the transaction: what it makes is not there before
}

// runners are ways of running the job that is due: what there is, and the statements that lead to it.
var runners = map[string]runner{
	"a block":              {"", []string{"DO $$ DECLARE j text; BEGIN FOR j IN SELECT job FROM jobs JOIN due USING (name) LOOP EXECUTE j; END LOOP; END $$"}, false},
	"a block with no INTO": {"", []string{"DO $$BEGIN EXECUTE coalesce((SELECT job FROM jobs JOIN due USING (name)), 'SELECT 1'); END$$"}, false},
	"a block that calls":   {"", []string{"DO $$ BEGIN PERFORM run(); END $$"}, false},
	"a function":           {"", []string{"SELECT run()"}, false},
	"a function of that function": {
		"CREATE FUNCTION outer_one() RETURNS text LANGUAGE sql AS 'SELECT run()'", []string{"SELECT upper(outer_one())"}, false},
	"a procedure": {"CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN PERFORM run(); END'", []string{"CALL work()"}, false},
	"a trigger": {
		`CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END';
		CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION fires()`, []string{"INSERT INTO requests VALUES (1)"}, false},
	"a deferred trigger": {
		`CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END';
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fires()`,
		[]string{"INSERT INTO requests VALUES (1)"}, true},
	"a deferred trigger that is set off": {
		`CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END';
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fires()`,
		[]string{"INSERT INTO requests VALUES (1)", "SET CONSTRAINTS ALL IMMEDIATE"}, false},
	"a view":                          {"CREATE VIEW looks AS SELECT run() AS done", []string{"SELECT * FROM looks"}, false},
	"a default":                       {"CREATE TABLE marked (id int, done text DEFAULT run())", []string{"INSERT INTO marked (id) VALUES (1)"}, false},
	"a rule":                          {"CREATE TABLE ruled (id int); CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT run()", []string{"INSERT INTO ruled VALUES (1)"}, false},
	"a domain":                        {"CREATE DOMAIN checked AS text CHECK (run() <> value)", []string{"SELECT 'x'::checked"}, false},
	"a cast":                          {"CREATE TYPE odd AS (a int); CREATE FUNCTION from_odd(odd) RETURNS text LANGUAGE sql AS 'SELECT run()'; CREATE CAST (odd AS text) WITH FUNCTION from_odd(odd); CREATE TABLE odds (o odd); INSERT INTO odds VALUES (ROW(1))", []string{"SELECT CAST(o AS text) FROM odds"}, false},
	"an operator":                     {"CREATE FUNCTION twice(int, int) RETURNS text LANGUAGE sql AS 'SELECT run()'; CREATE OPERATOR <+> (FUNCTION = twice, LEFTARG = int, RIGHTARG = int)", []string{"SELECT 1 <+> 2"}, false},
	"an event trigger":                {"CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF tg_tag = 'COMMENT' THEN PERFORM run(); END IF; END $$; CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl()", []string{"COMMENT ON TABLE bystander IS 'x'"}, false},
	"a function just made":            {"", []string{"CREATE FUNCTION now_made() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN EXECUTE (SELECT job FROM jobs JOIN due USING (name)); RETURN 'x'; END $f$", "SELECT now_made()"}, false},
	"a function just made of another": {"", []string{"CREATE FUNCTION now_made() RETURNS text LANGUAGE sql AS 'SELECT run()'", "SELECT now_made()"}, false},
	"a trigger just made": {
		"CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END'",
		[]string{"CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION fires()", "INSERT INTO requests VALUES (1)"}, false},
	"a prepared statement": {"", []string{"PREPARE p AS SELECT run()", "EXECUTE p", "DEALLOCATE p"}, false},
	"a cursor":             {"", []string{"DECLARE c CURSOR FOR SELECT run()", "FETCH c"}, false},
	"words without EXECUTE": {
		`CREATE FUNCTION plainly() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM due WHERE name = 'heir';
			IF FOUND THEN CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200); END IF; RETURN 'x'; END $$`,
		[]string{"SELECT plainly()"}, false},
	"an argument that is a domain": {
		"CREATE DOMAIN checked AS text CHECK (run() <> value); CREATE FUNCTION takes(checked) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'", []string{"SELECT takes('x')"}, false},
	"a variable that is a domain": {
		"CREATE DOMAIN checked AS text CHECK (run() <> value); CREATE FUNCTION holds() RETURNS int LANGUAGE plpgsql AS $$ DECLARE x checked; y text := 'x'; BEGIN x := y; RETURN 1; END $$", []string{"SELECT holds()"}, false},
	"a domain over a domain in a composite type": {
		"CREATE DOMAIN checked AS text CHECK (run() <> value); CREATE DOMAIN more AS checked; CREATE TYPE both_of AS (a int, b more); CREATE TABLE kept (x both_of)", []string{"INSERT INTO kept VALUES (ROW(1, 'x'))"}, false},
	"an array of a domain": {
		"CREATE DOMAIN checked AS text CHECK (run() <> value); CREATE TABLE kept (x checked[])", []string{"INSERT INTO kept VALUES ('{x}')"}, true}, // which is read at Parse
	"an aggregate": {
		"CREATE FUNCTION adds(int, int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN 1; END'; CREATE AGGREGATE gathers(int) (SFUNC = adds, STYPE = int, INITCOND = 0)", []string{"SELECT gathers(1)"}, false},
	"a check": {"CREATE TABLE kept (x text CHECK (run() <> x))", []string{"INSERT INTO kept VALUES ('x')"}, false},
	"a cascade": {
		`CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent ON DELETE CASCADE); INSERT INTO parent SELECT generate_series(1, 9); INSERT INTO child SELECT id FROM parent;
		CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN old; END'; CREATE TRIGGER t BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION fires()`,
		[]string{"DELETE FROM parent WHERE id IN (SELECT min(id) FROM parent)"}, false},
	"a holdable cursor":                         {"", []string{"DECLARE c CURSOR WITH HOLD FOR SELECT run()"}, true},
	"a plan":                                    {"", []string{"EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT run()"}, false},
	"a table of a query":                        {"", []string{"CREATE TABLE gathered AS SELECT run()", "DROP TABLE gathered"}, false},
	"a name in another spelling":                {"", []string{`SELECT U&"\0072un"()`}, false},
	"a query in a string":                       {"", []string{"SELECT query_to_xml('SELECT r' || 'un()', true, true, '')"}, false},
	"a query of another function":               {"", []string{"SELECT count(*) FROM ts_stat('SELECT to_tsvector(r' || 'un())')"}, false},
	"a query of another function in a function": {"CREATE FUNCTION words(text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM ts_stat('SELECT to_tsvector(' || $1 || ')') $$", []string{"SELECT words('r' || 'un()')"}, false},
	"a block in a block":                        {"", []string{"DO $$ BEGIN EXECUTE 'DO $x$ BEGIN PERFORM r' || 'un(); END $x$'; END $$"}, false},
	"a call in a text that is put together": {
		`CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT r' || 'un()'; RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION fires()`, []string{"INSERT INTO requests VALUES (1)"}, false},
	"a table whose name is computed": {
		`CREATE TABLE requests (id int); CREATE TABLE audit_requests (id int);
		CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO audit_%s VALUES ($1.*)', TG_TABLE_NAME) USING new; RETURN new; END $$;
		CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END';
		CREATE TRIGGER a AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION audits(); CREATE TRIGGER t AFTER INSERT ON audit_requests FOR EACH ROW EXECUTE FUNCTION fires()`,
		[]string{"INSERT INTO requests VALUES (1)"}, false},
	"a column whose name is computed": {
		`CREATE TABLE requests (id int); CREATE FUNCTION chosen(requests) RETURNS text LANGUAGE sql AS 'SELECT run()';
		CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) USING new; RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION audits('chosen')`, []string{"INSERT INTO requests VALUES (1)"}, false},
	"a name of a table that is executed": {
		`CREATE TABLE requests (id int); CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM ' || TG_TABLE_NAME; RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION audits()`,
		[]string{`ALTER TABLE requests RENAME TO "due WHERE false; SELECT run()"`, `INSERT INTO "due WHERE false; SELECT run()" VALUES (1)`, `ALTER TABLE "due WHERE false; SELECT run()" RENAME TO requests`}, false},
	"a function that hides PostgreSQL's": {
		`CREATE TABLE requests (id int); CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT ' || quote_ident('x'::varchar); RETURN new; END $$;
		CREATE TRIGGER t AFTER INSERT ON requests FOR EACH ROW EXECUTE FUNCTION audits()`,
		[]string{`CREATE FUNCTION quote_ident(varchar) RETURNS text LANGUAGE sql AS $$ SELECT '1; SELECT r' || 'un()' $$`, "INSERT INTO requests VALUES (1)", "DROP FUNCTION quote_ident(varchar)"}, false},
	"an event trigger of what a function does": {
		`CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF tg_tag = 'COMMENT' THEN PERFORM run(); END IF; END $$; CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION on_ddl();
		CREATE FUNCTION says() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMENT ON TABLE bystander IS 'x'; RETURN 1; END $$`, []string{"SELECT says()"}, false},
	"a deferred trigger that a function sets off": {
		`CREATE TABLE requests (id int); CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM run(); RETURN new; END';
		CREATE CONSTRAINT TRIGGER t AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fires();
		CREATE FUNCTION settles() RETURNS int LANGUAGE plpgsql AS 'BEGIN SET CONSTRAINTS ALL IMMEDIATE; RETURN 1; END'`,
		[]string{"INSERT INTO requests VALUES (1)", "SELECT settles()"}, false},
	"a cursor that a function reads": {
		"CREATE FUNCTION takes(c refcursor) RETURNS text LANGUAGE plpgsql AS 'DECLARE x text; BEGIN FETCH c INTO x; RETURN x; END'",
		[]string{"DECLARE c CURSOR FOR SELECT run()", "SELECT takes('c')"}, false},
	"a materialized view": {"CREATE MATERIALIZED VIEW kept AS SELECT run() AS x WITH NO DATA", []string{"REFRESH MATERIALIZED VIEW kept"}, false},
}

// unseenWays are those in which what runs and what is used are sent.
func unseenWays(run, use []string, apart bool) map[string]script {
	out := map[string]script{}
	each := func(name string, s func(use string) script) {
		out[name] = s(use[0])
	}
	texts := func(list ...string) (s script) {
		for _, sql := range list {
			s = append(s, step{simple(sql), "Z"})
		}
		return s
	}
	if apart {
		undo := []string{"DROP TABLE IF EXISTS later"}
		each("at its end", func(u string) script {
			return append(texts("BEGIN"), append(texts(run...), texts(append([]string{"COMMIT", u}, undo...)...)...)...)
		})
		each("at its end, in one string", func(u string) script {
			return texts(append([]string{"BEGIN; " + strings.Join(run, "; ") + "; COMMIT; " + u}, undo...)...)
		})
		each("by itself", func(u string) script { return append(texts(run...), texts(append([]string{u}, undo...)...)...) })
		each("by Sync", func(u string) script {
			var b [][]byte
			for _, sql := range run {
				b = append(b, parse("", sql), bind("", ""), execute(""))
			}
			b = append(b, syncMsg(), parse("", u), bind("", ""), describePortal(""), execute(""), syncMsg())
			return append(script{{messages(b...), "ZZ"}}, texts(undo...)...)
		})
		each("by Parse", func(u string) script {
			return append(script{{messages(parse("", run[0]), parse("", u), bind("", ""), describePortal(""), execute(""), syncMsg()), "Z"}}, texts(undo...)...)
		})
		return out
	}
	out["in a transaction"] = func() script {
		s := append(texts("BEGIN"), texts(run...)...)
		for _, u := range use {
			s = append(s, texts("SAVEPOINT s", u, "ROLLBACK TO s")...)
		}
		return append(s, texts("ROLLBACK")...)
	}()
	each("behind a rollback", func(u string) script {
		s := append(texts("BEGIN", "SAVEPOINT a"), texts(run...)...)
		s = append(s, texts("ROLLBACK TO a", u, "ROLLBACK TO a")...)
		s = append(s, texts(run...)...)
		return append(s, texts(u, "ROLLBACK", u)...)
	})
	each("in one string", func(u string) script {
		return texts("BEGIN; "+strings.Join(run, "; ")+"; "+u+"; ROLLBACK", "ROLLBACK", strings.Join(run, ";")+"; "+u+"; SELECT 1/0")
	})
	each("in one pipeline", func(u string) script {
		b := [][]byte{simple("BEGIN")}
		for _, sql := range run {
			b = append(b, parse("", sql), bind("", ""), execute(""))
		}
		b = append(b, parse("", u), bind("", ""), describePortal(""), execute(""), syncMsg(), simple("ROLLBACK"))
		return script{{messages(b...), "ZZZ"}}
	})
	each("prepared before", func(u string) script {
		s := script{}
		for i, sql := range run {
			s = append(s, step{messages(parse(string(rune('a'+i)), sql), syncMsg()), "Z"})
		}
		s = append(s, texts("BEGIN")...)
		for i := range run {
			s = append(s, step{messages(bind("", string(rune('a'+i))), execute(""), syncMsg()), "Z"})
		}
		return append(s, step{messages(parse("", u), bind("", ""), describePortal(""), execute(""), syncMsg()), "Z"}, step{simple("ROLLBACK"), "Z"})
	})
	out["for good"] = texts(append(append([]string{}, run...), use...)...)
	return out
}

// asRefused puts the refusal of a type or function that is not there (yet) in place of what the server says of it.
func asRefused(want, got []string) []string {
	for i := range want {
		missing := strings.Contains(want[i], "C=42704 ") || strings.Contains(want[i], "C=42883 ")
		if missing && i < len(got) && strings.Contains(got[i], "C=0A000 ") && strings.Contains(got[i], "may be made at this moment") {
			want[i] = got[i]
		}
	}
	return want
}

// TestWhatCodeMakesUnseenHasTheNamesOfTheVersion has the catalog never read again after what the session does. Each way of running makes
// a heir for good, and what else it makes in which way goes around: all of it is tried with -tags soak.
func TestWhatCodeMakesUnseenHasTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	kinds := slices.Sorted(maps.Keys(things))
	for i, how := range slices.Sorted(maps.Keys(runners)) {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			u := openUnseen(t, how)
			for k, thing := range kinds {
				turn := k == i%len(kinds)
				if !u.hasThing(thing) || !triesAll && !turn && thing != "heir" {
					continue
				}
				u.due(thing)
				ways := unseenWays(u.run, things[thing], u.apart)
				names := slices.Sorted(maps.Keys(ways))
				for n, way := range names {
					if !lasts(way) && (triesAll || turn && n == i/len(kinds)%len(names)) {
						u.compare(way, thing, ways[way])
					}
				}
				for n, way := range names {
					if lasts(way) && (triesAll || thing == "heir" || turn && n == i/len(kinds)%len(names)) {
						u.compare(way, thing, ways[way])
					}
				}
				u.clean()
			}
		})
	}
}

// lasts tells whether what is made in a way is there afterwards.
func lasts(way string) bool { return way == "for good" || way == "by itself" }

// An unseen is a way of running, on a database that is sent what a client of the version sends, and on one with the version's names.
type unseen struct {
	t   *testing.T
	how string
	runner
	proxy  *running
	direct *url.URL
	undone atomic.Bool // what is made is taken back, so that the catalog is as it was
}

func openUnseen(t *testing.T, how string) *unseen {
	u := &unseen{t: t, how: how, runner: runners[how]}
	u.proxy = openProxy(t, func(c *Config) {
		c.SchemaChanged = func(known func()) {
			if known != nil && u.undone.Load() {
				known()
			}
		}
	})
	u.proxy.run(jobs, u.schema, "ALTER TABLE individual RENAME last_name TO surname")
	u.proxy.Open(u.proxy.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	direct := pgtest.Database(t)
	pgtest.Exec(t, direct, jobs, u.schema)
	var err error
	if u.direct, err = url.Parse(direct); err != nil {
		t.Fatal(err)
	}
	return u
}

// hasThing tells whether the way of running can make the thing.
func (u *unseen) hasThing(thing string) bool {
	switch u.how {
	case "words without EXECUTE":
		return thing == "heir" || thing == "none"
	case "a function just made":
		return thing != "none"
	}
	return true
}

func (u *unseen) both(sql string) {
	pgtest.Exec(u.t, u.direct.String(), sql)
	u.proxy.run(sql)
}

func (u *unseen) due(thing string) { u.both("UPDATE due SET name = '" + thing + "'") }

func (u *unseen) clean() {
	u.both("DROP TABLE IF EXISTS later; DROP VIEW IF EXISTS everybody; ALTER TABLE holder DROP COLUMN IF EXISTS who; DROP TYPE IF EXISTS pair; DROP FUNCTION IF EXISTS first_one(); DROP FUNCTION IF EXISTS now_made()")
	if u.how == "a trigger just made" {
		u.both("DROP TRIGGER IF EXISTS t ON requests")
	}
}

// compare plays a script on both.
func (u *unseen) compare(way, thing string, s script) {
	u.undone.Store(!lasts(way) && !u.apart)
	want := s.play(u.t, u.direct.Host, u.direct.Path[1:])
	got := s.play(u.t, u.proxy.addr, u.proxy.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
	once := !strings.HasPrefix(u.how, "a cursor") && u.how != "a variable that is a domain" // which needs a transaction, or runs twice
	if once && lasts(way) && thing == "heir" && !strings.Contains(strings.Join(want, ""), "last_name") {
		u.t.Errorf("%s: nothing is made", way)
	}
	if diff := gocmp.Diff(asRefused(want, got), got); diff != "" {
		u.t.Errorf("%s, %s: the client sees (-before +after):\n%s", thing, way, diff)
	}
	if u.apart {
		u.clean() // what is there already, and was made by a session that is gone, is in no catalog that is never read again
	}
}
