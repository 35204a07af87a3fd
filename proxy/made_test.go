package proxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// parts are a table under migration with partitions, and what can hold its rows.
const parts = `CREATE TABLE individual (id int NOT NULL, last_name text NOT NULL) PARTITION BY RANGE (id);
	CREATE TABLE individual_1 PARTITION OF individual FOR VALUES FROM (0) TO (100);
	INSERT INTO individual VALUES (1, 'Moss'), (2, 'Trenneman'), (3, 'Barber');
	CREATE TABLE holder (id int);
	INSERT INTO holder VALUES (1);
	CREATE TABLE bystander (id int, last_name text);
	INSERT INTO bystander VALUES (7, 'Goodman')`

// newcomers are statements that make something through which rows of the table can be seen, and texts that use it.
var newcomers = map[string]struct {
	make []string
	use  []string
	on   string // the schema; parts when empty
}{
	"an heir": {
		[]string{"CREATE TABLE heir (note text) INHERITS (individual)"},
		[]string{"INSERT INTO heir (id, last_name) VALUES (9, 'Roy') RETURNING last_name", "SELECT * FROM heir", "SELECT to_json(h) FROM heir h", "SELECT surname FROM heir"},
		people,
	},
	"a partition": {
		[]string{"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200)"},
		[]string{"INSERT INTO later (id, last_name) VALUES (101, 'Reynholm') RETURNING last_name", "SELECT * FROM later",
			"SELECT to_json(l) FROM later l", "SELECT l.last_name FROM later l WHERE l.last_name > 'A'", "SELECT surname FROM later",
			"UPDATE later SET last_name = 'Denholm' RETURNING *", "SELECT last_name FROM individual WHERE id > 100"},
		"",
	},
	"a partition of a partition": {
		[]string{"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id)",
			"CREATE TABLE latest PARTITION OF later FOR VALUES FROM (150) TO (200)"},
		[]string{"INSERT INTO latest VALUES (151, 'Reynholm')", "SELECT * FROM latest", "SELECT last_name FROM later"},
		"",
	},
	"an index on a new partition": {
		[]string{"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200)"},
		[]string{"CREATE INDEX later_by_name ON later (last_name)", "ALTER TABLE later ALTER last_name SET DEFAULT 'Nobody'",
			"INSERT INTO later (id) VALUES (101) RETURNING last_name"},
		"",
	},
	"a function": {
		[]string{"CREATE FUNCTION first_one() RETURNS individual BEGIN ATOMIC SELECT i FROM individual AS i WHERE id = 1; END"},
		[]string{"SELECT to_json(first_one())", "SELECT * FROM first_one()", "SELECT (first_one()).last_name"},
		"",
	},
	"a function of types that PostgreSQL has, and calls like its catalogs": {
		[]string{"CREATE SCHEMA beside", "CREATE FUNCTION lsn_of(pg_lsn, pg_node_tree) RETURNS int LANGUAGE sql AS 'SELECT 1'"},
		[]string{"SELECT lsn_of('0/1'::pg_lsn, NULL)", "SELECT last_name FROM individual WHERE lsn_of(NULL, NULL) = id"},
		"",
	},
	"a function in place of another": {
		[]string{"CREATE FUNCTION given() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION given()",
			"CREATE FUNCTION given() RETURNS individual BEGIN ATOMIC SELECT i FROM individual AS i WHERE id = 1; END"},
		[]string{"SELECT to_json(given())", "SELECT (given()).last_name"},
		"",
	},
	"a column of its rows": {
		[]string{"ALTER TABLE holder ADD COLUMN who individual", "UPDATE holder SET who = ROW(9, 'Roy')"},
		[]string{"SELECT to_json(who) FROM holder", "SELECT (who).last_name FROM holder", "SELECT to_json(h) FROM holder h"},
		"",
	},
	"a column that gets their type": {
		[]string{"ALTER TABLE holder ADD COLUMN who text", "ALTER TABLE holder ALTER who TYPE individual USING NULL",
			"UPDATE holder SET who = ROW(9, 'Roy')"},
		[]string{"SELECT to_json(who) FROM holder", "SELECT (who).* FROM holder"},
		"",
	},
	"a column of another table that has the name": {
		[]string{"ALTER TABLE holder ADD last_name text", "UPDATE holder SET last_name = 'Moss'"},
		[]string{"SELECT id FROM individual WHERE EXISTS (SELECT FROM holder WHERE last_name = 'Moss')",
			"SELECT last_name FROM individual, holder", "SELECT holder.last_name, individual.last_name FROM individual, holder"},
		"",
	},
	"a column of what a view and a function show": {
		[]string{"CREATE VIEW whole AS SELECT b AS b FROM bystander b",
			"CREATE FUNCTION passing() RETURNS SETOF bystander LANGUAGE sql AS 'SELECT * FROM bystander'",
			"ALTER TABLE bystander ADD surname text DEFAULT 'x'", "ALTER TABLE bystander RENAME id TO nr"},
		[]string{"SELECT (b).*, i.last_name FROM whole, individual i ORDER BY i.id", "SELECT p.*, i.last_name FROM passing() p, individual i ORDER BY i.id",
			"SELECT surname FROM individual, passing()", "SELECT nr, i.last_name FROM individual i, passing() ORDER BY 2"},
		"",
	},
	"a column of the table that a function, a view and another table show": {
		[]string{"ALTER TABLE individual ADD more int", "ALTER TABLE individual RENAME id TO nr"},
		[]string{"SELECT * FROM people() ORDER BY 1", "SELECT to_json(p) FROM people() p ORDER BY 1::text", "SELECT more, nr FROM people() ORDER BY 2", "SELECT (who).* FROM everybody ORDER BY 1",
			"SELECT to_json(who) FROM everybody ORDER BY (who).nr", "SELECT (who).more FROM pairs", "SELECT to_json(p) FROM pairs p", "SELECT last_name FROM people() ORDER BY 1"},
		parts + `; CREATE FUNCTION people() RETURNS SETOF individual LANGUAGE sql AS 'SELECT * FROM individual';
			CREATE VIEW everybody AS SELECT i AS who FROM individual i; CREATE TABLE pairs (who individual); INSERT INTO pairs VALUES (ROW(9, 'Roy'))`,
	},
	"a view with more columns than it had": {
		[]string{"CREATE VIEW few AS SELECT id FROM bystander", "CREATE FUNCTION fewer() RETURNS SETOF few LANGUAGE sql AS 'SELECT * FROM few'",
			"CREATE OR REPLACE VIEW few AS SELECT id, last_name AS surname FROM bystander"},
		[]string{"SELECT f.*, i.last_name FROM fewer() f, individual i ORDER BY i.id", "SELECT surname FROM fewer(), individual"},
		"",
	},
	"a table and a view that go": {
		[]string{"CREATE VIEW beside AS SELECT id FROM bystander", "DROP VIEW beside", "DROP TABLE bystander"},
		[]string{"SELECT last_name FROM individual ORDER BY 1", "SELECT * FROM bystander, individual", "SELECT * FROM beside, individual"},
		"",
	},
	"a temporary view in the way": {
		[]string{"CREATE TEMP VIEW individual AS SELECT 1 AS last_name"},
		[]string{"SELECT last_name FROM individual", "SELECT last_name FROM public.individual ORDER BY 1", "SELECT surname FROM individual"},
		"",
	},
	"a composite type that gets a field": {
		[]string{"CREATE TYPE pair AS (a int)", "CREATE TABLE pairs (p pair)", "INSERT INTO pairs VALUES (ROW(1))", "ALTER TYPE pair ADD ATTRIBUTE last_name text CASCADE"},
		[]string{"SELECT (p).*, i.last_name FROM pairs, individual i ORDER BY i.id", "SELECT (p).last_name, i.last_name FROM pairs, individual i ORDER BY i.id"},
		"",
	},
	"a view of whole rows": {
		[]string{"CREATE VIEW everybody AS SELECT i AS who FROM individual i WHERE id < 3"},
		[]string{"SELECT to_json(who) FROM everybody ORDER BY (who).id", "SELECT (who).last_name FROM everybody"},
		"",
	},
	"a view of its columns": {
		[]string{"CREATE VIEW everybody AS SELECT * FROM individual WHERE id < 3"},
		[]string{"SELECT to_json(e) FROM everybody e ORDER BY id", "SELECT last_name FROM everybody ORDER BY 1"},
		"",
	},
	"a table of whole rows": {
		[]string{"SELECT i AS who INTO everybody FROM individual i WHERE id < 3"},
		[]string{"SELECT to_json(who) FROM everybody ORDER BY (who).id", "SELECT (who).last_name FROM everybody ORDER BY 1"},
		"",
	},
	"a new name for another relation": {
		[]string{"ALTER TABLE bystander RENAME TO passer_by", "ALTER TABLE passer_by RENAME last_name TO individual"},
		[]string{"SELECT * FROM passer_by", "SELECT individual FROM passer_by", "SELECT last_name FROM passer_by"},
		"",
	},
	"a new name for a partition": {
		[]string{"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200)"},
		[]string{"INSERT INTO later VALUES (101, 'Reynholm')", "ALTER INDEX IF EXISTS nope RENAME TO nope2", "SELECT * FROM later"},
		"",
	},
	"an aggregate of a function just made": {
		[]string{"CREATE FUNCTION individual_sum(int, int) RETURNS int LANGUAGE sql AS 'SELECT $1 + $2'",
			"CREATE AGGREGATE individual (int) (SFUNC = individual_sum, STYPE = int, INITCOND = '0')"},
		[]string{"SELECT last_name FROM individual ORDER BY 1"},
		"",
	},
	"a table with numbers of its own": {
		[]string{"ALTER TABLE bystander ADD COLUMN nick text", "CREATE TABLE numbered (id bigserial, n smallserial, individual int)"},
		[]string{"INSERT INTO numbered (individual) SELECT count(last_name) FROM individual", "SELECT * FROM numbered"},
		"",
	},
	"a temporary table of whole rows": {
		[]string{"CREATE TEMP TABLE mine AS SELECT i AS who, 1 AS id FROM individual i WHERE id < 3"},
		[]string{"SELECT to_json(who) FROM mine ORDER BY (who).id", "SELECT (who).last_name FROM mine", "SELECT to_json(m) FROM mine m"},
		"",
	},
	"a temporary table of its columns": {
		[]string{"CREATE TEMP TABLE mine AS SELECT * FROM individual WHERE id < 3"},
		[]string{"SELECT to_json(m) FROM mine m ORDER BY id", "SELECT * FROM mine ORDER BY 1", "SELECT last_name FROM mine ORDER BY 1"},
		"",
	},
}

