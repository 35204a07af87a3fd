package rewrite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The differential tests run a statement as the client wrote it on a database that has the client's names, and its
// rewrite on one that has other names, and demand the same of both: rows, labels, tags, and what is in the tables
// afterwards. The schema is written once with two sets of names.
const differentialSchema = `
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE {person} ({id} int PRIMARY KEY, first_name text, {surname} text NOT NULL, city text DEFAULT 'Bern',
  born date, tags text[], feeling mood, parent int, "Größe" numeric, CONSTRAINT city_key UNIQUE ({surname}, city));
CREATE TABLE orders (order_id serial PRIMARY KEY, individual_id int REFERENCES {person}, total numeric(10,2), note text);
CREATE TABLE book (surname text, last_name text, person int, individual text);
CREATE TABLE pet (id int PRIMARY KEY, person_id int, name text);
CREATE TABLE {line} ({qty} int, price int, sku text PRIMARY KEY);
CREATE VIEW adults AS SELECT {id} AS adult, {surname} AS family FROM {person} WHERE born < '2000-01-01';
CREATE SCHEMA other;
CREATE TABLE other.individual (x int, last_name text);
CREATE TABLE other.elsewhere (y int);
INSERT INTO other.individual VALUES (1, 'Other');
INSERT INTO {person} VALUES
  (1, 'Ada', 'Lovelace', 'London', '1815-12-10', '{math,poetry}', 'happy', NULL, 1.60),
  (2, 'Alan', 'Turing', 'London', '1912-06-23', '{math}', 'ok', 1, 1.78),
  (3, 'Grace', 'Hopper', 'New York', '1906-12-09', NULL, 'happy', 1, 1.67),
  (4, 'Edsger', 'Dijkstra', 'Austin', '1930-05-11', '{algol}', 'sad', 2, NULL),
  (5, 'Barbara', 'Liskov', 'Boston', '2001-11-07', '{}', NULL, 2, 1.70);
INSERT INTO orders (individual_id, total, note) VALUES (1, 10, 'a'), (1, 20.5, NULL), (2, 5, 'b'), (3, 99.99, 'c');
INSERT INTO book VALUES ('Turing', 'Lovelace', 1, 'i'), ('Hopper', 'Nobody', 2, 'j');
INSERT INTO pet VALUES (1, 1, 'Rex'), (2, 2, 'Tom'), (7, 2, 'Kit');
INSERT INTO {line} VALUES (1, 100, 'pen'), (20, 3, 'cup');
CREATE TABLE archive (at int, who {person});
INSERT INTO archive SELECT 1, x FROM {person} x WHERE {id} = 2;
CREATE FUNCTION people() RETURNS SETOF {person} LANGUAGE sql AS 'SELECT * FROM {person}';
CREATE FUNCTION label({person}) RETURNS text LANGUAGE sql AS 'SELECT $1.{surname} || 1';
CREATE FUNCTION one(OUT n int, OUT who {person}) LANGUAGE sql AS 'SELECT 1, x FROM {person} x WHERE {id} = 1';
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION many(n int, OUT x int, OUT y int) RETURNS SETOF record LANGUAGE sql AS 'SELECT i, i FROM generate_series(1, n) i';
CREATE FUNCTION many(n text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION estimate(query text, OUT rows int) LANGUAGE plpgsql AS $f$ DECLARE plan text; BEGIN
  FOR plan IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP rows := 1; END LOOP; END $f$;
CREATE FUNCTION runs(text, n int DEFAULT 1) RETURNS SETOF json LANGUAGE plpgsql AS $f$ DECLARE r record; BEGIN
  FOR r IN EXECUTE $1 LOOP RETURN NEXT to_json(r); END LOOP; END $f$;
CREATE FUNCTION runs_and_tells(told text) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN EXECUTE format('%s', told); RETURN told; END $f$;
CREATE FUNCTION runs_elsewhere(text) RETURNS SETOF json LANGUAGE plpgsql SET search_path = other AS $f$ DECLARE r record; BEGIN
  FOR r IN EXECUTE $1 LOOP RETURN NEXT to_json(r); END LOOP; END $f$;
CREATE FUNCTION goes_elsewhere(text) RETURNS SETOF json LANGUAGE plpgsql AS $f$ DECLARE r record; BEGIN
  PERFORM set_config('search_path', 'other', true); FOR r IN EXECUTE $1 LOOP RETURN NEXT to_json(r); END LOOP; END $f$;
CREATE FUNCTION runs_as_its_owner(text) RETURNS SETOF json LANGUAGE plpgsql SECURITY DEFINER AS $f$ DECLARE r record; BEGIN
  FOR r IN EXECUTE $1 LOOP RETURN NEXT to_json(r); END LOOP; END $f$;
CREATE FUNCTION pairs(n int, OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql AS 'SELECT i, i::text FROM generate_series(1, n) i';
`

