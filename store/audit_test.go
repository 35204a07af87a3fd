package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/store"
)

func TestAuditKeepsTheHistory(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	pause := 1.5
	for _, r := range []*store.AuditRow{
		{Migration: "a", Kind: "created", Actor: "me"},
		{Migration: "b", Kind: "created"},
		{Migration: "a", Kind: "done", Detail: "cutover", PauseMS: &pause},
	} {
		if err := store.AddAudit(ctx, conn, r); err != nil || r.ID == 0 || r.At.IsZero() {
			t.Fatalf("%+v, error %v", r, err)
		}
	}
	kinds := func(migration string, after int64, limit int) (out []string) {
		t.Helper()
		rows, err := store.LoadAudit(ctx, conn, migration, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out = append(out, r.Migration+" "+r.Kind)
		}
		return out
	}
	for _, c := range []struct{ got, want []string }{
		{kinds("", 0, 100), []string{"a created", "b created", "a done"}},
		{kinds("a", 0, 100), []string{"a created", "a done"}},
		{kinds("", 0, 1), []string{"a done"}},
		{kinds("", 1, 1), []string{"b created"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Error(diff)
		}
	}
}
