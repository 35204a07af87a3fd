package rewrite

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// newExplainWorld is newWorld with the same names for what a rename leaves alone, but is called after the table at first.
func newExplainWorld(t testing.TB, version string) *world {
	t.Helper()
	w := newWorld(t, version)
	for _, c := range []*pgx.Conn{w.client, w.server} {
		_, err := c.Exec(context.Background(), `DO $$ DECLARE x text; n int := 0; BEGIN
			FOR x IN SELECT indexrelid::regclass FROM pg_index WHERE indexrelid::regclass::text LIKE '%pkey%' ORDER BY indexrelid LOOP
				n := n + 1;
				EXECUTE format('ALTER INDEX %s RENAME TO key_%s', x, n);
			END LOOP; END $$`)
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// planOf is what EXPLAIN shows of a statement in a transaction that is rolled back.
func planOf(t testing.TB, conn *pgx.Conn, sql string) ([]string, string) {
	t.Helper()
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		return nil, err.Error()
	}
	var rows []string
	for _, row := range results[len(results)-1].Rows {
		rows = append(rows, string(row[0]))
	}
	return rows, ""
}

// madeUp is the name that the server makes up for the trigger of a foreign key.
var madeUp = regexp.MustCompile(`\b(RI_ConstraintTrigger_[ac])_\d+`)

// checkPlan explains a statement in both databases and compares.
func (w *world) checkPlan(t *testing.T, template string) {
	t.Helper()
	sql := inNames(template, w.names)
	text := w.rewrite(t, sql)
	last := len(text.Statements) - 1
	if f := text.Statements[last].Failure; f != nil {
		t.Errorf("%s\nis not rewritten: %v", sql, f)
		return
	}
	want, failed := planOf(t, w.client, sql)
	got, _ := planOf(t, w.server, text.SQL)
	if failed != "" {
		t.Errorf("%s\nfails by itself: %s", sql, failed)
		return
	}
	got, _ = text.MapPlan(last, got)
	for _, rows := range [][]string{want, got} {
		for i := range rows {
			rows[i] = madeUp.ReplaceAllString(rows[i], "${1}_n")
		}
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); diff != "" {
		t.Errorf("%s\n=> %s\nhas another plan (-client's database +mapped):\n%s", sql, text.SQL, diff)
	}
}

// otherwisePlanned are statements for which the rewrite is another query, or that hold names as text.
var otherwisePlanned = regexp.MustCompile(`row_to_json|estimate|runs\(|query_to_xml|cursor_to_xml|ts_stat|ts_rewrite|dblink|crosstab|to_json\(|json_agg|to_regclass|_privilege\(|pg_get_serial_sequence|FROM pg_|tableoid::regclass`)

func TestPlansOfStatementsShowTheVersionsNames(t *testing.T) {
	t.Parallel()
	explainable := regexp.MustCompile(`^(?:SELECT|WITH|VALUES|TABLE|INSERT|UPDATE|DELETE|MERGE|[(])[^;]*$`)
	var statements []string
	for _, sql := range slices.Concat(readingStatements, capturingStatements, joiningStatements, writingStatements, namedStatements) {
		if explainable.MatchString(sql) && !otherwisePlanned.MatchString(sql) {
			statements = append(statements, sql)
		}
	}
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newExplainWorld(t, version)
			for _, sql := range statements {
				w.checkPlan(t, "EXPLAIN (COSTS OFF, VERBOSE) "+sql)
				if version == "old" || !strings.Contains(sql, "adults") { // two schemas have an individual
					w.checkPlan(t, "EXPLAIN (COSTS OFF) "+sql)
				}
			}
		})
	}
}

// explainSchema has what plans speak of in other ways than as a table of the statement.
const explainSchema = `
CREATE TABLE {person} ({id} int CONSTRAINT person_key PRIMARY KEY, {surname} text, city text, "Größe" numeric);
CREATE INDEX by_name ON {person} ({surname});
CREATE UNIQUE INDEX by_upper ON {person} (upper({surname}), city);
CREATE TABLE child (extra int) INHERITS ({person});
CREATE TABLE {event} ({at} date, kind text, host int) PARTITION BY RANGE ({at});
CREATE TABLE early PARTITION OF {event} FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE late PARTITION OF {event} FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE {line} ({qty} int, price int, sku text CONSTRAINT line_key PRIMARY KEY);
CREATE TABLE pet (owner int CONSTRAINT pet_owner REFERENCES {person} ON DELETE CASCADE, name text);
CREATE TABLE book (surname text, last_name text, person int, individual text);
CREATE VIEW names AS SELECT {id} AS id, {surname} AS name FROM {person};
CREATE VIEW days AS SELECT {at} AS day, kind FROM {event};
CREATE FUNCTION named(text) RETURNS SETOF {person} LANGUAGE sql STABLE AS 'SELECT * FROM {person} WHERE {surname} = $1';
CREATE FUNCTION everyone() RETURNS SETOF {person} LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM {person}; END';
CREATE TABLE log (who text);
CREATE RULE logged AS ON UPDATE TO {line} DO ALSO INSERT INTO log SELECT old.sku WHERE new.{qty} > 0;
INSERT INTO {person} VALUES (1, 'Lovelace', 'London', 1.6), (2, E'line\nFilter: (surname)', 'X', 2);
INSERT INTO pet VALUES (1, 'Rex');
`

