package rewrite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// manyRenames is a session of base on a catalog in which so many tables have another name, and a column that has one.
func manyRenames(t testing.TB, cat *catalog.Catalog, tables int) (*Binder, *Session) {
	t.Helper()
	var relations []*catalog.Relation
	var functions []*catalog.Function
	var types []*catalog.Type
	cat.Relations(func(r *catalog.Relation) bool {
		relations = append(relations, r)
		return true
	})
	lenses := map[string][]*rules.TableLens{}
	for i := range tables {
		r := &catalog.Relation{OID: catalog.OID(100_000 + 2*i), RowType: catalog.OID(100_001 + 2*i), Schema: "public", Name: fmt.Sprintf("new%d", i),
			Kind: catalog.Table, Columns: []catalog.Column{{Num: 1, Name: fmt.Sprintf("fresh%d", i), Type: 25, TypeName: "text"}}}
		relations = append(relations, r)
		for _, version := range []string{"base", "v"} {
			l := &rules.TableLens{OID: r.OID, Schema: r.Schema, Logical: r.Name, Physical: r.Name,
				Columns: []rules.ColumnLens{{Logical: r.Columns[0].Name, Physical: r.Columns[0].Name, Num: 1}}}
			if version == "base" {
				l.Logical, l.Columns[0].Logical = fmt.Sprintf("old%d", i), fmt.Sprintf("stale%d", i)
			}
			lenses[version] = append(lenses[version], l)
		}
	}
	snap := &rules.Snapshot{
		Lenses:      map[string]*rules.Lens{"base": rules.NewLens("base", lenses["base"]), "v": rules.NewLens("v", lenses["v"])},
		Catalog:     catalog.New(cat.ServerVersion, relations, functions, types),
		Migrations:  []*rules.Migration{{ID: "v", Phase: rules.Active}},
		StoredNames: map[string]bool{},
	}
	for _, m := range NameMaps(snap) {
		snap.StoredNames[m.ID] = true
	}
	return NewBinder(snap, Options{}), &Session{Version: "base", StandardStrings: true, SearchPath: []string{"pg_catalog", "public"}}
}

var introspectionTexts = []string{
	"SELECT attname FROM pg_attribute WHERE attrelid = 100000",
	"SELECT relname FROM pg_class WHERE relname = 'old3'",
	"SELECT relname FROM pg_class WHERE relname ~ '^(old3)$'",
	"SELECT oid FROM pg_class WHERE relname = $1",
	"SELECT typname, format_type(oid, NULL) FROM pg_type WHERE typname IN ('old3', '_old3')",
	"SELECT column_name FROM information_schema.columns WHERE table_name = 'old3'",
	"SELECT conname, pg_get_constraintdef(oid), conrelid::regclass FROM pg_constraint",
	"SELECT pg_get_indexdef(indexrelid) FROM pg_index",
	"SELECT tablename, indexdef FROM pg_indexes WHERE tablename = 'old3'",
	"SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend",
	"SELECT has_column_privilege(attrelid, attname, 'SELECT') FROM pg_attribute",
	"SELECT udt_name::regtype::text FROM information_schema.columns WHERE table_name = 'old3'",
	"SELECT $1::text::regclass, to_regclass($2), to_regtype($3)",
	"SELECT pg_total_relation_size(quote_ident(tablename)) FROM pg_tables",
}

func TestATextOnTheCatalogsIsAsLongForManyTablesAsForFew(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load(context.Background(), pgtest.Connect(t, pgtest.Database(t)))
	if err != nil {
		t.Fatal(err)
	}
	few, session := manyRenames(t, cat, 50)
	many, _ := manyRenames(t, cat, 500)
	for _, sql := range introspectionTexts {
		a, err := few.Rewrite(session, sql)
		if err != nil {
			t.Fatal(err)
		}
		b, err := many.Rewrite(session, sql)
		if err != nil {
			t.Fatal(err)
		}
		if !a.Changed || a.Statements[0].Failure != nil {
			t.Errorf("%s is not rewritten: %v", sql, a.Statements[0].Failure)
		}
		if len(a.SQL) != len(b.SQL) {
			t.Errorf("%s\nhas %d bytes for 50 tables and %d for 500:\n%s", sql, len(a.SQL), len(b.SQL), b.SQL)
		}
	}
}

