package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

func TestAMigrationIsReadAsItWasStored(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	m, err := rules.Parse("one.yaml", []byte(`
id: one
operations:
- rename_column: {table: public.t, from: a, to: b}
- rename_table: {from: public.t, to: '"U"'}`))
	if err != nil {
		t.Fatal(err)
	}
	m.ContractAfter, m.Waive = 90*time.Minute, []rules.Waiver{{ID: "f", Reason: "r"}}
	created, err := store.InsertMigration(ctx, conn, m)
	if err != nil || !created {
		t.Fatalf("created is %v, error %v", created, err)
	}
	if m.Seq == 0 || m.Phase != rules.Draft || m.CreatedAt.IsZero() {
		t.Errorf("stored is %+v", m)
	}
	all, err := store.LoadMigrations(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*rules.Migration{m}, all, cmpopts.IgnoreUnexported(rules.Migration{})); diff != "" {
		t.Error(diff)
	}
	if all[0].File() != "one.yaml" {
		t.Errorf("the file is %q", all[0].File())
	}
	if _, err := store.LoadMigration(ctx, conn, "two", false); !errors.Is(err, store.ErrNotStored) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestStoringTheSameTwiceIsHarmlessAndOtherContentIsNot(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	first := parse(t, "one", "public.t.a", "b")
	if _, err := store.InsertMigration(ctx, conn, first); err != nil {
		t.Fatal(err)
	}
	if err := store.SetPhase(ctx, conn, "one", rules.Active); err != nil {
		t.Fatal(err)
	}
	again := parse(t, "one", `"public".T.A`, "b")
	created, err := store.InsertMigration(ctx, conn, again)
	if err != nil || created || again.Phase != rules.Active || again.Seq != first.Seq {
		t.Errorf("created is %v, error %v, migration %+v", created, err, again)
	}
	_, err = store.InsertMigration(ctx, conn, parse(t, "one", "public.t.a", "c"))
	if content := (*store.ContentError)(nil); !errors.As(err, &content) || content.ID != "one" {
		t.Errorf("other content gives %v", err)
	}
}

func TestAMigrationActivatedBehindLaterOnesMovesBehindThem(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "b", "c"} {
		if _, err := store.InsertMigration(ctx, conn, parse(t, id, "public."+id, "x"+id)); err != nil {
			t.Fatal(err)
		}
	}
	order := func() (out string) {
		t.Helper()
		all, err := store.LoadMigrations(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			out += m.ID + ":" + string(m.Phase) + " "
		}
		return out
	}
	for _, step := range []struct {
		id   string
		to   rules.Phase
		want string
	}{
		{"b", rules.Active, "a:draft b:active c:draft "},
		{"a", rules.Active, "b:active c:draft a:active "},
		{"b", rules.Cutover, "b:cutover c:draft a:active "},
		{"b", rules.Active, "b:active c:draft a:active "},
		{"b", rules.RolledBack, "b:rolled_back c:draft a:active "},
		{"a", rules.Cutover, "b:rolled_back c:draft a:cutover "},
		{"a", rules.Contracted, "b:rolled_back c:draft a:contracted "},
		{"b", rules.Active, "c:draft a:contracted b:active "},
	} {
		if err := store.SetPhase(ctx, conn, step.id, step.to); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != step.want {
			t.Errorf("%s to %s: got %s, want %s", step.id, step.to, got, step.want)
		}
	}
	if err := store.SetPhase(ctx, conn, "d", rules.Active); !errors.Is(err, store.ErrNotStored) {
		t.Errorf("an unknown id gives %v", err)
	}
	if err := store.DeleteMigration(ctx, conn, "c"); err != nil {
		t.Fatal(err)
	}
	if err := store.DeleteMigration(ctx, conn, "c"); !errors.Is(err, store.ErrNotStored) {
		t.Errorf("deleting twice gives %v", err)
	}
}

func TestAContentErrorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	check(t, &store.ContentError{ID: "one"}, `a migration "one" with other content is stored already; give this one another id…`)
}
