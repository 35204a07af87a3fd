package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
)

// madeAlike makes something with the names of base, once in a database that has them and once through Segue in one that has
// those of v, and compares what queries show of it directly and as base.
func madeAlike(t *testing.T, made, queries []string) {
	t.Helper()
	t.Parallel()
	ctx := context.Background()
	own := pgtest.Database(t)
	pgtest.Exec(t, own, introspectionSchema)
	pgtest.Exec(t, own, made...)
	direct := introspect(t, own)

	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, introspectionRenames)
	d := introspect(t, url)
	d.as(t, "base")
	for _, sql := range made {
		text := d.rewritten(t, sql)
		if _, err := d.conn.Exec(ctx, text.SQL); err != nil {
			t.Fatalf("%s\n=> %s\n%v", sql, text.SQL, err)
		}
		d.as(t, "base")
	}
	for _, q := range queries {
		want := direct.ask(t, q)
		got, _ := d.askAs(t, q)
		if diff := cmp.Diff(want, got); diff != "" || want.Error != "" || len(want.Rows) == 0 {
			t.Errorf("%s\nanswers otherwise (-in a database with the version's names +as the version):\n%s", q, diff)
		}
	}
}

func TestColumnsOfAnIndexHaveTheNamesOfTheVersionThatMadeIt(t *testing.T) {
	madeAlike(t,
		[]string{
			"CREATE INDEX made ON individual (last_name, id DESC, lower(last_name)) INCLUDE (city) WHERE last_name <> ''",
			"CREATE UNIQUE INDEX made_too ON measure (at, last_value)",
		},
		[]string{
			"SELECT c.relname, attname, attnum FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relname LIKE 'made%' ORDER BY 1, 3",
			"SELECT attname FROM pg_attribute WHERE attrelid = 'made'::regclass AND attname = 'last_name'",
			"SELECT attname FROM pg_attribute WHERE attrelid = 'individual_lower'::regclass OR attrelid = 'lives'::regclass ORDER BY 1",
			"SELECT attname FROM pg_attribute a JOIN pg_index i ON i.indexrelid = a.attrelid WHERE indrelid = 'measure'::regclass ORDER BY 1",
		})
}

func TestALaterVersionSeesTheNamesThatAnIndexHas(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema)
	d := &introspected{conn: pgtest.Connect(t, url)}
	for _, phase := range []string{"before cutover", "after cutover"} {
		d.as(t, "v")
		got, _ := d.askAs(t, "SELECT attname FROM pg_attribute WHERE attrelid = 'orders_last_name'::regclass OR attrelid = 'lives'::regclass ORDER BY 1")
		if rows := strings.Join(got.Rows, " "); rows != "city last_name last_name" {
			t.Errorf("%s it sees %s %s", phase, rows, got.Error)
		}
		if phase == "before cutover" {
			pgtest.Exec(t, url, introspectionRenames)
		}
	}
}

func TestTheConstraintOfAPartitionHasTheVersionsNames(t *testing.T) {
	madeAlike(t, nil, []string{
		"SELECT pg_get_partition_constraintdef('by_value_1'::regclass)",
		"SELECT relname, pg_catalog.pg_get_partition_constraintdef(oid) FROM pg_class WHERE relkind = 'r' AND relispartition ORDER BY relname",
	})
}

