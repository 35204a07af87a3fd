package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// twoRenames is a snapshot in which one column was renamed twice and the table once, in three live migrations:
// a.x → a.y (m1), a.y → a.z (m2), a → b (m3).
func twoRenames() *rules.Snapshot {
	lens := func(version, table, first string) *rules.Lens {
		return rules.NewLens(version, []*rules.TableLens{{
			OID: 7, Schema: "public", Logical: table, Physical: "a",
			Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: first, Physical: "x", Num: 2}},
		}})
	}
	migration := func(seq int64, id string) *rules.Migration {
		return &rules.Migration{ID: id, Seq: seq, Phase: rules.Active}
	}
	return &rules.Snapshot{
		Migrations: []*rules.Migration{{ID: "m0", Phase: rules.Contracted}, migration(1, "m1"), migration(2, "m2"), migration(3, "m3")},
		Lenses:     map[string]*rules.Lens{"base": lens("base", "a", "x"), "m1": lens("m1", "a", "y"), "m2": lens("m2", "a", "z"), "m3": lens("m3", "b", "z")},
		Aliases:    map[string]string{"m0": "base"},
	}
}

func TestAUseCountsForEveryMigrationThatChangesTheName(t *testing.T) {
	t.Parallel()
	type row struct {
		Migration, Table, Column string
		Old                      bool
	}
	for _, tc := range []struct {
		name, version, table, column string
		want                         []row
	}{
		{"the oldest name is old for all", "base", "a", "x", []row{{"m1", "public.a", "x", true}, {"m2", "public.a", "x", true}, {"m3", "public.a", "", true}}},
		{"a contracted id is what it stands for", "m0", "a", "x", []row{{"m1", "public.a", "x", true}, {"m2", "public.a", "x", true}, {"m3", "public.a", "", true}}},
		{"the name between is new for one and old for the next", "m1", "a", "y", []row{{"m1", "public.a", "y", false}, {"m2", "public.a", "y", true}, {"m3", "public.a", "", true}}},
		{"the newest names are old for none", "m3", "b", "z", []row{{"m1", "public.b", "z", false}, {"m2", "public.b", "z", false}, {"m3", "public.b", "", false}}},
		{"all columns hold the renamed one", "base", "a", "*", []row{{"m1", "public.a", "*", true}, {"m2", "public.a", "*", true}, {"m3", "public.a", "", true}}},
		{"another column uses the table's name only", "m1", "a", "id", []row{{"m3", "public.a", "", true}}},
		{"so does the table alone", "m2", "a", "", []row{{"m3", "public.a", "", true}}},
		{"a version that has gone counts for nothing", "gone", "a", "x", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []row
			for _, r := range usesOf(twoRenames(), UseCount{Version: tc.version, Table: 7, Name: tc.table, Column: tc.column, Count: 1}) {
				got = append(got, row{r.Migration, r.Table, r.Column, r.Old})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
	if rows := usesOf(twoRenames(), UseCount{Version: "base", Table: 8, Column: "x"}); rows != nil {
		t.Errorf("a table that is not under migration gives %+v", rows)
	}
}

func TestUsesAreAddedUpOverInstancesAndTime(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	table := catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	for range 2 {
		for n, tr := range f.traffics {
			tr.set(func() {
				tr.uses = []UseCount{
					{Version: "base", Table: table, Name: "individual", Column: "last_name", Count: 2, User: "u", Application: "old", Sample: "SELECT last_name"},
					{Version: "surname", Table: table, Name: "individual", Column: "surname", Count: 1, User: "u", Application: "new"},
				}
			})
			if _, err := f.instances[n].Usage(t.Context(), "surname"); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := f.instances[0].Usage(t.Context(), "surname")
	if err != nil {
		t.Fatal(err)
	}
	for n := range got {
		if got[n].Last.IsZero() {
			t.Errorf("%s has no time", got[n].Column)
		}
	}
	want := map[string]Usage{
		"last_name": {Migration: "surname", Version: "base", Table: "public.individual", Column: "last_name", Old: true, Count: 8, Sample: "SELECT last_name", User: "u", Application: "old"},
		"surname":   {Migration: "surname", Version: "surname", Table: "public.individual", Column: "surname", Count: 4, User: "u", Application: "new"},
	}
	have := map[string]Usage{}
	for _, u := range got {
		u.Last = want["last_name"].Last
		have[u.Column] = u
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

func TestTooManyDifferentUsesAreCountedTogether(t *testing.T) {
	t.Parallel()
	b := usageBuffer{rows: map[useKey]*store.UsageRow{}}
	for n := range maxUses + 10 {
		b.add(store.UsageRow{Migration: "m", User: string(rune('a' + n)), Count: 1, Sample: "s"})
	}
	if got := len(b.rows); got != maxUses+1 {
		t.Errorf("%d rows are kept, want %d", got, maxUses+1)
	}
	if got := b.rows[useKey{migration: "m"}]; got == nil || got.Count != 10 {
		t.Errorf("what is over is counted as %+v", got)
	}
}

func TestAGateDoesNotWaitForUsageThatCannotBeStored(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	table := catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	pgtest.Exec(t, f.url, `ALTER TABLE segue.usage ADD CONSTRAINT refuses CHECK (count < 0)`)
	for _, tr := range f.traffics {
		tr.set(func() {
			tr.uses = []UseCount{{Version: "base", Table: table, Name: "individual", Column: "last_name", Count: 1, User: "u"}}
		})
	}
	f.must("surname", cutover)
	pgtest.Exec(t, f.url, `ALTER TABLE segue.usage DROP CONSTRAINT refuses`)
	pgtest.Eventually(t, func() bool {
		return value[int64](f, `SELECT coalesce(sum(count), 0)::bigint FROM segue.usage WHERE col = 'last_name'`) >= 2
	}, "the uses that were kept are stored")
}

func TestAUseOfAColumnThatAChangeTakesAwayIsOld(t *testing.T) {
	t.Parallel()
	lens := func(version, column string, num int16) *rules.Lens {
		return rules.NewLens(version, []*rules.TableLens{{
			OID: 7, Schema: "public", Logical: "a", Physical: "a",
			Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: column, Physical: column, Num: num}},
		}})
	}
	snap := &rules.Snapshot{
		Migrations: []*rules.Migration{{ID: "m", Seq: 1, Phase: rules.Active}},
		Lenses:     map[string]*rules.Lens{"base": lens("base", "cents", 2), "m": lens("m", "amount", 3)},
	}
	for column, old := range map[string]bool{"cents": true, "amount": false} {
		version := map[bool]string{true: "base", false: "m"}[old]
		rows := usesOf(snap, UseCount{Version: version, Table: 7, Name: "a", Column: column, Count: 1})
		if len(rows) != 1 || rows[0].Column != column || rows[0].Old != old {
			t.Errorf("a use of %s is counted as %+v", column, rows)
		}
	}
	delete(snap.Lenses, "m") // its columns are not complete
	if rows := usesOf(snap, UseCount{Version: "base", Table: 7, Name: "a", Column: "cents", Count: 1}); len(rows) != 0 {
		t.Errorf("before the version is served there is %+v", rows)
	}
}
