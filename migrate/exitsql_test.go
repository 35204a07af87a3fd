package migrate

import (
	"context"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// person renames a column twice over, and the table.
const person = `
id: surname
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: family_name }
  - rename_table: { from: public.individual, to: person }
  - rename_column: { table: public.person, from: family_name, to: surname }
  - rename_column: { table: public.person, from: city, to: town }
`

func TestExitSQLSkipsWhatWasDoneByHandAndSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reach []Request
		hand  string
		to    rules.Phase
		fails string // "": it does what it is for
	}{
		"all of it is done":                {[]Request{activate}, `ALTER TABLE individual RENAME last_name TO surname; ALTER TABLE individual RENAME city TO town; ALTER TABLE individual RENAME TO person`, rules.Contracted, ""},
		"a part is done":                   {[]Request{activate}, `ALTER TABLE individual RENAME city TO town`, rules.Contracted, ""},
		"a part is done, and is undone":    {[]Request{activate}, `ALTER TABLE individual RENAME city TO town; ALTER TABLE individual RENAME TO person`, rules.RolledBack, ""},
		"it stands in the middle":          {[]Request{activate}, `ALTER TABLE individual RENAME last_name TO family_name`, rules.Contracted, ""},
		"it was taken back":                {[]Request{activate, cutover}, `ALTER TABLE person RENAME surname TO last_name; ALTER TABLE person RENAME TO individual`, rules.Contracted, ""},
		"it was taken back, and is undone": {[]Request{activate, cutover}, `ALTER TABLE person RENAME surname TO last_name`, rules.RolledBack, ""},
		"a column has another name":        {[]Request{activate}, `ALTER TABLE individual RENAME city TO place`, rules.Contracted, `of the names {city,town} one must be that of the column of table public.individual, but there are: {}`},
		"a column is there twice":          {[]Request{activate}, `ALTER TABLE individual ADD town text`, rules.RolledBack, `but there are: {city,town}`},
		"a table is there twice":           {[]Request{activate}, `CREATE TABLE person ()`, rules.Contracted, `but there are: {individual,person}`},
		"the table has another name":       {[]Request{activate}, `ALTER TABLE individual RENAME TO humans`, rules.Contracted, `of the names {individual,person} one must be that of the table in schema public, but there are: {}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, shop)
			f.create(person)
			f.must("surname", tc.reach...)
			if err := f.instances[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, f.url, `SET search_path = public; `+tc.hand)
			m, err := load(context.Background(), f.db, "surname")
			if err != nil {
				t.Fatal(err)
			}
			script, err := exitSQL(m, []*rules.Migration{m}, tc.to)
			if err != nil {
				t.Fatal(err)
			}
			out, err := f.psql(script)
			if tc.fails != "" {
				if err == nil || !strings.Contains(out, tc.fails) || !strings.Contains(out, "HINT:") || f.phase("surname") != m.Phase {
					t.Errorf("psql says %s, %v", out, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("psql says: %s %v\n%s", out, err, script)
			}
			table, columns := "public.person", []string{"surname", "town"}
			if tc.to == rules.RolledBack {
				table, columns = "public.individual", []string{"last_name", "city"}
			}
			for _, c := range columns {
				if !f.hasColumn(table, c) {
					t.Errorf("%s has no column %s", table, c)
				}
			}
			if f.phase("surname") != tc.to {
				t.Errorf("the phase is %s", f.phase("surname"))
			}
		})
	}
}

func TestExitSQLOfAChainKeepsTheOrder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.create(strings.NewReplacer("id: surname", "id: family", "from: last_name, to: surname", "from: surname, to: family").Replace(surname))
	f.must("surname", activate, cutover)
	f.must("family", activate)
	script := func(id string, to rules.Phase) string {
		s, err := f.instances[0].ExitSQL(t.Context(), id, to)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	undo, undoLater, finishLater := script("surname", rules.RolledBack), script("family", rules.RolledBack), script("family", rules.Contracted)
	if err := f.instances[0].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out, err := f.psql(undo); err == nil || !strings.Contains(out, "segue exit-sql family --to rolled_back") {
		t.Errorf("undoing the first first: %s %v", out, err)
	}
	if out, err := f.psql(finishLater); err == nil || !strings.Contains(out, "segue exit-sql surname --to contracted") {
		t.Errorf("finishing the second first: %s %v", out, err)
	}
	for _, s := range []string{undoLater, undo} {
		if out, err := f.psql(s); err != nil {
			t.Fatalf("in order psql says: %s %v", out, err)
		}
	}
	if !f.hasColumn("public.individual", "last_name") {
		t.Error("it is not undone")
	}
}

func TestExitSQLDropsWhatAChangeHasLeft(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string][]Request{
		"rolled back": {rollback},
		"contracted":  {cutover, contract},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, club)
			f.create(authored)
			if _, err := f.instances[0].ExitSQL(t.Context(), "authored", Purged); err == nil || !strings.Contains(err.Error(), `"authored" is draft`) {
				t.Errorf("of a draft: %v", err)
			}
			f.must("authored", activate)
			f.awaitStage("authored", rules.Served)
			f.must("authored", reach...)
			over := f.phase("authored")
			if there, err := f.instances[0].ExitSQL(t.Context(), "authored", over); err != nil || !strings.Contains(there, "--to purged") || strings.Contains(there, "BEGIN") {
				t.Errorf("of what is there: %s, %v", there, err)
			}
			var script string
			pgtest.Eventually(t, func() bool {
				var err error
				script, err = f.instances[0].ExitSQL(t.Context(), "authored", Purged)
				return err == nil
			}, "the new columns have their names")
			if out, err := f.psql(script); err == nil || !strings.Contains(out, "an instance of Segue is running") {
				t.Errorf("beside an instance psql says: %s %v", out, err)
			}
			if err := f.instances[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := f.psql(script); err != nil {
				t.Fatalf("psql says: %s %v\n%s", out, err, script)
			}
			const left = `SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = 'posts'::regclass AND attname LIKE '\_segue%')
				+ (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) + (SELECT count(*) FROM segue.change) + (SELECT count(*) FROM segue.backfill)`
			if n := value[int](f, left); n != 0 || f.phase("authored") != over {
				t.Errorf("%d things are left, and the phase is %s", n, f.phase("authored"))
			}
			m, err := load(context.Background(), f.db, "authored")
			if err != nil {
				t.Fatal(err)
			}
			if script, err = exitSQL(m, []*rules.Migration{m}, Purged); err != nil || !strings.Contains(script, "nothing is left to do") {
				t.Errorf("afterwards: %s, %v", script, err)
			}
		})
	}
}

func TestExitSQLOfWhatIsOverSaysThatNothingIsLeftToDo(t *testing.T) {
	t.Parallel()
	for _, phase := range []rules.Phase{rules.Contracted, rules.RolledBack} {
		script, err := exitSQL(&rules.Migration{ID: "m", Phase: phase}, nil, phase)
		if err != nil || !strings.Contains(script, "nothing is left to do") || strings.Contains(script, "BEGIN") {
			t.Errorf("%s: %s, %v", phase, script, err)
		}
	}
}
