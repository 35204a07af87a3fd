package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

func TestUsageAddsUp(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	if _, err := store.InsertMigration(ctx, conn, parse(t, "a", "public.t.a", "b")); err != nil {
		t.Fatal(err)
	}
	row := store.UsageRow{Migration: "a", Version: "base", Table: "public.t", Column: "a", Old: true, User: "u", Application: "app", Count: 2, Sample: "SELECT a"}
	fresh := row
	fresh.Version, fresh.Column, fresh.Old, fresh.Sample = "a", "b", false, ""
	gone := row
	gone.Migration = "deleted"
	if r, _, err := store.LastOldUse(ctx, conn, "a"); r != nil || err != nil {
		t.Errorf("before any use: %+v, error %v", r, err)
	}
	for range 2 {
		if err := store.AddUsage(ctx, conn, []store.UsageRow{row, fresh, gone}); err != nil {
			t.Fatal(err)
		}
	}
	empty := row
	empty.Sample, empty.Count = "", 1
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.AddUsage(ctx, tx, []store.UsageRow{empty}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := store.LoadUsage(ctx, conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	row.Count, fresh.Count = 5, 4
	if diff := cmp.Diff([]store.UsageRow{row, fresh}, got, cmpopts.IgnoreFields(store.UsageRow{}, "Last")); diff != "" {
		t.Error(diff)
	}
	last, age, err := store.LastOldUse(ctx, conn, "a")
	if err != nil || last == nil || last.Column != "a" || age < 0 || age > time.Minute {
		t.Errorf("the last use is %+v, %v ago, error %v", last, age, err)
	}
}

func TestUsageIsBoundedAndEveryUseIsCounted(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "other"} {
		if _, err := store.InsertMigration(ctx, conn, parse(t, id, "public.t."+id, "b"+id)); err != nil {
			t.Fatal(err)
		}
	}
	use := func(id, application string) store.UsageRow {
		return store.UsageRow{Migration: id, Version: "base", Table: "public.t", Column: "a", Old: true, User: "u", Application: application, Count: 1, Sample: "s"}
	}
	const rounds, each = 5, 400
	for round := range rounds {
		rows := []store.UsageRow{use("a", "regular"), use("other", "regular")}
		for n := range each {
			rows = append(rows, use("a", fmt.Sprint(round, " ", n)))
		}
		if err := store.AddUsage(ctx, conn, rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.LoadUsage(ctx, conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	var total, regular, together int64
	for _, r := range got {
		total += r.Count
		switch {
		case r.Application == "regular":
			regular = r.Count
		case r.User == "" && r.Application == "":
			together = r.Count
		}
	}
	if want := rounds*each - (store.MaxUsage - 1); len(got) != store.MaxUsage+1 || total != rounds*(each+1) || regular != rounds || together != int64(want) {
		t.Errorf("%d rows, %d uses, %d of the regular application, %d together; want %d together", len(got), total, regular, together, want)
	}
	last, age, err := store.LastOldUse(ctx, conn, "a")
	if err != nil || last == nil || age > time.Minute {
		t.Errorf("the last use is %+v, %v ago, error %v", last, age, err)
	}
	if got, err := store.LoadUsage(ctx, conn, "other"); err != nil || len(got) != 1 || got[0].Count != rounds {
		t.Errorf("of another migration %+v, error %v", got, err)
	}
}

func TestInstancesThatAddTheSameUsageDoNotDeadlock(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	first := pgtest.Connect(t, url)
	if err := store.Install(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := store.InsertMigration(t.Context(), first, parse(t, "a", "public.t.a", "b")); err != nil {
		t.Fatal(err)
	}
	var rows []store.UsageRow
	for i := range 40 {
		rows = append(rows, store.UsageRow{Migration: "a", Version: "base", Table: "public.t", Column: "a", User: fmt.Sprint(i), Count: 1})
	}
	done := make(chan error)
	for _, conn := range []*pgx.Conn{first, pgtest.Connect(t, url)} {
		mine := slices.Clone(rows)
		slices.Reverse(rows)
		go func() {
			var err error
			for i := 0; i < 30 && err == nil; i++ {
				err = store.AddUsage(context.Background(), conn, slices.Clone(mine))
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
