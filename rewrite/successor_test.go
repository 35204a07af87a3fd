package rewrite

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// successorOf is a binder whose catalog has the relations in place of those of testSnapshot with their OIDs, and has bound what
// is to be taken over. mend changes the snapshot of its successor.
func successorOf(t *testing.T, relations []*catalog.Relation, mend func(*rules.Snapshot), texts ...string) (before, after *Binder) {
	t.Helper()
	snap := testSnapshot(150000)
	before = NewBinder(snap, Options{Stats: new(Stats)})
	for _, sql := range texts {
		mustRewrite(t, before, pinned("surname"), sql)
	}
	next := *testSnapshot(150000) // as another reading has it: nothing of it is shared
	next.Catalog = next.Catalog.Renamed(relations)
	if mend != nil {
		mend(&next)
	}
	return before, before.Successor(&next, Options{Stats: new(Stats)})
}

// TestASuccessorBindsOnlyWhatMayMeanSomethingElse has a table changed, and looks at which texts are bound again.
func TestASuccessorBindsOnlyWhatMayMeanSomethingElse(t *testing.T) {
	t.Parallel()
	pets := []*catalog.Relation{testRelation(16500, "pets", "id", "owner", "name")}
	for sql, kept := range map[string]bool{
		"SELECT surname FROM individual":                                       true,
		"INSERT INTO individual (surname) VALUES ('x')":                        true,
		"SELECT surname FROM individual; SELECT id FROM individual":            true,
		"SELECT i.surname FROM individual i, orders o WHERE o.id = 1":          true,
		"SELECT i.surname FROM individual i, pets p WHERE p.id = i.id":         false,
		`SELECT i.surname FROM individual i, "pets" p`:                         false,
		"SELECT surname FROM individual WHERE surname = 'pets'":                false,
		`SELECT surname FROM individual, U&"\0070ets" p`:                       false,
		"SELECT last_name FROM individual":                                     false, // fails
		"SELECT surname, relname FROM individual, pg_catalog.pg_class":         false,
		"SELECT 'individual'::regclass FROM individual":                        false,
		"EXPLAIN SELECT surname FROM individual":                               false,
		"SET search_path = public; SELECT surname FROM individual":             false,
		"PREPARE p AS SELECT surname FROM individual":                          false,
		"CREATE TABLE made AS SELECT surname FROM individual":                  false,
		"SELECT surname, set_config('search_path', 'x', true) FROM individual": false,
	} {
		_, after := successorOf(t, pets, nil, sql)
		mustRewrite(t, after, pinned("surname"), sql)
		if got := after.Stats().Hits.Load() == 1; got != kept {
			t.Errorf("%s: kept = %v", sql, got)
		}
	}
}

// TestASuccessorOfAnotherLensKeepsNothing changes something else than the catalog.
func TestASuccessorOfAnotherLensKeepsNothing(t *testing.T) {
	t.Parallel()
	const sql = "SELECT surname FROM individual"
	for what, tc := range map[string]struct {
		mend func(*rules.Snapshot)
		kept bool
	}{
		"nothing":           {func(*rules.Snapshot) {}, true},
		"the epoch":         {func(s *rules.Snapshot) { s.Epoch++ }, true},
		"the words":         {func(s *rules.Snapshot) { s.Identifiers = append(s.Identifiers, "more") }, true},
		"a column":          {func(s *rules.Snapshot) { s.Lenses["surname"].Tables[0].Columns[1].Physical = "nachname" }, false},
		"another version's": {func(s *rules.Snapshot) { s.Lenses["size"].Tables[0].Columns[1].Logical = "name" }, false},
		"how one is read": {func(s *rules.Snapshot) {
			s.Lenses["surname"].Tables[0].Columns[2].Mapping = &rules.Mapping{Read: &rules.Expression{Pieces: []string{"1"}}}
		}, false},
		"a table":      {func(s *rules.Snapshot) { s.Tables = append(s.Tables, 16500) }, false},
		"an alias":     {func(s *rules.Snapshot) { s.Aliases["old"] = "surname" }, false},
		"stored names": {func(s *rules.Snapshot) { s.StoredNames = map[string]bool{"x": true} }, false},
		"a version": {func(s *rules.Snapshot) {
			s.Migrations, s.Lenses["size"] = s.Migrations[:1], nil
			delete(s.Lenses, "size")
		}, false},
		"all": {func(s *rules.Snapshot) { s.Lenses = nil }, false},
	} {
		_, after := successorOf(t, nil, tc.mend, sql)
		if _, kept := after.cache.texts.GetIfPresent(after.cache.key(pinned("surname"), sql)); kept != tc.kept {
			t.Errorf("%s: kept = %v", what, kept)
		}
	}
}