// A way is one in which a session can send statements.
type way struct {
	name   string
	undone bool // by a rollback
	block  bool // in a DO, which is refused more often than its statements by themselves
	of     func(make, use []string) script
}

var ways = []way{
	{"in the same transaction", true, false, func(make, use []string) script {
		s := script{{simple("BEGIN"), "Z"}}
		for _, sql := range make {
			s = append(s, step{simple(sql), "Z"})
		}
		for _, sql := range use { // some of them fail
			s = append(s, script{{simple("SAVEPOINT s"), "Z"}, {simple(sql), "Z"}, {simple("ROLLBACK TO s"), "Z"}}...)
		}
		return append(s, step{simple("ROLLBACK"), "Z"})
	}},
	{"in one pipeline", true, false, func(make, use []string) script {
		b := [][]byte{simple("BEGIN")}
		ready := "Z"
		for _, sql := range make {
			b = append(b, parse("", sql), bind("", ""), execute(""))
		}
		for _, sql := range use {
			b = append(b, simple("SAVEPOINT s"), parse("", sql), bind("", ""), describePortal(""), execute(""), syncMsg(), simple("ROLLBACK TO s"))
			ready += "ZZZ"
		}
		return script{{messages(append(b, simple("ROLLBACK"))...), ready + "Z"}}
	}},
	{"in one string", true, false, func(make, use []string) script {
		var s script
		for _, sql := range use {
			s = append(s, step{simple("BEGIN; " + strings.Join(make, "; ") + "; " + sql + "; ROLLBACK"), "Z"}, step{simple("ROLLBACK"), "Z"})
			s = append(s, step{simple(strings.Join(make, ";") + ";" + sql + "; SELECT 1/0"), "Z"})
		}
		return s
	}},
	{"in a block of code", true, true, func(make, use []string) script {
		s := script{{simple("BEGIN"), "Z"}}
		for _, sql := range make {
			s = append(s, step{simple("DO $do$ DECLARE n int; BEGIN SELECT 1 INTO n; " + sql + "; END $do$"), "Z"})
		}
		for _, sql := range use {
			s = append(s, script{{simple("SAVEPOINT s"), "Z"}, {simple(sql), "Z"}, {simple("ROLLBACK TO s"), "Z"}}...)
		}
		return append(s, step{simple("ROLLBACK"), "Z"})
	}},
	{"in one block, which is undone and done again", true, true, func(make, use []string) script {
		all := "BEGIN " + strings.Join(make, "; ") + "; RAISE 'no'; EXCEPTION WHEN raise_exception THEN " + strings.Join(make, "; ") + "; END;"
		var s script
		for _, sql := range use {
			s = append(s, step{simple("BEGIN"), "Z"}, step{simple("DO $do$ BEGIN " + all + " END $do$"), "Z"}, step{simple(sql), "Z"}, step{simple("ROLLBACK"), "Z"})
		}
		return s
	}},
	{"one after the other", false, false, func(make, use []string) script {
		var s script
		for _, sql := range append(append([]string(nil), make...), use...) {
			s = append(s, step{simple(sql), "Z"})
		}
		return s
	}},
}