func TestNamesThatAreNotStoredAreNotTakenForThoseOfTheDatabase(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	const query = "SELECT relname FROM pg_class WHERE oid = 'individual'::regclass"
	if got, text := d.askAs(t, query); strings.Join(got.Rows, "") != "individual" || strings.Contains(text.SQL, "person\"") {
		t.Fatalf("%s\n%v", text.SQL, got)
	}
	if _, err := d.conn.Exec(context.Background(), "DELETE FROM segue.names"); err != nil {
		t.Fatal(err)
	}
	if got, _ := d.askAs(t, query); !strings.Contains(got.Error, "names that the system catalogs show to this version are not stored") {
		t.Errorf("without the stored names the answer is %v", got)
	}
	d.session.Behind = true
	if got, text := d.askAs(t, query); strings.Join(got.Rows, "") != "individual" {
		t.Errorf("a session that may not see them gets %v: %s", got, text.SQL)
	}
}

func TestEveryRoleReadsTheStoredNamesAndNothingElseOfTheSchema(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	pgtest.Exec(t, d.conn.Config().ConnString(), "CREATE ROLE stored_names_reader")
	defer d.conn.Exec(context.Background(), "RESET ROLE; DROP ROLE stored_names_reader")
	if _, err := d.conn.Exec(context.Background(), "SET ROLE stored_names_reader"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT relname FROM pg_class WHERE relname = 'individual'", "SELECT pg_get_indexdef('lives'::regclass::oid)",
		"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'lives'"} {
		if got, text := d.askAs(t, q); got.Error != "" || len(got.Rows) == 0 {
			t.Errorf("%s\n=> %s\n%v", q, text.SQL, got)
		}
	}
	for _, q := range []string{"SELECT * FROM segue.migration", "SELECT superseded_at FROM segue.names", "DELETE FROM segue.names", "CREATE TABLE segue.mine ()"} {
		if got := d.ask(t, q); !strings.Contains(got.Error, "permission denied") {
			t.Errorf("%s: %v", q, got)
		}
	}
}

// What is printed of a table is renamed by a function, since a pattern for it in the text has each execution take more memory anew.
func TestATableThatIsPrintedIsRenamedByTheStore(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, set := range []string{"RESET ALL", "SET search_path = other", "RESET search_path; SET quote_all_identifiers = on"} {
		if _, err := d.conn.Exec(context.Background(), set); err != nil {
			t.Fatal(err)
		}
		quoted := func(name string) string {
			if strings.Contains(set, "quote") {
				return `"` + strings.Trim(name, `"`) + `"`
			}
			return name
		}
		schema := map[bool]string{true: "public."}[strings.HasPrefix(set, "SET search_path")]
		for sql, want := range map[string]string{
			"SELECT x.conrelid::regclass::text FROM pg_constraint x WHERE conname = 'named' AND conrelid = (SELECT c.oid FROM pg_class c WHERE relname = 'individual' AND relnamespace = 'public'::regnamespace)": schema + quoted("individual"),
			"SELECT c.oid::regclass::text FROM pg_class c WHERE relname = 'LineItem'": schema + quoted(`"LineItem"`),
			"SELECT c.oid::regclass::text FROM pg_class c WHERE relname = 'orders'":   schema + quoted("orders"),
			"SELECT i::oid::regclass::text FROM (VALUES (NULL)) AS v(i)":              "",
			"SELECT i::regclass::text FROM (VALUES (4000000000::oid)) AS v(i)":        "4000000000",
		} {
			got, text := d.askAs(t, sql)
			if got.Error != "" || strings.Join(got.Rows, "|") != want || strings.Contains(text.SQL, "substring") {
				t.Errorf("%s: %s\n=> %s\nshows %v instead of %q", set, sql, text.SQL, got, want)
			}
		}
	}
}
