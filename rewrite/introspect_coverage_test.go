package rewrite

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// showsNames matches the columns of system relations that can hold the name of a table, of a column or of a row type, or
// a text in which one stands.
var showsNames = regexp.MustCompile(`^(relname|typname|attname|attnames|tablename|table_name|column_name|dependent_column|udt_name|object_name|.*_udt_name|` +
	`.*_table_name|event_object_table|event_object_column|objname|.*def|definition|.*_definition|.*_clause|.*_condition|.*_expression|` +
	`exprs?|qual|with_check|rowfilter)$`)

// What the expression above finds and is no such thing.
var namesOfOtherThings = map[string]string{
	"information_schema.attributes.udt_name":                "a composite type's own name",
	"information_schema.routines.udt_name":                  "not available in PostgreSQL",
	"information_schema.routines.result_cast_type_udt_name": "not available in PostgreSQL",
	"information_schema.routines.routine_definition":        "the body of a function is text",
	"information_schema.usage_privileges.object_name":       "collations, domains, sequences and the like",
	"information_schema.role_usage_grants.object_name":      "foreign servers and sequences",
	"pg_catalog.pg_statio_all_sequences.relname":            "a sequence keeps its name",
	"pg_catalog.pg_statio_sys_sequences.relname":            "a sequence keeps its name",
	"pg_catalog.pg_statio_user_sequences.relname":           "a sequence keeps its name",
}

func TestEveryCatalogThatShowsNamesIsListed(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load(context.Background(), pgtest.Connect(t, pgtest.Database(t)))
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"name", "text", "name[]", "text[]", "information_schema.sql_identifier", "information_schema.character_data"}
	checked := 0
	cat.Relations(func(rel *catalog.Relation) bool {
		key := rel.Schema + "." + rel.Name
		if rel.Schema != "pg_catalog" && rel.Schema != "information_schema" {
			return true
		}
		listed := catalogRelations[key]
		shown := slices.Clone(listed.physical)
		for column := range listed.stored {
			shown = append(shown, column)
		}
		for _, m := range listed.mentions {
			shown = slices.Concat(shown, []string{m.table, m.typ}, m.columns, m.lists, m.definitions)
			for _, name := range slices.Concat([]string{m.oid, m.rowType, m.schema, m.table, m.typ, m.number}, m.columns) {
				if name != "" && rel.Column(name) == nil {
					t.Errorf("%s has no column %s", key, name)
				}
			}
		}
		for _, c := range rel.Columns {
			if !slices.Contains(texts, c.TypeName) || !showsNames.MatchString(c.Name) {
				continue
			}
			checked++
			if _, other := namesOfOtherThings[key+"."+c.Name]; !other && !slices.Contains(shown, c.Name) {
				t.Errorf("%s.%s shows names, and is not in the list", key, c.Name)
			}
		}
		return true
	})
	if checked < 80 {
		t.Errorf("only %d columns were found that show names", checked)
	}
	for key := range catalogRelations {
		schema, name, _ := strings.Cut(key, ".")
		if cat.Lookup(schema, name) == nil {
			t.Errorf("%s is listed, and does not exist", key)
		}
	}
}

