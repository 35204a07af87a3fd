package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// counted counts the rows that queries return.
type counted struct {
	*pgx.Conn
	columns int // of pg_attribute
}

func (c *counted) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := c.Conn.Query(ctx, sql, args...)
	if err == nil && strings.Contains(sql, "a.attrelid, a.attnum") {
		return &countedRows{rows, &c.columns}, nil
	}
	return rows, err
}

type countedRows struct {
	pgx.Rows
	n *int
}

func (r *countedRows) Next() bool {
	next := r.Rows.Next()
	if next {
		*r.n++
	}
	return next
}

const rereadSchema = `
	CREATE SCHEMA shop; CREATE SCHEMA other;
	CREATE TABLE shop.item (id serial PRIMARY KEY, name text, price numeric);
	CREATE TABLE shop.bare (); CREATE TABLE shop.heir () INHERITS (shop.bare);
	CREATE TABLE sale (at date, n int) PARTITION BY RANGE (at);
	CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
	CREATE TABLE sale_2 (at date, n int);
	CREATE TYPE pair AS (a int, b int); CREATE DOMAIN word AS text;
	CREATE TABLE paired (p pair, w word);
	CREATE VIEW items AS SELECT * FROM shop.item;
	CREATE FUNCTION one(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'`

// TestWhatIsReadAnewIsWhatIsReadWhole changes the catalog in every way in which it can be read in part only.
func TestWhatIsReadAnewIsWhatIsReadWhole(t *testing.T) {
	t.Parallel()
	for what, sql := range map[string]string{
		"nothing":                     `SELECT`,
		"a new table":                 `CREATE TABLE shop.more (id bigserial PRIMARY KEY, i shop.item)`,
		"a table that has gone":       `DROP TABLE paired`,
		"what goes along":             `DROP TABLE shop.item CASCADE`,
		"a schema that has gone":      `DROP SCHEMA shop CASCADE`,
		"a new name for a table":      `ALTER TABLE shop.item RENAME TO thing`,
		"a new name for a column":     `ALTER TABLE shop.item RENAME name TO label`,
		"a new name for a schema":     `ALTER SCHEMA shop RENAME TO store`,
		"another schema":              `ALTER TABLE shop.item SET SCHEMA other; ALTER FUNCTION one(int) SET SCHEMA other; ALTER TYPE pair SET SCHEMA other`,
		"a new column":                `ALTER TABLE shop.item ADD more text NOT NULL DEFAULT 'x'`,
		"a column that has gone":      `ALTER TABLE shop.item DROP price CASCADE`,
		"another type":                `ALTER TABLE sale ALTER n TYPE bigint`,
		"what a column must hold":     `ALTER TABLE shop.item ALTER name SET NOT NULL, ALTER price SET DEFAULT 1`,
		"a privilege on a column":     `GRANT UPDATE (name) ON shop.item TO PUBLIC`,
		"an identity":                 `ALTER TABLE shop.item ALTER id DROP DEFAULT, ALTER id ADD GENERATED ALWAYS AS IDENTITY`,
		"a table that became an heir": `ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')`,
		"an heir that is one no more": `ALTER TABLE sale DETACH PARTITION sale_1`,
		"an heir without columns":     `ALTER TABLE shop.heir NO INHERIT shop.bare`,
		"a partition that has gone":   `DROP TABLE sale_1`,
		"a new name for a type":       `ALTER TYPE pair RENAME TO couple; ALTER DOMAIN word RENAME TO term`,
		"a new attribute":             `ALTER TYPE pair ADD ATTRIBUTE c text`,
		"new types":                   `CREATE TYPE span AS RANGE (subtype = int); CREATE TYPE hue AS ENUM ('red'); CREATE DOMAIN d AS pair`,
		"a function made anew":        `CREATE OR REPLACE FUNCTION one(x int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT 2'`,
		"an overload":                 `CREATE FUNCTION one(x text) RETURNS SETOF shop.item LANGUAGE sql AS 'SELECT * FROM shop.item'`,
		"a function that has gone":    `DROP FUNCTION one(int)`,
		"a view made anew":            `CREATE OR REPLACE VIEW items AS SELECT *, 1 AS one FROM shop.item`,
		"a temporary table":           `CREATE TEMP TABLE mine (i shop.item); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
		"an index":                    `CREATE INDEX ON shop.item (name); CREATE SEQUENCE s`,
		"in a savepoint":              `SAVEPOINT a; ALTER TABLE sale ADD gone int; ROLLBACK TO a; SAVEPOINT b; ALTER TABLE sale ADD kept int; RELEASE b`,
		"a table made by somebody":    `DO $$ BEGIN CREATE TABLE by_do (i int); EXCEPTION WHEN division_by_zero THEN END $$`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			pgtest.Exec(t, url, rereadSchema)
			ctx := context.Background()
			conn := &counted{Conn: pgtest.Connect(t, url)}
			before, err := catalog.Load(ctx, pgtest.Connect(t, url))
			if err != nil {
				t.Fatal(err)
			}
			for _, inside := range []string{"BEGIN; " + sql, "COMMIT"} {
				if _, err := conn.PgConn().Exec(ctx, inside).ReadAll(); err != nil {
					t.Fatal(err)
				}
				got, err := before.Reread(ctx, conn)
				if err != nil {
					t.Fatal(err)
				}
				want, err := catalog.Load(ctx, conn)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(catalog.Catalog{}), cmpopts.IgnoreFields(catalog.Catalog{},
					"Fingerprint", "SessionChangers", "SchemaAccess", "shipped", "horizon")); diff != "" {
					t.Errorf("after %s the catalog is (-whole +in part):\n%s", inside, diff)
				}
			}
			next, err := before.Refresh(ctx, conn)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.PgConn().Exec(ctx, `CREATE TABLE last (i int); CREATE OR REPLACE FUNCTION two(x text) RETURNS void LANGUAGE sql AS 'SET search_path = a'`).ReadAll(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if next, err = next.Refresh(ctx, conn); err != nil {
					t.Fatal(err)
				}
			}
			want, err := catalog.Load(ctx, conn)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, next, cmp.AllowUnexported(catalog.Catalog{}), cmpopts.IgnoreFields(catalog.Catalog{}, "shipped", "horizon")); diff != "" {
				t.Errorf("the refreshed catalog is (-whole +in part):\n%s", diff)
			}
		})
	}
}

// TestOnlyWhatHasChangedIsReadAnew runs alone: while another test is in a transaction, all that is newer counts as changed.
func TestOnlyWhatHasChangedIsReadAnew(t *testing.T) {
	url := pgtest.Database(t)
	pgtest.Exec(t, url, rereadSchema)
	ctx := context.Background()
	conn := &counted{Conn: pgtest.Connect(t, url)}
	before, err := catalog.Load(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `ALTER TABLE shop.item ADD more text`)
	conn.columns = 0
	if _, err := before.Reread(ctx, conn); err != nil {
		t.Fatal(err)
	}
	if conn.columns != 4 {
		t.Errorf("%d columns were read, want the 4 of the table that has changed", conn.columns)
	}
	next, err := before.Refresh(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `ALTER TABLE sale ADD more text`)
	conn.columns = 0
	if _, err := next.Refresh(ctx, conn); err != nil {
		t.Fatal(err)
	}
	if conn.columns != 6 {
		t.Errorf("%d columns were read, want the 6 of the table that has changed and of its partition", conn.columns)
	}
}

func TestACatalogIsReadWholeBeforeTransactionNumbersComeAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, rereadSchema)
	conn := pgtest.Connect(t, url)
	for _, age := range []int64{1 << 30, 1 << 31, 3 << 30} {
		before, err := catalog.Load(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		catalog.Age(before, age)
		pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE shop.item ADD after_%d int`, age))
		got, err := before.Reread(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		if got.Lookup("shop", "item").Column(fmt.Sprint("after_", age)) == nil {
			t.Errorf("%d transactions later a new column is not there", age)
		}
	}
}

