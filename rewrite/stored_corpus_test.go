package rewrite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// copiedCatalogs makes tables like the system catalogs, and over them the views that PostgreSQL ships: a corpus of
// definitions that nobody has written for this test. What cannot be had in a table, or stands on what cannot, is left out.
const copiedCatalogs = `
CREATE SCHEMA c;
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT oid, relname FROM pg_class WHERE relnamespace = 11 AND relkind = 'r' LOOP
    EXECUTE (SELECT format('CREATE TABLE c.%I (%s)', r.relname, string_agg(format('%I %s', attname,
      CASE WHEN format_type(atttypid, -1) IN ('anyarray', 'pg_statistic[]') THEN 'text[]' ELSE format_type(atttypid, atttypmod) END), ', ' ORDER BY attnum))
      FROM pg_attribute WHERE attrelid = r.oid AND attnum > 0);
  END LOOP;
  SET search_path = c, pg_catalog;
  FOR r IN SELECT c.oid, c.relname, pg_get_viewdef(c.oid) AS definition FROM pg_catalog.pg_class c WHERE relkind = 'v' AND oid < 16384 ORDER BY oid LOOP
    BEGIN
      EXECUTE format('CREATE VIEW c.%I AS %s', r.relname, replace(r.definition, 'pg_catalog.', ''));
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END $$;
`

// catalogRenames are what the copies are called in the end; collisions with aliases and columns are intended.
var catalogRenames = map[string]struct {
	table   string
	columns map[string]string
}{
	"pg_class":      {"c", map[string]string{"oid": "id", "relname": "nspname", "relnamespace": "oid"}},
	"pg_attribute":  {"a", map[string]string{"attname": "name", "attrelid": "oid", "attnum": "Number"}},
	"pg_namespace":  {"pg_namespace", map[string]string{"nspname": "relname"}},
	"pg_type":       {"t", map[string]string{"typname": "attname", "oid": "typ"}},
	"pg_constraint": {"select", map[string]string{"conname": "constraint_name", "conrelid": "a"}},
	"pg_proc":       {"pg_function", map[string]string{"proname": "user"}},
	"pg_authid":     {"s", map[string]string{"rolname": "usename", "oid": "rol"}},
	"pg_index":      {"i", map[string]string{"indrelid": "indexrelid_", "indexrelid": "relid"}},
	"pg_rewrite":    {"r", map[string]string{"rulename": "tablename"}},
}

func TestThePrintedViewsOfPostgresAreReprintedAlike(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	conn := pgtest.Connect(t, url)
	ctx := context.Background()
	if _, err := conn.Exec(ctx, copiedCatalogs); err != nil {
		t.Fatal(err)
	}
	d := &introspected{conn: conn}
	for _, path := range []string{"c", "pg_catalog", "public, c"} {
		if _, err := conn.Exec(ctx, "SET search_path = "+path); err != nil {
			t.Fatal(err)
		}
		const query = "SELECT c.relname, pg_get_viewdef(c.oid), pg_get_viewdef(c.oid, true) FROM pg_catalog.pg_class c WHERE relkind = 'v' AND oid > 16000 ORDER BY c.oid"
		before := d.ask(t, query)
		if len(before.Rows) < 100 {
			t.Fatalf("only %d views could be made", len(before.Rows))
		}
		for from, to := range catalogRenames {
			for a, b := range to.columns {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME %q TO "to %s"`, from, a, b))
			}
			for _, b := range to.columns {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME "to %s" TO %q`, from, b, b))
			}
			if from != to.table {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME TO %q`, from, to.table))
			}
		}
		d.asCatalogs(t)
		after, _ := d.askAs(t, query)
		for i := range after.Rows {
			if diff := cmp.Diff(before.Rows[i], after.Rows[i]); diff != "" {
				t.Errorf("with search_path %s, a view is printed otherwise (-in its names +through):\n%s", path, diff)
			}
		}
		for from, to := range catalogRenames {
			if from != to.table {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME TO %q`, to.table, from))
			}
			for a, b := range to.columns {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME %q TO "to %s"`, from, b, a))
			}
			for a := range to.columns {
				pgtest.Exec(t, url, fmt.Sprintf(`ALTER TABLE c.%q RENAME "to %s" TO %q`, from, a, a))
			}
		}
	}
}

// asCatalogs makes the copies be seen in the names of the catalogs.
func (d *introspected) asCatalogs(t *testing.T) {
	t.Helper()
	cat, err := catalog.Load(context.Background(), d.conn)
	if err != nil {
		t.Fatal(err)
	}
	var tables []*rules.TableLens
	for from, to := range catalogRenames {
		rel := cat.Lookup("c", to.table)
		l := &rules.TableLens{OID: rel.OID, Schema: "c", Physical: to.table, Logical: from}
		for _, c := range rel.Columns {
			logical := c.Name
			for a, b := range to.columns {
				if b == c.Name {
					logical = a
				}
			}
			l.Columns = append(l.Columns, rules.ColumnLens{Logical: logical, Physical: c.Name, Num: c.Num})
		}
		tables = append(tables, l)
	}
	d.binder = NewBinder(&rules.Snapshot{
		Lenses: map[string]*rules.Lens{"base": rules.NewLens("base", tables)}, Catalog: cat,
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Cutover}},
	}, Options{})
	d.session = &Session{Version: "base", StandardStrings: true, Overlay: map[rules.Name]*catalog.Relation{}}
	if err := d.conn.QueryRow(context.Background(), "SELECT pg_catalog.current_schemas(true)").Scan(&d.session.SearchPath); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(d.session.SearchPath, " "), "pg_catalog") {
		t.Fatal("the system catalogs cannot be seen")
	}
}