// The two sets of names. "old" and "new" are each the client's names while the database has the other's.
var differentialNames = map[string]map[string]string{
	"old": {"person": "individual", "surname": "last_name", "id": "id", "line": `"LineItem"`, "qty": `"Qty"`,
		"event": "event", "at": "happened_on"},
	"new": {"person": "person", "surname": "surname", "id": "individual_id", "line": "line", "qty": "order",
		"event": "incident", "at": "day"},
}

var placeholder = regexp.MustCompile(`\{(other_)?(person|surname|id|line|qty|event|at)\}`)

// otherPlaceholder is one for a name of the other set.
var otherPlaceholder = regexp.MustCompile(`\{other_\w+\}`)

// inNames writes a statement with a set of names; {other_…} stands for those of the other set.
func inNames(sql string, names map[string]string) string {
	return placeholder.ReplaceAllStringFunc(sql, func(m string) string {
		key := m[1 : len(m)-1]
		name := names[key]
		if other, ok := strings.CutPrefix(key, "other_"); ok {
			name = otherNames(names)[other]
		}
		if name == "order" {
			return `"order"`
		}
		return name
	})
}

// A world is a database with each set of names, and the lens under which a client of the one sees the other.
type world struct {
	client, server *pgx.Conn
	binder         *Binder
	session        *Session
	names          map[string]string // the client's
}

// newWorld makes the databases for a client of the version named.
func newWorld(t testing.TB, version string) *world {
	t.Helper()
	return newWorldOf(t, version, differentialSchema, "person", "line")
}

// newWorldOf is newWorld with another schema, of which the tables are under migration.
func newWorldOf(t testing.TB, version, schema string, tables ...string) *world {
	t.Helper()
	other := map[string]string{"old": "new", "new": "old"}[version]
	w := &world{names: differentialNames[version]}
	w.client = schemaIn(t, schema, differentialNames[version])
	w.server = schemaIn(t, schema, differentialNames[other])
	ctx := context.Background()
	logical, err := catalog.Load(ctx, w.client)
	if err != nil {
		t.Fatal(err)
	}
	physical, err := catalog.Load(ctx, w.server)
	if err != nil {
		t.Fatal(err)
	}
	var lenses []*rules.TableLens
	for _, table := range tables {
		lenses = append(lenses, lensBetween(logical, physical, table, version, other))
	}
	lens := rules.NewLens("v", lenses)
	w.binder = NewBinder(&rules.Snapshot{
		Lenses: map[string]*rules.Lens{"v": lens}, Catalog: physical,
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
	}, Options{})
	w.session = &Session{Version: "v", StandardStrings: true, Overlay: map[rules.Name]*catalog.Relation{}}
	w.readState(t)
	return w
}

