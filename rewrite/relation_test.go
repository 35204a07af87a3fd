package rewrite

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// The database of these tests has public.individual, which the version calls person, and tables called individual and
// person in the schema other.
func renamedTable() *rules.Snapshot {
	table := func(oid catalog.OID, schema, name string, columns ...string) *catalog.Relation {
		r := &catalog.Relation{OID: oid, Schema: schema, Name: name, Kind: catalog.Table}
		for i, c := range columns {
			r.Columns = append(r.Columns, catalog.Column{Num: int16(i + 1), Name: c, Type: 25, Typmod: -1})
		}
		return r
	}
	return &rules.Snapshot{
		Migrations: []*rules.Migration{{ID: "person", Phase: rules.Active}, {ID: "draft", Phase: rules.Draft}},
		Catalog: catalog.New(150000, []*catalog.Relation{
			table(1, "public", "individual", "id", "last_name"),
			table(2, "other", "individual", "id", "last_name"),
			table(3, "other", "person", "id", "name"),
			table(4, "public", "pet", "id", "name"),
			table(5, "public", "book", "surname", "note"),
		}, nil, nil),
		Tables: []catalog.OID{1},
		Lenses: map[string]*rules.Lens{"person": rules.NewLens("person", []*rules.TableLens{{
			OID: 1, Schema: "public", Logical: "person", Physical: "individual",
			Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: "surname", Physical: "last_name", Num: 2}},
		}})},
	}
}

func temporary(name string) *catalog.Relation {
	return &catalog.Relation{
		OID: 99, Schema: "pg_temp_3", Name: name, Kind: catalog.Table, Temp: true,
		Columns: []catalog.Column{{Num: 1, Name: "id", Type: 23}, {Num: 2, Name: "surname", Type: 25}},
	}
}

func TestNamesOfRelationsMeanWhatTheyMeanInTheVersion(t *testing.T) {
	t.Parallel()
	public, both, reversed := []string{"pg_catalog", "public"}, []string{"pg_catalog", "public", "other"}, []string{"pg_catalog", "other", "public"}
	type overlay = map[rules.Name]*catalog.Relation
	tests := []struct {
		name    string
		path    []string
		overlay overlay
		sql     string
		want    string // what is sent, or
		code    string // the error
		need    []rules.Name
	}{
		{name: "the version's name", path: public,
			sql:  "SELECT surname FROM person",
			want: "SELECT last_name AS surname FROM public.individual AS person"},
		{name: "the database's name is not the version's", path: public,
			sql: "SELECT 1 FROM individual", code: "42P01"},
		{name: "the search goes on to the next schema past a name that the version does not have", path: both,
			sql:  "SELECT last_name FROM individual",
			want: "SELECT last_name FROM other.individual"},
		{name: "the database's name would be found in an earlier schema", path: reversed,
			sql:  "SELECT public.person.surname FROM public.person",
			want: "SELECT person.last_name AS surname FROM public.individual AS person"},
		{name: "an earlier schema has a table of the version's name", path: reversed,
			sql:  "SELECT name FROM person",
			want: "SELECT name FROM person"},
		{name: "an unqualified name whose physical name is taken earlier in the path", path: []string{"third", "public"},
			overlay: overlay{{Schema: "third", Name: "individual"}: {OID: 50, Schema: "third", Name: "individual"}},
			sql:     "DELETE FROM person WHERE surname = 'x'",
			want:    "DELETE FROM public.individual AS person WHERE last_name = 'x'"},
		{name: "a temporary table of the version's name comes first", path: []string{"pg_temp_3", "pg_catalog", "public"},
			overlay: overlay{{Name: "person"}: temporary("person")},
			sql:     "SELECT surname FROM person", want: "SELECT surname FROM person"},
		{name: "a temporary table of the database's name would come first", path: []string{"pg_temp_3", "pg_catalog", "public"},
			overlay: overlay{{Name: "individual"}: temporary("individual")},
			sql:     "SELECT surname FROM person",
			want:    "SELECT last_name AS surname FROM public.individual AS person"},
		{name: "a temporary table of the database's name is visible", path: []string{"pg_temp_3", "pg_catalog", "public"},
			overlay: overlay{{Name: "individual"}: temporary("individual")},
			sql:     "SELECT surname, person.surname FROM individual, person",
			code:    "42702"},
		{name: "both at once", path: []string{"pg_temp_3", "pg_catalog", "public"},
			overlay: overlay{{Name: "individual"}: temporary("individual")},
			sql:     "SELECT individual.surname, person.surname FROM individual, person",
			want:    "SELECT individual.surname, person.last_name AS surname FROM individual, public.individual AS person"},
		{name: "the schema of temporary tables by name", path: []string{"pg_temp_3", "pg_catalog", "public"},
			overlay: overlay{{Name: "individual"}: temporary("individual")},
			sql:     "SELECT surname FROM pg_temp.individual, person p WHERE p.id = individual.id AND p.surname = ''",
			code:    "42702"},
		{name: "with its schema", path: public,
			sql: "UPDATE public.person SET surname = ''", want: "UPDATE public.individual AS person SET last_name = ''"},
		{name: "with the schema of another table", path: public,
			sql: "SELECT last_name FROM other.individual", want: "SELECT last_name FROM other.individual"},
		{name: "with its schema under the database's name", path: public,
			sql: "SELECT 1 FROM public.individual", code: "42P01"},
		{name: "with database and schema", path: public,
			sql: "SELECT surname FROM db.public.person", want: "SELECT last_name AS surname FROM db.public.individual AS person"},
		{name: "a name that the catalog does not know is asked for", path: public,
			sql: "SELECT 1 FROM person, stranger", need: []rules.Name{{Name: "stranger"}}},
		{name: "all names are asked for at once, with their schemas", path: public,
			sql:  "SELECT 1 FROM a, s.b, a x; SELECT 1 FROM c",
			need: []rules.Name{{Name: "a"}, {Schema: "s", Name: "b"}, {Name: "c"}}},
		{name: "a name that the server does not know either", path: public, overlay: overlay{{Name: "stranger"}: nil},
			sql: "SELECT 1 FROM person, stranger", code: "42P01"},
		{name: "a relation that the server knows", path: public,
			overlay: overlay{{Name: "fresh"}: {OID: 77, Schema: "public", Name: "fresh", Kind: catalog.Table,
				Columns: []catalog.Column{{Num: 1, Name: "last_name", Type: 25}}}},
			sql:  "SELECT surname, last_name FROM person, fresh",
			want: "SELECT person.last_name AS surname, fresh.last_name FROM public.individual AS person, fresh"},
		{name: "without a known search_path a unique name is known", path: nil,
			sql: "SELECT surname FROM public.person", want: "SELECT last_name AS surname FROM public.individual AS person"},
		{name: "without a known search_path other names are asked for", path: nil,
			sql: "SELECT 1 FROM person", need: []rules.Name{{Name: "person"}}},
		{name: "regclass of the version's name", path: public,
			sql: "SELECT 1 WHERE 'person'::regclass > 0", want: "SELECT 1 WHERE 'individual'::regclass > 0"},
		{name: "regclass finds the schema that the version means", path: both,
			sql: "SELECT 1 WHERE to_regclass('individual') > 0", want: "SELECT 1 WHERE to_regclass('other.individual') > 0"},
		{name: "regclass of a name that only the database has", path: public,
			sql: "SELECT 'individual'::regclass", code: "42P01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := NewBinder(renamedTable(), Options{})
			s := &Session{Version: "person", SearchPath: tt.path, Overlay: tt.overlay, StandardStrings: true}
			text, err := b.Rewrite(s, tt.sql)
			var need *NeedRelation
			if errors.As(err, &need) {
				if diff := cmp.Diff(tt.need, need.Names); diff != "" {
					t.Errorf("asks for other relations (-want +got):\n%s", diff)
				}
				return
			}
			if tt.need != nil {
				t.Fatalf("asks for nothing, and sends %s", text.SQL)
			}
			code := ""
			if f := text.Statements[0].Failure; f != nil {
				code = f.Code
			} else if tt.code == "42P01" && text.SQL == tt.sql {
				code = "42P01" // left to the server, which knows no such relation
			}
			if code != tt.code {
				t.Fatalf("%s\n=> %s\nfails with %q, want %q", tt.sql, text.SQL, code, tt.code)
			}
			if tt.code == "" && text.SQL != tt.want {
				t.Errorf("%s\n=> %s\nwant %s", tt.sql, text.SQL, tt.want)
			}
		})
	}
}

