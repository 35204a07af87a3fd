package rewrite

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// The schema of the introspection tests, in the names of base.
const introspectionSchema = `
CREATE TABLE individual (id serial PRIMARY KEY, first_name text, last_name text NOT NULL DEFAULT 'x', city text,
  shout text GENERATED ALWAYS AS (upper(last_name)) STORED, born date, year int,
  CONSTRAINT named CHECK (last_name <> 'last_name'::text AND length(last_name) < 80),
  CONSTRAINT lives UNIQUE (last_name, city));
CREATE INDEX individual_lower ON individual (lower(last_name) text_pattern_ops) INCLUDE (born) WHERE last_name IS NOT NULL;
CREATE STATISTICS together (ndistinct, dependencies) ON last_name, city FROM individual;
CREATE STATISTICS expressions ON lower(last_name), (city || last_name), born FROM individual;
CREATE TABLE orders (order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, individual_id int REFERENCES individual (id) ON DELETE CASCADE,
  last_name text, city text, buyer individual, buyers individual[], FOREIGN KEY (last_name, city) REFERENCES individual (last_name, city));
CREATE INDEX orders_last_name ON orders (last_name);
CREATE TABLE "LineItem" ("Qty" int PRIMARY KEY, "Id" bigint GENERATED ALWAYS AS IDENTITY, price int CHECK (price > 0), sku text REFERENCES "LineItem" (sku) DEFERRABLE, UNIQUE (sku));
CREATE TABLE measure (at date NOT NULL, last_value int) PARTITION BY RANGE (at);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX ON measure (last_value);
CREATE TABLE by_value ("Qty" int, last_value int) PARTITION BY LIST (last_value);
CREATE TABLE by_value_1 PARTITION OF by_value FOR VALUES IN (1, NULL);
CREATE TABLE employee (boss int) INHERITS (individual);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted AFTER UPDATE OF last_name ON individual FOR EACH ROW WHEN (old.last_name IS DISTINCT FROM new.last_name) EXECUTE FUNCTION note('last_name');
ALTER TABLE individual ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON individual USING (last_name = CURRENT_USER) WITH CHECK (last_name <> '');
CREATE VIEW adults AS SELECT id AS adult, last_name AS family FROM individual;
CREATE SCHEMA other;
CREATE TABLE other.individual (last_name text PRIMARY KEY, surname text);
COMMENT ON COLUMN individual.last_name IS 'the family name';
CREATE PUBLICATION everybody FOR TABLE individual (id, last_name, first_name) WHERE (last_name <> '');
INSERT INTO individual (first_name, last_name, city) SELECT 'f' || i, 'l' || i, 'c' || i % 3 FROM generate_series(1, 50) i;
ANALYZE individual;
GRANT SELECT (last_name) ON individual TO PUBLIC;
`

// The renames that lead to the version v.
const introspectionRenames = `
ALTER TABLE individual RENAME last_name TO surname;
ALTER TABLE individual RENAME TO person;
ALTER TABLE "LineItem" RENAME "Qty" TO quantity;
ALTER TABLE "LineItem" RENAME TO "order";
ALTER TABLE measure RENAME last_value TO "Value";
ALTER TABLE by_value RENAME last_value TO "Value";
ALTER TABLE by_value RENAME "Qty" TO quantity;
`

// An introspected database is one in which queries on the catalogs are run directly and as the other version.
type introspected struct {
	conn    *pgx.Conn
	binder  *Binder
	session *Session
	stored  bool // the names are stored, and texts refer to them
	plain   int  // Options.PlainNames
}

// introspect makes a database be read by way of stored names; the schema that holds them is in the catalogs, too.
func introspect(t testing.TB, url string) *introspected {
	t.Helper()
	d := &introspected{conn: pgtest.Connect(t, url), stored: true, plain: -1}
	if err := store.Install(context.Background(), d.conn); err != nil {
		t.Fatal(err)
	}
	return d
}

// introspectionLenses are those of base and v, whatever the database has now.
func introspectionLenses(cat *catalog.Catalog) map[string]*rules.Lens {
	tables := map[string]string{"individual": "person", "LineItem": "order", "employee": "", "measure": "", "measure_1": "", "measure_2": "",
		"by_value": "", "by_value_1": ""}
	columns := map[string]string{"last_name": "surname", "Qty": "quantity", "last_value": "Value"}
	lenses := map[string][]*rules.TableLens{}
	for base, v := range tables {
		if v == "" {
			v = base
		}
		rel := cat.Lookup("public", base)
		if rel == nil {
			rel = cat.Lookup("public", v)
		}
		for i, version := range []string{"base", "v"} {
			l := &rules.TableLens{OID: rel.OID, Schema: "public", Physical: rel.Name, Logical: []string{base, v}[i]}
			l.Identity = l.Physical == l.Logical
			for _, c := range rel.Columns {
				names := []string{c.Name, c.Name}
				for from, to := range columns {
					if c.Name == from || c.Name == to {
						names = []string{from, to}
					}
				}
				l.Columns = append(l.Columns, rules.ColumnLens{Logical: names[i], Physical: c.Name, Num: c.Num})
				l.Identity = l.Identity && names[i] == c.Name
			}
			lenses[version] = append(lenses[version], l)
		}
	}
	return map[string]*rules.Lens{"base": rules.NewLens("base", lenses["base"]), "v": rules.NewLens("v", lenses["v"])}
}