// plan is the server's plan for a query, with what is read from which index.
func plan(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	rows, err := conn.Query(context.Background(), "EXPLAIN (COSTS OFF) "+sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestTheIndexesOfTheCatalogsStillServe(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, tt := range []struct{ name, sql, index string }{
		{"the columns of a table", "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0",
			"pg_attribute_relid_attnum_index"},
		{"a table by its OID", "SELECT relname FROM pg_class WHERE oid = 16385", "pg_class_oid_index"},
		{"a table by its name", "SELECT oid FROM pg_class WHERE relname = 'individual'", "pg_class_relname_nsp_index"},
		{"a table by its name in a join", "SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON n.oid = c.relnamespace AND c.relname = 'individual'", "pg_class_relname_nsp_index"},
		{"a type by its OID", "SELECT typname FROM pg_type WHERE oid = 23", "pg_type_oid_index"},
		{"a join, and an outer one", "SELECT attname FROM pg_constraint k LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] WHERE k.oid = 1",
			"Index Scan using pg_attribute_relid_attnum_index on pg_attribute t"},
		{"a join by OID", "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indexrelid = 16385",
			"Index Scan using pg_class_oid_index on pg_class t"},
		{"a view over the catalogs", "SELECT tablename FROM pg_tables WHERE tablename = 'orders'", "pg_class_relname_nsp_index"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := d.rewritten(t, tt.sql)
			if !text.Changed {
				t.Fatalf("%s is not rewritten", tt.sql)
			}
			p := plan(t, d.conn, text.SQL)
			if !strings.Contains(p, tt.index) || strings.Contains(p, "Seq Scan on pg_attribute") {
				t.Errorf("%s\nis not read by %s:\n%s", tt.sql, tt.index, p)
			}
		})
	}
}

// TestAConditionOfAJoinLeavesOutNoRow compares conditions that narrow what is read of a catalog with the same ones in a form that
// does not.
func TestAConditionOfAJoinLeavesOutNoRow(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, from := range []string{
		"pg_namespace n JOIN pg_class c ON n.oid = c.relnamespace AND %s",
		"pg_namespace n LEFT JOIN pg_class c ON n.oid = c.relnamespace AND %s",
		"pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace AND %s",
		"pg_class c FULL JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND %s",
		"pg_namespace n LEFT JOIN (pg_class c JOIN pg_am a ON a.oid = c.relam AND %s) ON n.oid = c.relnamespace",
		"(pg_namespace n LEFT JOIN pg_class c ON n.oid = c.relnamespace) JOIN pg_am a ON %s",
		"(pg_am a JOIN (pg_namespace n FULL JOIN pg_class c ON n.oid = c.relnamespace) ON %s) LEFT JOIN pg_roles r ON false",
	} {
		for _, name := range []string{"individual", "person", "orders"} {
			answer := func(condition string) string {
				sql := "SELECT n.nspname, c.relname, count(*) FROM " + strings.Replace(from, "%s", condition, 1) + " GROUP BY 1, 2 ORDER BY 1, 2"
				got, _ := d.askAs(t, sql)
				if got.Error != "" {
					t.Fatalf("%s: %s", sql, got.Error)
				}
				return strings.Join(got.Rows, "\n")
			}
			if diff := cmp.Diff(answer("c.relname || '' = '"+name+"'"), answer("c.relname = '"+name+"'")); diff != "" {
				t.Errorf("FROM %s, with the name %s (-whole +narrowed):\n%s", from, name, diff)
			}
		}
	}
}

// renamedDatabase is one after cutover, seen by base.
func renamedDatabase(t *testing.T) *introspected {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, introspectionRenames)
	d := introspect(t, url)
	d.as(t, "base")
	return d
}

func TestWhatOfTheCatalogsCannotBeMappedIsRefused(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, tt := range []struct{ name, sql, node string }{
		{"a change of a catalog", "UPDATE pg_class SET relname = 'x' WHERE relname = 'individual'", "UPDATE"},
		{"a deletion", "DELETE FROM pg_attribute WHERE attname = 'last_name'", "DELETE"},
		{"a row more", "INSERT INTO pg_catalog.pg_class (relname) VALUES ('x')", "INSERT"},
		{"a copy", "COPY pg_catalog.pg_class TO STDOUT", "COPY"},
		{"a lock on rows", "SELECT relname FROM pg_class FOR UPDATE", "FOR UPDATE"},
		{"a lock on rows of one", "SELECT relname FROM orders o, pg_class c FOR SHARE OF c", "FOR UPDATE"},
		{"a sample", "SELECT relname FROM pg_class TABLESAMPLE system (10)", "TABLESAMPLE"},
		{"a function in FROM", "SELECT * FROM pg_get_indexdef(1) WITH ORDINALITY", "the function pg_get_indexdef"},
		{"system columns besides a star", "SELECT ctid, * FROM pg_class", "a system column of pg_class"},
		{"names beside a change of rows", "WITH d AS (DELETE FROM orders RETURNING tableoid::regclass AS t) SELECT t FROM d", "a value of type regclass, regtype or regprocedure"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := d.rewritten(t, tt.sql).Statements[0].Failure
			if f == nil || f.Code != "0A000" || f.Node != tt.node {
				t.Errorf("%s: %v (%+v), want a refusal of %s", tt.sql, f, f, tt.node)
			}
		})
	}
}

func TestCatalogsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, tt := range []struct{ name, sql string }{
		{"in a view, which every version may read", "CREATE VIEW v AS SELECT relname, pg_get_indexdef(oid) FROM pg_class"},
		{"in a materialized view", "CREATE MATERIALIZED VIEW v AS SELECT relname FROM pg_class"},
		{"where they show no names", "SELECT * FROM pg_namespace, pg_constraint, pg_index, pg_sequences"},
		{"in the subquery of a lock on another table", "SELECT 1 FROM orders FOR UPDATE OF orders"},
		{"under the name of a WITH query", "WITH pg_class AS (SELECT 1 AS relname) SELECT relname FROM pg_class"},
		{"behind a name in another schema", "SELECT * FROM other.individual"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text := d.rewritten(t, tt.sql); text.SQL != tt.sql {
				t.Errorf("%s\n=> %s", tt.sql, text.SQL)
			}
		})
	}
	t.Run("behind a temporary table of that name, where it comes first", func(t *testing.T) {
		temp := *d.session
		temp.SearchPath = []string{"pg_temp_3", "pg_catalog", "public"}
		mine := &catalog.Relation{OID: 99999, Schema: "pg_temp_3", Name: "pg_class", Kind: catalog.Table, Temp: true,
			Columns: []catalog.Column{{Num: 1, Name: "relname"}}}
		temp.Overlay = map[rules.Name]*catalog.Relation{{Name: "pg_class"}: mine, {Schema: "pg_temp_3", Name: "pg_class"}: mine}
		text, err := d.binder.Rewrite(&temp, "SELECT relname FROM pg_class")
		if err != nil || text.Changed {
			t.Errorf("%v %+v", err, text)
		}
		if text, err = d.binder.Rewrite(&temp, "SELECT relname FROM pg_catalog.pg_class"); err != nil || !text.Changed {
			t.Errorf("the catalog itself is not mapped any more: %v", err)
		}
	})
	t.Run("for sessions that are not pinned", func(t *testing.T) {
		free := *d.session
		free.Version = ""
		text, err := d.binder.Rewrite(&free, "SELECT relname FROM pg_class")
		if err != nil || text.Changed || d.binder.Introspects(&free) {
			t.Errorf("%v %+v", err, text)
		}
	})
	t.Run("when that is switched off", func(t *testing.T) {
		off := NewBinder(d.binder.Snapshot(), Options{PlainCatalogs: true})
		text, err := off.Rewrite(d.session, "SELECT relname, conrelid::regclass FROM pg_class, pg_constraint")
		if err != nil || text.Changed || off.ShowsCatalogs([]byte("pg_class")) {
			t.Errorf("%v %+v", err, text)
		}
	})
}

func TestStatementsOnCatalogsAreHeldAtTheGates(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, sql := range []string{"SELECT relname FROM pg_class", "SELECT pg_get_indexdef(1)", "SELECT table_name FROM information_schema.tables"} {
		text := d.rewritten(t, sql)
		if len(text.Tables) == 0 || len(text.Statements[0].Uses) > 0 {
			t.Errorf("%s: tables %v, uses %v", sql, text.Tables, text.Statements[0].Uses)
		}
	}
	if text := d.rewritten(t, "SELECT oid FROM pg_namespace"); len(text.Tables) > 0 {
		t.Errorf("pg_namespace shows no names, and is held for %v", text.Tables)
	}
}

func TestSeguesOwnColumnsAreHiddenFromEverySession(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, "CREATE STATISTICS plain ON first_name, year FROM individual")
	d := &introspected{conn: pgtest.Connect(t, url)}
	queries := []string{
		"SELECT attname FROM pg_attribute WHERE attrelid = 'individual'::regclass AND attnum > 0 ORDER BY attnum",
		"SELECT column_name FROM information_schema.columns WHERE table_name = 'individual' AND table_schema = 'public' ORDER BY 1",
		"SELECT table_name, column_name FROM information_schema.column_privileges WHERE table_schema = 'public' ORDER BY 1, 2",
	}
	want := map[string]answer{}
	for _, q := range queries {
		want[q] = d.ask(t, q)
	}
	pgtest.Exec(t, url, "ALTER TABLE individual ADD _segue_marker int, ADD _segue_old_x text")
	d.as(t, "base")
	snap := d.binder.Snapshot()
	for version, lens := range snap.Lenses {
		for _, table := range lens.Tables {
			table.Columns = slices.DeleteFunc(table.Columns, func(c rules.ColumnLens) bool { return strings.HasPrefix(c.Physical, hiddenPrefix) })
			table.Identity = table.Identity && table.Logical != "individual"
		}
		snap.Lenses[version] = rules.NewLens(version, lens.Tables)
	}
	d.binder = NewBinder(snap, Options{})
	for _, version := range []string{"base", ""} {
		d.session.Version = version
		if !d.binder.Introspects(d.session) {
			t.Errorf("a session of version %q need not look", version)
		}
		for _, q := range queries {
			if got, text := d.askAs(t, q); strings.Join(got.Rows, "\n") != strings.Join(want[q].Rows, "\n") {
				t.Errorf("version %q: %s\n=> %s\nshows %q instead of %q", version, q, text.SQL, got, want[q].Rows)
			}
		}
	}
}

func TestInformationSchemaStillDependsOnRights(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	sql := "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
	text := d.rewritten(t, sql)
	pgtest.Exec(t, d.conn.Config().ConnString(), "CREATE ROLE introspection_reader")
	t.Cleanup(func() { pgtest.Exec(t, d.conn.Config().ConnString(), "DROP ROLE introspection_reader") })
	got := d.ask(t, "SET ROLE introspection_reader; "+text.SQL)
	if strings.Join(got.Rows, "\n") != "individual|last_name" || got.Error != "" {
		t.Errorf("a role that may read one column sees %q %s", got.Rows, got.Error)
	}
}
