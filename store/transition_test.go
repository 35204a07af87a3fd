package store_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

func TestOneTransitionIsPendingAtATimeAndHasOneGate(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "b"} {
		if _, err := store.InsertMigration(ctx, conn, parse(t, id, "public."+id, "x"+id)); err != nil {
			t.Fatal(err)
		}
	}
	if tr, err := store.LoadTransition(ctx, conn, false); tr != nil || err != nil {
		t.Fatalf("transition %+v, error %v", tr, err)
	}
	if _, err := store.SetGate(ctx, conn, "a", "i", nil, time.Second); !errors.Is(err, store.ErrNotStored) {
		t.Errorf("a gate without a transition gives %v", err)
	}
	deadline := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	want := &store.Transition{Migration: "a", Kind: "cutover", To: rules.Cutover, Options: json.RawMessage(`{"force": true}`), Actor: "me", Deadline: &deadline}
	if ok, err := store.InsertTransition(ctx, conn, want); !ok || err != nil {
		t.Fatalf("stored is %v, error %v", ok, err)
	}
	if ok, err := store.InsertTransition(ctx, conn, &store.Transition{Migration: "b", Kind: "cutover", To: rules.Cutover}); ok || err != nil {
		t.Errorf("a second one: stored is %v, error %v", ok, err)
	}
	gate, err := store.SetGate(ctx, conn, "a", "i", []catalog.OID{7, 4000000000}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.LoadTransition(ctx, conn, true)
	if err != nil {
		t.Fatal(err)
	}
	want.Leader, want.Blockers, want.Gate = "i", json.RawMessage(`[]`), *gate
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Transition{}, "RequestedAt", "Now")); diff != "" {
		t.Error(diff)
	}
	if gate.Attempt != 1 || gate.Until.Sub(*gate.SetAt) != time.Second || got.Now.IsZero() {
		t.Errorf("gate is %+v", gate)
	}
	if err := store.FailAttempt(ctx, conn, "a", "i", "blocked", json.RawMessage(`[{"pid": 1}]`), time.Minute); err != nil {
		t.Fatal(err)
	}
	got, err = store.LoadTransition(ctx, conn, false)
	if err != nil || got.Attempt != 0 || got.Tables != nil || got.Until != nil || got.Attempts != 1 || got.LastError != "blocked" ||
		string(got.Blockers) != `[{"pid": 1}]` || !got.NextTry.After(got.Now) {
		t.Errorf("after a failed attempt: %+v, error %v", got, err)
	}
	if gate, err = store.SetGate(ctx, conn, "a", "j", nil, time.Second); err != nil || gate.Attempt != 2 {
		t.Errorf("the next gate is %+v, error %v", gate, err)
	}
	if ok, err := store.DeleteTransition(ctx, conn, "b"); ok || err != nil {
		t.Errorf("another's transition was removed: %v, error %v", ok, err)
	}
	if ok, err := store.DeleteTransition(ctx, conn, "a"); !ok || err != nil {
		t.Errorf("removed is %v, error %v", ok, err)
	}
}