// TestWhatASessionHasJustMadeHasTheNamesOfItsVersion has the catalog never read again after what the session does.
func TestWhatASessionHasJustMadeHasTheNamesOfItsVersion(t *testing.T) {
	t.Parallel()
	var blocks atomic.Int32 // that were not refused
	t.Cleanup(func() {
		if n := int(blocks.Load()); n < len(newcomers) {
			t.Errorf("only %d blocks were not refused", n)
		}
	})
	for what, n := range newcomers {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var undone atomic.Bool // what is made is taken back, so that the catalog is as it was
			p := openProxy(t, func(c *Config) {
				c.SchemaChanged = func(known func()) {
					if known != nil && undone.Load() {
						known()
					}
				}
			})
			schema := cmp.Or(n.on, parts)
			p.run(schema, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			direct := pgtest.Database(t)
			pgtest.Exec(t, direct, schema)
			u, err := url.Parse(direct)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range ways {
				undone.Store(w.undone)
				s := w.of(n.make, n.use)
				want := s.play(t, u.Host, u.Path[1:])
				got := s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
				if w.block {
					if slices.ContainsFunc(got, func(heard string) bool {
						return strings.Contains(heard, "C=0A000 M=segue cannot rewrite this statement")
					}) {
						continue
					}
					blocks.Add(1)
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("%s the client sees (-before +after):\n%s", w.name, diff)
				}
			}
		})
	}
}