func TestACatalogOfAnotherDatabaseIsReadWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url, other := pgtest.Database(t), pgtest.Database(t)
	pgtest.Exec(t, url, rereadSchema)
	pgtest.Exec(t, other, `CREATE TABLE elsewhere (i int)`)
	conn := pgtest.Connect(t, url)
	foreign, err := catalog.Load(ctx, pgtest.Connect(t, other))
	if err != nil {
		t.Fatal(err)
	}
	got, err := foreign.Reread(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if got.Lookup("public", "sale") == nil || got.Lookup("public", "elsewhere") != nil {
		t.Error("the catalog is not that of the database")
	}
}

func TestWhatOthersHaveMadeSinceASnapshotIsStillKnownToChangeTheSession(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, rereadSchema)
	conn := pgtest.Connect(t, url)
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL standard_conforming_strings = off; SET LOCAL quote_all_identifiers = on; SELECT 1")
	pgtest.Exec(t, url, `CREATE FUNCTION theirs() RETURNS text LANGUAGE sql AS 'SELECT set_config(''search_path'', ''x'', false)'`)
	public, err := catalog.Load(ctx, pgtest.Connect(t, url))
	if err != nil {
		t.Fatal(err)
	}
	exec(`CREATE FUNCTION own() RETURNS text BEGIN ATOMIC SELECT set_config('search_path', 'x', false); END`)
	exec(`CREATE FUNCTION makes() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE made (i int); END'`)
	got, err := public.RereadCode(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]catalog.SessionChanger{{Name: "own"}, {Name: "theirs"}}, got.SessionChangers); diff != "" {
		t.Errorf("these change the session (-want +got):\n%s", diff)
	}
	if !slices.Contains(got.Makers, "makes") {
		t.Errorf("these make something: %q", got.Makers)
	}
	if diff := cmp.Diff([]catalog.SessionChanger{{Name: "theirs"}}, public.SessionChangers); diff != "" {
		t.Errorf("the catalog at hand has changed (-want +got):\n%s", diff)
	}
}