func TestAStringThatChangesWhatNamesMeanIsNotFollowed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		refused   bool
	}{
		{"search_path", "SET search_path = other; SELECT surname FROM person", true},
		{"search_path of the transaction", "BEGIN; SET LOCAL search_path = other; DELETE FROM person", true},
		{"version", "SET segue.version = 'person'; SELECT surname FROM person", true},
		{"role, which search_path may depend on", "SET ROLE nobody; SELECT surname FROM person", true},
		{"a temporary table", "CREATE TEMP TABLE person (id int); SELECT surname FROM person", true},
		{"all settings", "RESET ALL; SELECT surname FROM person", true},
		{"everything", "DISCARD ALL; SELECT surname FROM person", true},
		{"set_config", "SELECT set_config('search_path', 'other', false); SELECT surname FROM person", true},
		{"a function that changes search_path", "SELECT moves(); SELECT surname FROM person", true},
		{"a block that calls it", "DO $$ BEGIN PERFORM public.Moves(); END $$; SELECT surname FROM person", true},
		{"a function of a longer name", "SELECT moves_on(); SELECT surname FROM person", false},
		{"another setting", "SET LOCAL work_mem = '1MB'; SELECT surname FROM person", false},
		{"afterwards", "SELECT surname FROM person; SET search_path = other", false},
		{"on other tables only", "SET search_path = other; SELECT 1", false},
		{"a table that gets a column and is then used beside it", "ALTER TABLE pet ADD surname text; SELECT surname FROM person, pet", true},
		{"a new partition that is then used", "CREATE TABLE fresh PARTITION OF person DEFAULT; SELECT * FROM fresh", true},
		{"a new table that is then used", "CREATE TABLE fresh (a int); INSERT INTO fresh SELECT id FROM person", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
			snap := renamedTable()
			snap.Catalog.SessionChangers = []catalog.SessionChanger{{Name: "moves"}}
			text, err := NewBinder(snap, Options{}).Rewrite(s, tt.sql)
			if err != nil {
				t.Fatal(err)
			}
			if len(text.Pieces) > 1 && tt.refused {
				return // the statement is bound when the block has run
			}
			last := text.Statements[len(text.Statements)-1]
			if refused := last.Failure != nil && last.Failure.Code == codeRefused; refused != tt.refused {
				t.Errorf("%s\n=> %s\nrefused = %v, want %v", tt.sql, text.SQL, refused, tt.refused)
			}
		})
	}
}