// unread lets the catalog stay as it is in the snapshot that the test opens.
func unread(c *Config) { c.SchemaChanged = func(func()) {} }

// TestWhatAnotherSessionHasJustMadeHasTheNamesOfTheVersion has the catalog never read again after what one session does;
// the other one has looked at nothing but what there was before.
func TestWhatAnotherSessionHasJustMadeHasTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	for what, tc := range map[string]struct{ make, use, want string }{
		"a partition":          {"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200)", "SELECT * FROM later", "last_name"},
		"a partition, its row": {"CREATE TABLE later PARTITION OF individual FOR VALUES FROM (-9) TO (0); INSERT INTO later VALUES (-1, 'Roy')", "SELECT to_json(l)->'last_name' IS NOT NULL AS x FROM later l", "x true"},
		"a column of another":  {"ALTER TABLE holder ADD who individual; UPDATE holder SET who = ROW(9, 'Roy')", "SELECT to_json(who)->'last_name' IS NOT NULL AS x FROM holder", "x true"},
		"a function": {"CREATE FUNCTION f() RETURNS individual BEGIN ATOMIC SELECT i FROM individual AS i WHERE id = 1;END",
			"SELECT to_json(f())->'last_name' IS NOT NULL AS x", "x true"},
		"a domain":                        {"CREATE DOMAIN d AS individual", "SELECT to_json(CAST(ROW(9, 'Roy') AS d))->'last_name' IS NOT NULL AS x", "x true"},
		"a type of an extension":          {"CREATE EXTENSION hstore", "SELECT ('a=>1'::hstore -> 'a') || i.last_name AS x FROM individual i WHERE id = 1", "x 1Moss"},
		"a function of an extension":      {"CREATE EXTENSION hstore", "SELECT array_length(akeys(CAST('a=>1' AS hstore)), 1) AS x FROM individual WHERE last_name = 'Moss'", "x 1"},
		"an enum beside an extension":     {"CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('up')", "SELECT i.last_name || ('up'::mood)::text AS x FROM individual i WHERE id = 1", "x Mossup"},
		"a column of the table":           {"ALTER TABLE individual ADD more int", "SELECT to_json(i)::jsonb ? 'more' AS x FROM individual i WHERE id = 1", "x true"},
		"a column of the table, its heir": {"ALTER TABLE individual ADD more int", "SELECT to_json(i)::jsonb ? 'more' AS x FROM individual_1 i WHERE id = 1", "x true"},
		"a column for a star":             {"ALTER TABLE individual ADD more int DEFAULT 3", "SELECT more FROM (SELECT * FROM individual WHERE id = 1) i", "more 3"},
		"a column that has gone":          {"ALTER TABLE individual ADD more int; ALTER TABLE individual DROP more", "SELECT to_json(i)::jsonb ? 'more' AS x FROM individual i WHERE id = 1", "x false"},
		"a new name for a column":         {"ALTER TABLE individual RENAME id TO nr", "SELECT nr FROM (SELECT * FROM individual WHERE nr = 1) i", "nr 1"},
		"a column that hides one":         {"ALTER TABLE holder ADD last_name text", "SELECT id FROM individual i WHERE NOT EXISTS (SELECT FROM holder WHERE last_name = 'Moss') AND id = 1", "id 1"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t, unread)
			p.run(parts, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			maker, user := pinnedTo(t, p, "surname"), pinnedTo(t, p, rules.Base)
			ctx := t.Context()
			if _, err := user.Exec(ctx, "SELECT * FROM individual"); err != nil {
				t.Fatal(err)
			}
			if _, err := maker.PgConn().Exec(ctx, "BEGIN").ReadAll(); err != nil {
				t.Fatal(err)
			}
			for sql := range strings.SplitSeq(tc.make, "; ") {
				if _, err := maker.Exec(ctx, sql); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.HasPrefix(tc.make, "ALTER") { // which locks the table
				if _, err := user.Exec(ctx, tc.use); err == nil {
					t.Errorf("what is not committed can be used")
				}
			}
			if _, err := maker.Exec(ctx, "COMMIT"); err != nil {
				t.Fatal(err)
			}
			rows, err := user.Query(ctx, tc.use)
			if err != nil {
				t.Fatal(err)
			}
			got := rows.FieldDescriptions()[0].Name
			if len(rows.FieldDescriptions()) > 1 {
				got = rows.FieldDescriptions()[1].Name
			}
			for rows.Next() {
				values, err := rows.Values()
				if err != nil {
					t.Fatal(err)
				}
				got += fmt.Sprint(" ", values[0])
			}
			if rows.Err() != nil || got != tc.want {
				t.Errorf("%s gives %q, %v, want %q", tc.use, got, rows.Err(), tc.want)
			}
		})
	}
}