func schemaIn(t testing.TB, schema string, names map[string]string) *pgx.Conn {
	url := pgtest.Database(t)
	pgtest.Exec(t, url, inNames(schema, names))
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func lensBetween(logical, physical *catalog.Catalog, table, version, other string) *rules.TableLens {
	name := func(v string) string {
		if n, ok := differentialNames[v][table]; ok {
			return strings.Trim(n, `"`)
		}
		return table // of one name in both
	}
	l, p := logical.Lookup("public", name(version)), physical.Lookup("public", name(other))
	out := &rules.TableLens{OID: p.OID, Schema: "public", Logical: l.Name, Physical: p.Name}
	for i := range l.Columns {
		out.Columns = append(out.Columns, rules.ColumnLens{
			Logical: l.Columns[i].Name, Physical: p.Columns[i].Name, Num: p.Columns[i].Num,
		})
	}
	return out
}

func (w *world) readState(t testing.TB) {
	t.Helper()
	if err := w.server.QueryRow(context.Background(), "SELECT current_schemas(true)").Scan(&w.session.SearchPath); err != nil {
		t.Fatal(err)
	}
}

// rewrite is the text that a session would send.
func (w *world) rewrite(t testing.TB, sql string) *Text {
	t.Helper()
	return rewrittenOn(t, w.binder, w.session, w.server, sql)
}

// rewrittenOn does what a session would: it binds, and answers what the binder asks. The server has no relation that is
// not in the catalog.
func rewrittenOn(t testing.TB, b *Binder, s *Session, server *pgx.Conn, sql string) *Text {
	t.Helper()
	for range 10 {
		text, err := b.Rewrite(s, sql)
		var need *NeedRelation
		if errors.As(err, &need) {
			for _, n := range need.Names {
				s.Overlay[n] = nil
			}
			for _, question := range need.Questions {
				var answer *string
				if err := server.QueryRow(context.Background(), question).Scan(&answer); err != nil && !errors.Is(err, pgx.ErrNoRows) {
					t.Fatalf("%s: %v", question, err)
				}
				if answer == nil {
					answer = new(string)
				}
				put(&s.Answers, question, *answer)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	t.Fatalf("%s: the binder asks without end", sql)
	return nil
}

// An outcome is all that a client sees of a statement, and the state of the tables after it.
type outcome struct {
	Labels []string
	Rows   []string
	Tags   []string
	Error  string
	Tables []string
}

// run executes a text in a transaction of its own that is rolled back.
func run(t testing.TB, conn *pgx.Conn, sql string, names map[string]string) (outcome, []*pgconn.Result) {
	t.Helper()
	ctx := context.Background()
	var o outcome
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			t.Fatal(err)
		}
		o.Error = pgErr.Code
		return o, results
	}
	for _, r := range results {
		o.Tags = append(o.Tags, r.CommandTag.String())
		for _, f := range r.FieldDescriptions {
			o.Labels = append(o.Labels, f.Name)
		}
		for _, row := range r.Rows {
			o.Rows = append(o.Rows, string(fmt.Appendf(nil, "%q", row)))
		}
	}
	o.Tables = contents(t, conn, names)
	return o, results
}

// contents are the rows of all tables of the schema, without the names of their columns.
func contents(t testing.TB, conn *pgx.Conn, names map[string]string) []string {
	t.Helper()
	var out []string
	for _, table := range []string{"{person}", "orders", "book", "pet", "{line}"} {
		q := "SELECT 'row of " + strings.Trim(table, "{}") + "', x::text FROM " + inNames(table, names) + " x"
		results, err := conn.PgConn().Exec(context.Background(), q).ReadAll()
		if err != nil {
			continue // the statement has changed the table's name, or taken the right to read it
		}
		for _, row := range results[0].Rows {
			out = append(out, string(fmt.Appendf(nil, "%q", row)))
		}
	}
	sort.Strings(out)
	return out
}

// check runs one statement in both databases and compares.
func (w *world) check(t *testing.T, template string) {
	t.Helper()
	sql := inNames(template, w.names)
	text := w.rewrite(t, sql)
	for _, s := range text.Statements {
		if s.Failure != nil {
			t.Errorf("%s\nis not rewritten: %v (%s, at %d)", sql, s.Failure, s.Failure.Node, s.Failure.Position)
			return
		}
	}
	want, _ := run(t, w.client, sql, w.names)
	if want.Error != "" {
		t.Errorf("%s\nfails by itself: %s", sql, want.Error)
	}
	got, results := run(t, w.server, text.SQL, w.serverNames())
	if !ordered(sql) {
		sort.Strings(want.Rows)
		sort.Strings(got.Rows)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n=> %s\nbehaves otherwise (-client's database +rewritten):\n%s", sql, text.SQL, diff)
	}
	w.checkPrediction(t, text, results)
}

// ordered tells whether the order of the rows of a statement is defined.
func ordered(sql string) bool { return strings.Contains(strings.ToUpper(sql), "ORDER BY") }

func (w *world) serverNames() map[string]string { return otherNames(w.names) }

func otherNames(names map[string]string) map[string]string {
	if names["person"] == "person" {
		return differentialNames["old"]
	}
	return differentialNames["new"]
}

// checkFailure runs a statement that must fail in the client's database, and demands the same error of the rewritten
// one, at the same place.
func (w *world) checkFailure(t *testing.T, template string) {
	t.Helper()
	sql := inNames(template, w.names)
	want := failureOf(t, w.client, sql)
	if want.Code == "" {
		t.Errorf("%s\ndoes not fail by itself", sql)
		return
	}
	text := w.rewrite(t, sql)
	got := failureOf(t, w.server, text.SQL)
	r := &wording.Report{Code: got.Code, Routine: got.Routine, Message: got.Message, Detail: got.Detail, Hint: got.Hint,
		Schema: got.SchemaName, Table: got.TableName, Column: got.ColumnName, Position: int(got.Position)}
	text.Reword(r)
	worded := false
	code, message, position, hint, detail := r.Code, r.Message, r.Position, r.Hint, r.Detail
	if e := text.FailureAt(got.Code, got.Message, int(got.Position)); e != nil {
		code, message, position, hint, detail = e.Code, e.Message, e.Position, e.Hint, e.Detail
		worded = e.worded
	}
	if worded || strings.HasPrefix(want.Hint, "There is an entry") || strings.HasPrefix(want.Hint, "Perhaps you meant to reference the table") {
		if hint != want.Hint {
			t.Errorf("%s\nhas the hint %q, in the client's database %q", sql, hint, want.Hint)
		}
	}
	if detail != want.Detail {
		t.Errorf("%s\nhas the detail %q, in the client's database %q", sql, detail, want.Detail)
	}
	if code != want.Code || message != want.Message || position != int(want.Position) {
		t.Errorf("%s\n=> %s\nfails with %s %q at %d, in the client's database with %s %q at %d", sql, text.SQL,
			code, message, position, want.Code, want.Message, want.Position)
	}
}

// failureOf is the error of a text; its code is empty when there is none.
func failureOf(t testing.TB, conn *pgx.Conn, sql string) *pgconn.PgError {
	t.Helper()
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	pgErr := &pgconn.PgError{}
	if err != nil && !errors.As(err, &pgErr) {
		t.Fatal(err)
	}
	return pgErr
}

// checkPrediction compares predicted columns with the server's RowDescription.
func (w *world) checkPrediction(t *testing.T, text *Text, results []*pgconn.Result) {
	t.Helper()
	if len(results) != len(text.Statements) {
		return
	}
	for i, s := range text.Statements {
		if s.Columns == nil || len(results[i].Rows) == 0 {
			continue // the driver keeps no description of a result without rows
		}
		var got []Column
		for k, f := range results[i].FieldDescriptions {
			c := Column{Label: f.Name}
			if k < len(s.Columns) && s.Columns[k].Known {
				c.Known, c.Table, c.Num = true, catalog.OID(f.TableOID), int16(f.TableAttributeNumber)
			}
			got = append(got, c)
		}
		if diff := cmp.Diff(got, s.Columns); diff != "" {
			t.Errorf("%s\npredicts other columns (-server +predicted):\n%s", text.SQL, diff)
		}
	}
}