var explainedStatements = []string{
	`SELECT * FROM {person}`,
	`SELECT {surname} FROM ONLY {person} WHERE {surname} = 'surname' OR {surname} = 'last_name' OR {id} = 3`,
	`SELECT p.{surname} FROM {person} AS {other_person} JOIN {person} p ON p.{id} = {other_person}.{id} ORDER BY {other_person}.{surname} COLLATE "C" DESC`,
	`SELECT {surname} FROM {person} WHERE {surname} = E'line\nFilter: (surname = last_name)\n\n  ->  Seq Scan on person' AND {id} > 0`,
	`SELECT x.surname FROM {person} AS x (surname, last_name) WHERE x.last_name > 'a'`,
	`SELECT x.last_name FROM {person} AS x (last_name, surname), {person} WHERE x.surname > {person}.{surname}`,
	`SELECT {surname}, count(*), sum("Größe") FILTER (WHERE city > 'a') FROM {person} GROUP BY GROUPING SETS (({surname}), ({id}), (city, {surname}), ()) ORDER BY {surname}`,
	`SELECT rank() OVER (PARTITION BY {surname} ORDER BY {id}) FROM {person}`,
	`SELECT * FROM (SELECT {id}, row_number() OVER (ORDER BY {surname}) AS n FROM {person}) x WHERE n < 3`,
	`SELECT extract(year FROM {at}), extract(day FROM {at}), ({at} + 1)::timestamp FROM {event}`,
	`SELECT {at} FROM {event} WHERE {at} < '2019-01-01'`,
	`SELECT {at} FROM {event} WHERE {at} > '2019-01-01' ORDER BY {at}, kind`,
	`SELECT e.{at}, {surname} FROM {event} e JOIN {person} ON host = {id}`,
	`SELECT {event}.{at} FROM {event} WHERE {at} IS NULL AND false`,
	`SELECT p.{surname}, b.{surname} FROM {person} p LEFT JOIN (SELECT * FROM book WHERE false) b ON b.person = p.{id}`,
	`SELECT p.city, x.{surname} FROM {person} p LEFT JOIN LATERAL (SELECT {surname} FROM {person} q WHERE q.{id} = p.{id} AND false) x ON true`,
	`SELECT {surname} FROM {person} WHERE false`,
	`SELECT * FROM names WHERE name > 'b'`,
	`SELECT n.name, {surname} FROM names n JOIN {person} p ON p.{id} = n.id`,
	`SELECT * FROM days WHERE day > '2019-01-01'`,
	`SELECT * FROM named('x')`,
	`SELECT named.{surname}, e.{id} FROM named('x') JOIN everyone() e ON e.{surname} = named.{surname} WHERE e.{id} > 1`,
	`SELECT p.{surname} FROM {person} p TABLESAMPLE bernoulli (50) REPEATABLE (1)`,
	`SELECT {surname} FROM {person} WHERE ctid = '(0,1)'`,
	`SELECT {surname} FROM {person} WHERE upper({surname}) = 'X' AND city IN ('a', 'b')`,
	`SELECT {surname} FROM {person} p WHERE {id} IN (SELECT owner FROM pet WHERE name = p.{surname}) OR {id} NOT IN (SELECT owner FROM pet)`,
	`SELECT (SELECT max({surname}) FROM {person} q WHERE q.{id} = p.{id}), ARRAY(SELECT {surname} FROM {person}) FROM {person} p`,
	`WITH {person} AS MATERIALIZED (SELECT {surname} AS {other_surname} FROM {person}) SELECT {other_surname} FROM {person} WHERE {other_surname} > 'a'`,
	`WITH RECURSIVE r AS (SELECT {id}, {surname} FROM {person} UNION ALL SELECT p.{id}, p.{surname} FROM r JOIN {person} p ON p.{id} = r.{id} + 1) SELECT * FROM r`,
	`WITH d AS (DELETE FROM {person} RETURNING {surname}, {id}) SELECT * FROM d JOIN pet ON owner = d.{id}`,
	`SELECT NULL::{person}, p, (p).{surname} FROM {person} p`,
	`SELECT sum({qty}) AS "Qty" FROM {line} GROUP BY sku HAVING max({qty}) > 2`,
	`SELECT l.{qty}, {line}.{qty} FROM {line} l, {line} WHERE l.sku = {line}.sku`,
	`SELECT {surname} FROM {person} UNION SELECT {other_surname} FROM book`,
	`SELECT {surname}, xmlelement(name surname, xmlattributes({surname} AS last_name), {surname}) FROM {person}`,
	`SELECT x.* FROM {person}, xmltable('/a' PASSING xmlelement(name a, {surname}) COLUMNS last_name text, surname text PATH 'b') x`,
	`SELECT {surname} FROM {person}, generate_series(1, {id}) AS {other_surname} WHERE {other_surname} > 1`,
	`SELECT ROW({surname}, {id}), ARRAY[{surname}], CASE {surname} WHEN 'x' THEN city ELSE {surname} END, coalesce({surname}, city) FROM {person}`,
	`INSERT INTO {person} VALUES (9, 'x', 'y', 1) ON CONFLICT (upper({surname}), city) DO UPDATE SET {surname} = excluded.{surname} WHERE excluded.{surname} > {person}.{surname} RETURNING {surname}`,
	`INSERT INTO {person} AS {other_person} ({id}) SELECT {id} + 10 FROM {person} RETURNING {other_person}.{surname}`,
	`UPDATE {person} SET {surname} = pet.name FROM pet WHERE owner = {id} RETURNING {person}.{surname}`,
	`UPDATE {line} SET {qty} = {qty} + 1 WHERE {qty} > 1`,
	`DELETE FROM {event} WHERE {at} > '2019-01-01' RETURNING {at}`,
	`DELETE FROM {person} WHERE {id} = 1`,
	`MERGE INTO {person} p USING pet ON owner = p.{id} WHEN MATCHED AND p.{surname} = 'x' THEN DELETE WHEN NOT MATCHED THEN INSERT ({id}) VALUES (owner)`,
	`CREATE TABLE made AS SELECT {surname} FROM {person} WHERE {surname} > 'a'`,
	`DECLARE c CURSOR FOR SELECT {surname} FROM {person} WHERE {surname} > 'a'`,
}

