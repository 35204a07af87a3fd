package migrate

import (
	"slices"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// people renames a table too, and a column that has the name of a keyword.
const people = `
id: people
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_column: { table: public.individual, from: order, to: place }
  - rename_table: { from: public.individual, to: person }
`

// peopleShop are the tables of people, with one that has the same columns and is not renamed.
const peopleShop = `
CREATE TABLE public.individual (id int PRIMARY KEY, last_name text, "order" int, city text);
CREATE TABLE public.page (id int, last_name text, "order" int, individual text);
CREATE TABLE public.log (what text, at timestamptz);`

// throughSegue is a statement as an instance sends it for a session of the version.
func (f *fleet) throughSegue(version, sql string) string {
	f.t.Helper()
	all, err := store.LoadMigrations(f.t.Context(), f.db)
	if err != nil {
		f.t.Fatal(err)
	}
	cat, err := catalog.Load(f.t.Context(), f.db)
	if err != nil {
		f.t.Fatal(err)
	}
	snap, err := rules.Build(1, all, cat)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := rewrite.NewBinder(snap, rewrite.Options{}).Rewrite(&rewrite.Session{Version: version, StandardStrings: true, SearchPath: []string{"pg_catalog", "public"},
		Answers: map[string]string{}}, sql)
	if err != nil {
		f.t.Fatal(err)
	}
	if slices.ContainsFunc(text.Statements, func(s rewrite.Statement) bool { return s.Failure != nil }) {
		f.t.Fatalf("%s is refused: %v", sql, text.Statements)
	}
	return text.SQL
}

func TestAFunctionForTriggersThatWasMadeAgainThroughSegueIsNoFinding(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, peopleShop+`
		CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_name := upper(NEW.last_name); RETURN NEW; END $$;
		CREATE TRIGGER touch BEFORE INSERT ON public.individual FOR EACH ROW EXECUTE FUNCTION public.touch();
		CREATE TRIGGER touch BEFORE INSERT ON public.page FOR EACH ROW EXECUTE FUNCTION public.touch();`)
	f.create(people)
	f.must("people", activate)
	if e := f.refused("people", cutover); !slices.Equal(e.Missing, []string{"function public.touch() names last_name"}) {
		t.Fatalf("what is missing is %q", e.Missing)
	}
	pgtest.Exec(t, f.url, f.throughSegue("people", `CREATE FUNCTION public.mended() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN NEW.surname := upper(NEW.surname); RETURN NEW; END $$`),
		`DROP TRIGGER touch ON public.individual`,
		`CREATE TRIGGER touch BEFORE INSERT ON public.individual FOR EACH ROW EXECUTE FUNCTION public.mended()`)
	f.must("people", cutover)
	pgtest.Exec(t, f.url, `INSERT INTO public.person VALUES (1, 'x'); INSERT INTO public.page VALUES (1, 'x')`)
	f.must("people", backToActive)
	pgtest.Exec(t, f.url, `INSERT INTO public.individual VALUES (2, 'x')`)

	// What its statements name is no field of the row, and is gone all the same.
	pgtest.Exec(t, f.url, f.throughSegue("people", `CREATE OR REPLACE FUNCTION public.mended() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN NEW.surname := upper(NEW.surname); INSERT INTO public.log SELECT surname FROM public.person; RETURN NEW; END $$`))
	if e := f.refused("people", cutover); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "function public.mended() names ") {
		t.Errorf("what is missing is %q", e.Missing)
	}
}

func TestABlockThatOnlyLooksLikeOneOfSegueIsAFinding(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, peopleShop)
	f.create(people)
	f.must("people", activate)
	sent := f.throughSegue("people", `CREATE FUNCTION public.mended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.surname := 'x'; RETURN NEW; END $$`)
	pgtest.Exec(t, f.url, strings.Replace(sent, "pg_catalog.bool_and(", "pg_catalog.bool_or(", 1),
		`CREATE TRIGGER t BEFORE INSERT ON public.individual FOR EACH ROW EXECUTE FUNCTION public.mended()`)
	if e := f.refused("people", cutover); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "mended() names last_name") {
		t.Errorf("what is missing is %q", e.Missing)
	}
}