// as makes the database be seen by a session of a version.
func (d *introspected) as(t testing.TB, version string) {
	t.Helper()
	cat, err := catalog.Load(context.Background(), d.conn)
	if err != nil {
		t.Fatal(err)
	}
	snap := &rules.Snapshot{
		Lenses: introspectionLenses(cat), Catalog: cat,
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
	}
	if d.stored {
		if snap.StoredNames, err = store.StoreNames(context.Background(), d.conn, NameMaps(snap)); err != nil {
			t.Fatal(err)
		}
	}
	d.binder = NewBinder(snap, Options{PlainNames: d.plain})
	d.session = &Session{Version: version, StandardStrings: true, Overlay: map[rules.Name]*catalog.Relation{}}
	if err := d.conn.QueryRow(context.Background(), "SELECT current_schemas(true)").Scan(&d.session.SearchPath); err != nil {
		t.Fatal(err)
	}
}

// rewritten is the text that a session would send.
func (d *introspected) rewritten(t testing.TB, sql string) *Text {
	t.Helper()
	return rewrittenOn(t, d.binder, d.session, d.conn, sql)
}

// An answer is what a client sees of one query.
type answer struct {
	Labels []string
	Rows   []string
	Error  string
}

func (d *introspected) ask(t testing.TB, sql string) answer {
	t.Helper()
	var a answer
	results, err := d.conn.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		a.Error = err.Error()
	}
	for _, r := range results {
		for _, f := range r.FieldDescriptions {
			a.Labels = append(a.Labels, f.Name)
		}
		for _, row := range r.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = string(cell)
			}
			a.Rows = append(a.Rows, strings.Join(cells, "|"))
		}
	}
	return a
}

// askAs is ask as a session of the version.
func (d *introspected) askAs(t testing.TB, sql string) (answer, *Text) {
	t.Helper()
	text := d.rewritten(t, sql)
	for _, s := range text.Statements {
		if s.Failure != nil {
			return answer{Error: s.Failure.Error()}, text
		}
	}
	if len(text.Statements) == 1 && !text.Verified() {
		d.verify(t, sql, text)
	}
	return d.ask(t, text.SQL), text
}

// verify compares the server's description of the result with the prediction.
func (d *introspected) verify(t testing.TB, sql string, text *Text) {
	t.Helper()
	described, err := d.conn.Prepare(context.Background(), "", text.SQL)
	if err != nil {
		return // what is wrong is seen when it is executed
	}
	var got []Column
	for _, f := range described.Fields {
		got = append(got, Column{Label: f.Name, Table: catalog.OID(f.TableOID), Num: int16(f.TableAttributeNumber), Known: true})
	}
	if err := text.Verify("", 0, got); err != nil {
		t.Errorf("%s\n=> %s\nis not as predicted: %v", sql, text.SQL, err)
	}
}

var statementEnd = regexp.MustCompile(`;[ \t]*\n`)

// introspectionQueries are those that tools send, by the file that holds them.
func introspectionQueries(t testing.TB) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/introspection/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no queries", err)
	}
	out := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range statementEnd.Split(string(text), -1) {
			if strings.TrimSpace(q) != "" {
				out[strings.TrimSuffix(filepath.Base(f), ".sql")] = append(out[strings.TrimSuffix(filepath.Base(f), ".sql")], q)
			}
		}
	}
	return out
}

// inNamesOf puts the version's names into a query.
func inNamesOf(version, sql string) string {
	names := map[string][2]string{
		"{individual}": {"individual", "person"}, "{last_name}": {"last_name", "surname"},
		"{LineItem}": {"LineItem", "order"}, "{Qty}": {"Qty", "quantity"}, "{last_value}": {"last_value", "Value"},
	}
	for mark, both := range names {
		sql = strings.ReplaceAll(sql, mark, both[map[string]int{"base": 0, "v": 1}[version]])
	}
	return sql
}

func TestCatalogsShowTheVersionsNames(t *testing.T) {
	for _, way := range waysToNames {
		t.Run(way.name, func(t *testing.T) { catalogsShowTheVersionsNames(t, way.stored, way.plain) })
	}
}

// waysToNames are where a text may have the names of a version from.
var waysToNames = []struct {
	name   string
	stored bool
	plain  int // Options.PlainNames
}{
	{"stored", true, -1},
	{"stored, and in the text where they are few", true, 0},
	{"stored, and in the text", true, 1 << 20},
	{"in the text", false, 0},
}

func catalogsShowTheVersionsNames(t *testing.T, stored bool, plain int) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema)
	d := introspect(t, url)
	d.stored, d.plain = stored, plain
	queries := introspectionQueries(t)
	type pair struct {
		want, got answer
		sent      string
	}
	answers := map[string]map[string]*pair{"base": {}, "v": {}}
	each := func(version string, f func(sql string, p *pair)) {
		for _, list := range queries {
			for _, q := range list {
				if answers[version][q] == nil {
					answers[version][q] = new(pair)
				}
				f(inNamesOf(version, q), answers[version][q])
			}
		}
	}
	direct := func(sql string, p *pair) { p.want = d.ask(t, sql) }
	through := func(sql string, p *pair) {
		var text *Text
		p.got, text = d.askAs(t, sql)
		p.sent = text.SQL
	}
	each("base", direct)
	d.as(t, "v")
	each("v", through)
	pgtest.Exec(t, url, introspectionRenames)
	each("v", direct)
	d.as(t, "base")
	each("base", through)
	for _, version := range []string{"base", "v"} {
		t.Run("as "+version, func(t *testing.T) {
			for file, list := range queries {
				t.Run(file, func(t *testing.T) {
					for _, q := range list {
						p := answers[version][q]
						if p.want.Error != "" {
							t.Errorf("%s\nfails by itself: %s", q, p.want.Error)
						}
						if diff := cmp.Diff(p.want, p.got); diff != "" {
							t.Errorf("%s\n=> %s\nanswers otherwise (-in a database with the version's names +as the version):\n%s",
								q, p.sent, diff)
						}
					}
				})
			}
		})
	}
}