func TestViewsThatTheVersionHasMadeArePrintedWithItsNames(t *testing.T) {
	madeAlike(t,
		[]string{
			"CREATE VIEW made_1 AS SELECT * FROM measure JOIN by_value USING (last_value)",
			"CREATE VIEW made_2 AS SELECT m.last_value, at FROM measure m LEFT JOIN (by_value b JOIN by_value_1 USING (\"Qty\")) ON length('x') = b.last_value RIGHT JOIN measure_2 USING (at)",
			"CREATE VIEW made_3 AS SELECT last_value AS n, at FROM (measure FULL JOIN by_value USING (last_value)) LEFT JOIN measure_1 USING (last_value, at)",
			"CREATE VIEW made_4 AS SELECT j.* FROM (measure JOIN by_value USING (last_value)) j",
			"CREATE VIEW made_5 AS SELECT j.* FROM (measure JOIN by_value USING (last_value)) j(a, b) JOIN employee ON length(last_name) = a",
			"CREATE VIEW made_6 AS SELECT m.at, x.last_value, by_value.\"Qty\" FROM measure m JOIN by_value USING (last_value) AS x",
			"CREATE VIEW made_7 AS SELECT count(*) FROM measure FULL JOIN by_value USING (last_value), measure_1 x FULL JOIN by_value_1 USING (last_value), measure_2 y",
			"CREATE VIEW made_8 AS SELECT \"Qty\" AS a, z.last_value AS b FROM measure FULL JOIN by_value USING (last_value), measure_2 z",
			"CREATE VIEW made_9 AS SELECT 1 FROM measure x JOIN by_value y USING (last_value) WHERE EXISTS (SELECT FROM measure_1 JOIN measure_2 USING (last_value, at) WHERE x.last_value = measure_1.last_value)",
			"CREATE VIEW made_10 AS SELECT * FROM measure NATURAL JOIN by_value_1",
			"CREATE VIEW made_11 AS SELECT i.last_name, e.city FROM individual i JOIN orders USING (last_name) JOIN employee e USING (last_name)",
			"CREATE VIEW made_12 AS SELECT individual_id, orders.last_name FROM orders JOIN employee USING (last_name)",
			"CREATE VIEW made_13 AS SELECT j.last_value FROM (measure JOIN (SELECT last_value, \"Qty\" FROM by_value) b USING (last_value)) j",
			"CREATE VIEW made_14 AS SELECT last_value FROM (measure_1 x JOIN measure_2 y USING (at, last_value)) JOIN by_value USING (last_value) ORDER BY last_value",
			"CREATE VIEW made_15 AS SELECT x.\"Qty\", y.\"Qty\" AS other FROM by_value_1 x, (by_value JOIN measure_1 USING (last_value)) y",
			"ALTER TABLE measure ADD d int, ADD e int",
			"ALTER TABLE by_value ADD f int, ADD at date, ADD e int",
			"CREATE VIEW made_16 AS SELECT * FROM (measure_1 x JOIN measure_2 y USING (at)) j(one, two, three, four, five, six, seven)",
		},
		[]string{
			"SELECT viewname, definition FROM pg_views WHERE viewname LIKE 'made%' ORDER BY viewname",
			"SELECT relname, pg_get_viewdef(oid, true) FROM pg_class WHERE relname LIKE 'made%' ORDER BY relname",
		})
}

func TestObjectsAreDescribedInTheVersionsNames(t *testing.T) {
	madeAlike(t,
		[]string{"CREATE RULE made AS ON DELETE TO individual DO ALSO NOTHING"},
		[]string{
			"SELECT pg_describe_object('pg_class'::regclass, c.oid, a.attnum) FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid WHERE c.relnamespace IN (2200, 'other'::regnamespace) ORDER BY 1",
			"SELECT pg_describe_object('pg_class'::regclass, oid, 0) FROM pg_class WHERE relnamespace IN (2200, 'other'::regnamespace) ORDER BY 1",
			"SELECT regexp_replace(pg_catalog.pg_describe_object(classid, objid, objsubid), '_[0-9]{5,}', ''), pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend WHERE objid > 16383 AND classid IN (2604, 2606, 2618, 2620, 3256) ORDER BY 1, 2",
			"SELECT count(*) FROM pg_depend WHERE pg_describe_object(refclassid, refobjid, refobjsubid) LIKE 'column last_name of table individual'",
			"SELECT pg_describe_object(NULL, NULL, NULL), pg_describe_object(1259, 1, 0)",
		})
}