// TestATableOfATypeThatIsBeingMadeIsNotRefused has a name of a table under migration be that of a column of another one.
func TestATableOfATypeThatIsBeingMadeIsNotRefused(t *testing.T) {
	t.Parallel()
	p := openProxy(t, unread)
	p.run(parts, "ALTER TABLE individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	maker, user := pinnedTo(t, p, "surname"), pinnedTo(t, p, rules.Base)
	for _, sql := range []string{"CREATE EXTENSION hstore", "CREATE TYPE mood AS ENUM ('up'); CREATE TABLE moods (surname mood)"} {
		if _, err := maker.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{"CREATE TABLE tags (id int, last_name hstore)", "ALTER TABLE tags ADD individual hstore", "SELECT last_name::mood FROM tags LIMIT 0"} {
		if _, err := user.Exec(t.Context(), sql); err != nil && !strings.Contains(err.Error(), "cannot cast type hstore to mood") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// pinnedTo is a session of a version.
func pinnedTo(t *testing.T, p *running, version string) *pgx.Conn {
	t.Helper()
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("segue.version", version)
	u.RawQuery = q.Encode()
	return pgtest.Connect(t, u.String())
}

// TestATemporaryHeirKeepsTheNamesOfTheVersion has the catalog read again, which does not show it.
func TestATemporaryHeirKeepsTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	conn := pinnedTo(t, p, rules.Base)
	if _, err := conn.Exec(t.Context(), "CREATE TEMP TABLE heir () INHERITS (individual)"); err != nil {
		t.Fatal(err)
	}
	for epoch, phase := range []rules.Phase{rules.Active, rules.Cutover, rules.Cutover} {
		if epoch == 1 {
			p.run("ALTER TABLE individual RENAME last_name TO surname")
		}
		p.phase(int64(epoch), phase)
		rows, err := conn.Query(t.Context(), "SELECT * FROM heir")
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
		if label := rows.FieldDescriptions()[1].Name; label != "last_name" {
			t.Errorf("in epoch %d the column is called %q", epoch, label)
		}
	}
}

// TestAStrangerIsNotShownInTheNamesOfTheDatabase has a partition made around the proxy.
func TestAStrangerIsNotShownInTheNamesOfTheDatabase(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	var around atomic.Pointer[pgx.Conn]
	p := openProxy(t, func(c *Config) {
		c.Heirs = func(_ context.Context, _ uint32, relations, tables []catalog.OID) (heir bool, err error) {
			asked.Add(1)
			err = around.Load().QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = $1 AND inhparent = ANY ($2::oid[]))",
				relations[0], tables).Scan(&heir)
			return heir, err
		}
	})
	around.Store(pgtest.Connect(t, p.direct))
	p.run(parts, "ALTER TABLE individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	base, next := pinnedTo(t, p, rules.Base), pinnedTo(t, p, "surname")
	p.run("CREATE TABLE later PARTITION OF individual FOR VALUES FROM (100) TO (200)", "CREATE TABLE other (id int, surname text)",
		"CREATE TABLE others (id int, name text)")
	ctx := t.Context()
	for _, sql := range []string{"SELECT * FROM others", "SELECT * FROM other", "SELECT * FROM other", "SELECT id FROM later"} {
		if _, err := base.Exec(ctx, sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("the database was asked %d times, want once: for the label, and not again", asked.Load())
	}
	if _, err := next.Exec(ctx, "SELECT * FROM later"); err != nil {
		t.Errorf("a version with the names of the database gets %v", err)
	}
	var ended *pgconn.PgError
	if _, err := base.Exec(ctx, "SELECT * FROM later"); !errors.As(err, &ended) || ended.Code != "57P01" || !base.IsClosed() {
		t.Errorf("the session gets %v", err)
	}
}
