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
	direct := &introspected{conn: pgtest.Connect(t, own)}

	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, introspectionRenames)
	d := &introspected{conn: pgtest.Connect(t, url)}
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
