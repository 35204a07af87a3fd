package proxy

import (
	"net/url"
	"regexp"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// numberOfColumn is what RowDescription says of a column besides its name and its type: a substitute for a catalog has none.
var numberOfColumn = regexp.MustCompile(`:\d+:`)

// TestNamesInTheCatalogsAreThoseOfTheVersionInWhateverWayTheyAreRead compares with a database that has the version's names.
func TestNamesInTheCatalogsAreThoseOfTheVersionInWhateverWayTheyAreRead(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE person (id int PRIMARY KEY, last_name text NOT NULL, other text);
		CREATE INDEX by_name ON person (last_name); CREATE VIEW names AS SELECT last_name FROM person`
	p := openProxy(t)
	p.run(schema, "ALTER TABLE person RENAME TO individual", "ALTER TABLE individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, `
id: both
operations:
  - rename_table: { from: public.person, to: public.individual }
  - rename_column: { table: public.individual, from: last_name, to: surname }
`)))
	direct := pgtest.Database(t)
	pgtest.Exec(t, direct, schema)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	const ns = "'public'::regnamespace"
	for _, q := range []string{
		"SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = " + ns + " AND attnum > 0 ORDER BY 1, 2",
		"SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'last_name' AND c.relnamespace = " + ns + " ORDER BY 1",
		"SELECT x.n FROM (SELECT relname AS n, relnamespace FROM pg_class) x WHERE x.relnamespace = " + ns + " ORDER BY n",
		"WITH c AS (SELECT * FROM pg_class) SELECT relname FROM c WHERE relnamespace = " + ns + " ORDER BY relname",
		"SELECT (SELECT relname FROM pg_class c WHERE c.oid = a.attrelid), attname FROM pg_attribute a WHERE attrelid = 'person'::regclass AND attnum > 0 ORDER BY attnum",
		"SELECT a.attname FROM pg_attribute a, LATERAL (SELECT relname FROM pg_class WHERE oid = a.attrelid) l WHERE l.relname = 'person' AND attnum > 0 ORDER BY 1",
		"SELECT DISTINCT ON (relname) relname, relkind FROM pg_class WHERE relnamespace = " + ns + " ORDER BY relname",
		"SELECT relname, count(*) FROM pg_class JOIN pg_attribute a ON attrelid = pg_class.oid WHERE relnamespace = " + ns + " AND attnum > 0 GROUP BY relname ORDER BY relname",
		"SELECT relname FROM pg_class WHERE relnamespace = " + ns + " UNION SELECT attname FROM pg_attribute WHERE attrelid = 'person'::regclass ORDER BY relname",
		"SELECT first_value(relname) OVER (PARTITION BY relkind ORDER BY relname) FROM pg_class WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT to_json(x) FROM (SELECT relname, relkind FROM pg_class WHERE relnamespace = " + ns + ") x ORDER BY x.relname",
		"SELECT to_json(c)->>'relname' FROM pg_class c WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT c->>'relname' FROM (SELECT to_json(k) AS c FROM pg_class k WHERE relnamespace = " + ns + ") t ORDER BY 1",
		"SELECT (c).relname FROM (SELECT c FROM pg_class c WHERE relnamespace = " + ns + ") t ORDER BY 1",
		"SELECT (c.*).relname FROM pg_class c WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT relname(c) FROM pg_class c WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT c.relname(c) FROM pg_class c", // which fails
		"SELECT row_to_json(ROW(c.relname, a.attname)) FROM pg_class c, pg_attribute a WHERE a.attrelid = c.oid AND attnum > 0 AND relnamespace = " + ns + " ORDER BY c.relname, a.attnum",
		"SELECT t.* FROM (pg_class c JOIN pg_namespace n ON n.oid = relnamespace) AS t(a, relname) WHERE nspname = 'public' AND false",
		"SELECT k.relname FROM (pg_class c JOIN pg_namespace n ON n.oid = relnamespace) AS k WHERE nspname = 'public' ORDER BY 1",
		"SELECT b FROM pg_class AS c(a, b) WHERE relnamespace = " + ns + " ORDER BY b",
		"SELECT attname FROM pg_attribute JOIN (SELECT oid AS attrelid FROM pg_class WHERE relname = 'person') p USING (attrelid) WHERE attnum > 0 ORDER BY attnum",
		"SELECT relname FROM pg_class c1 JOIN pg_class c2 USING (relname) WHERE c1.relnamespace = " + ns + " ORDER BY 1",
		"SELECT c1.relkind, c2.relname FROM pg_class c1 JOIN pg_class c2 ON c1.oid = c2.oid WHERE c1.relnamespace = " + ns + " ORDER BY 2",
		"SELECT 2 * 3, relname FROM pg_class WHERE relnamespace = " + ns + " ORDER BY 2",
		"SELECT tablename, indexdef FROM pg_indexes JOIN pg_class ON relname = tablename WHERE schemaname = 'public' ORDER BY 1, 2",
		"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
		"SELECT c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) WHERE t.table_name = 'person' ORDER BY 1",
		"SELECT \"relname\" FROM pg_catalog.\"pg_class\" WHERE relnamespace = " + ns + " ORDER BY \"relname\"",
		"SELECT U&\"rel\\006eame\" FROM pg_class WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT pg_class.relname FROM pg_class, pg_type WHERE typrelid = pg_class.oid AND typname = 'person'",
		"SELECT typname, relname FROM pg_type JOIN pg_class ON typrelid = pg_class.oid WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT max(relname COLLATE \"C\") FROM pg_class WHERE relnamespace = " + ns,
		"SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'person'), EXISTS (SELECT FROM pg_class WHERE relname = 'individual')",
		"SELECT relname FROM pg_class c WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'last_name') ORDER BY relname",
		"SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_class c, pg_index i, pg_attribute a WHERE c.relname = 'by_name' AND i.indexrelid = c.oid AND a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)",
		"SELECT relname, * FROM pg_class WHERE false",
		"SELECT c.*, a.attname FROM pg_class c JOIN pg_attribute a ON false",
		"VALUES ((SELECT relname FROM pg_class WHERE oid = 'person'::regclass))",
		"SELECT relname FROM pg_stat_user_tables JOIN pg_class USING (relname) ORDER BY 1",
		"SELECT json_agg(c.relname ORDER BY relname) FROM pg_class AS c WHERE c.relnamespace = " + ns,
		"SELECT CASE WHEN relname = 'person' THEN relname END FROM pg_class WHERE relnamespace = " + ns + " ORDER BY 1",
		"SELECT f.relname FROM (SELECT c.* FROM pg_class c) f JOIN pg_attribute USING (relname) WHERE false",
	} {
		s := script{{simple(q), "Z"}}
		want := s.play(t, u.Host, u.Path[1:])
		got := s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
		for _, heard := range [][]string{want, got} {
			for i, message := range heard {
				if message[0] == wire.RowDescription {
					heard[i] = numberOfColumn.ReplaceAllString(message, ":")
				}
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-direct +through):\n%s", q, diff)
		}
	}
}