// TestWhatIsTakenOverIsWatchedAnew has an answer contradict a text that a successor has taken over, and one of its own template.
func TestWhatIsTakenOverIsWatchedAnew(t *testing.T) {
	t.Parallel()
	text := func(i int) string { return fmt.Sprintf("SELECT surname FROM individual WHERE id = %d", i) }
	before, after := successorOf(t, nil, nil, text(1), text(2))
	s := pinned("surname")
	old, kept := mustRewrite(t, before, s, text(1)), mustRewrite(t, after, s, text(1))
	wrong := []Column{{Label: "another", Known: true}}
	if old == kept || kept.Verified() || old.SQL != kept.SQL || kept.names.Snap != after.snap || kept.names.Lens != after.snap.Lens("surname") {
		t.Fatalf("the text that was taken over is %+v, of %+v", kept, old)
	}
	if err := old.Verify("u", 0, wrong); err == nil {
		t.Fatal("a wrong answer was accepted")
	}
	if again := mustRewrite(t, after, s, text(1)); again != kept || kept.Mispredicted() {
		t.Error("an answer by the catalog before speaks against the one after")
	}
	if like := mustRewrite(t, after, s, text(3)); like.like == nil {
		t.Error("the template was not taken over")
	} else if err := like.Verify("u", 0, wrong); err == nil {
		t.Error("a wrong answer to a text of the template was accepted")
	}
	if err := kept.Verify("u", 0, wrong); err == nil {
		t.Fatal("a wrong answer was accepted")
	}
	if refused := mustRewrite(t, after, &Session{User: "u", Version: "surname", StandardStrings: true}, text(1)); !refused.refusedWhole() {
		t.Errorf("a text that was contradicted is sent: %q", refused.SQL)
	}
	third := after.Successor(after.snap, Options{Stats: new(Stats)})
	if again := mustRewrite(t, third, s, text(1)); again.refusedWhole() {
		t.Error("what was contradicted once is refused by later binders")
	}
	if mustRewrite(t, third, s, text(4)).like != nil {
		t.Error("a template that was contradicted was taken over")
	}
}

// TestEveryPartOfATextIsTakenOver lists them: what inherit copies, what it makes anew, and what only texts have that are not
// taken over.
func TestEveryPartOfATextIsTakenOver(t *testing.T) {
	t.Parallel()
	known := []string{
		"SQL", "Client", "Changed", "Version", "Ambiguous", "Statements", "Tables", "TxControl", "clientUTF8", "sentUTF8", "edits", "charset",
		"tally", "lasting", "settled", // copied
		"names", "oracle", "sample", // made anew
		"GivenUp", "Question", "Pieces", "like",
	}
	typ := reflect.TypeFor[Text]()
	for i := range typ.NumField() {
		if !slices.Contains(known, typ.Field(i).Name) {
			t.Errorf("%s is not accounted for: see inherit", typ.Field(i).Name)
		}
	}
}

// TestASuccessorKeepsNoBinderAlive bounds what is taken over, however often.
func TestASuccessorKeepsNoBinderAlive(t *testing.T) {
	t.Parallel()
	b, _ := successorOf(t, nil, nil)
	for i := range maxInherited + 100 {
		mustRewrite(t, b, pinned("surname"), fmt.Sprintf("SELECT surname AS n%d FROM individual", i))
	}
	next := b.Successor(testSnapshot(150000), Options{})
	n := 0
	for _, e := range next.cache.texts.All() {
		if n++; e.text.names.Snap != next.snap {
			t.Fatal("a text refers to the snapshot before")
		}
	}
	if n > maxInherited || n < maxInherited/2 {
		t.Errorf("%d texts were taken over", n)
	}
}