// planWays are the options in which a plan looks otherwise.
var planWays = []string{
	"COSTS OFF", "VERBOSE, COSTS OFF", "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF",
	"FORMAT JSON, COSTS OFF", "FORMAT JSON, VERBOSE, COSTS OFF", "FORMAT XML, VERBOSE, COSTS OFF", "FORMAT YAML, VERBOSE, COSTS OFF",
	"FORMAT XML, COSTS OFF", "FORMAT YAML, ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF",
}

func TestPlansShowTheVersionsNamesInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, explainSchema, "person", "line", "event", "early", "late", "child")
			for _, way := range planWays {
				for _, sql := range explainedStatements {
					w.checkPlan(t, "EXPLAIN ("+way+") "+sql)
				}
			}
		})
	}
}

// TestNamesInPlansStayApart reads a table by its name and through a view: in the version both are called the same, and the
// server's number behind one of them cannot be known.
func TestNamesInPlansStayApart(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "old", explainSchema, "person", "line", "event", "early", "late", "child")
	text := w.rewrite(t, "EXPLAIN (COSTS OFF) SELECT * FROM days d JOIN event e ON d.day = e.happened_on JOIN event ON event.happened_on = d.day")
	rows, failed := planOf(t, w.server, text.SQL)
	if failed != "" {
		t.Fatal(failed)
	}
	rows, _ = text.MapPlan(0, rows)
	scans := map[string]bool{}
	for _, row := range rows {
		_, scan, ok := strings.Cut(row, "Seq Scan on ")
		if ok && scans[scan] {
			t.Errorf("two scans are called %s", scan)
		}
		scans[scan] = true
		for _, name := range []string{"incident", "day"} {
			if regexp.MustCompile(`\b` + name + `(_\d+)?\b`).MatchString(row) {
				t.Errorf("%s is a name of the database: %s", name, row)
			}
		}
	}
}
