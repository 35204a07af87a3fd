package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/seguedb/segue/store"
)

func TestTheStateFollowsATransitionToItsEnd(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	state := func() *store.State {
		t.Helper()
		s, err := store.LoadState(ctx, conn, "i")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := state(); s.Epoch != 1 || s.Transition != nil || s.Registered || s.LastAudit != 0 {
		t.Errorf("in the beginning: %+v", s)
	}
	if err := store.RegisterInstance(ctx, conn, "i", "", time.Second, 1, true); err != nil {
		t.Fatal(err)
	}
	attempt := setGate(t, conn)
	if ok, err := store.Acknowledge(ctx, conn, "i", attempt, 1, store.Report{}); !ok || err != nil {
		t.Fatalf("acknowledged is %v, error %v", ok, err)
	}
	audit := &store.AuditRow{Migration: "gated", Kind: "attempt"}
	if err := store.AddAudit(ctx, conn, audit); err != nil {
		t.Fatal(err)
	}
	if s := state(); !s.Registered || s.Acknowledged != attempt || s.LastAudit != audit.ID || s.Transition.Attempt != attempt {
		t.Errorf("with a gate: %+v, %+v", s, s.Transition)
	}
	for _, err := range []error{
		store.ClearGate(ctx, conn, "gated"),
		store.ExplainTransition(ctx, conn, "gated", "waits for i"),
		store.ChangeTransition(ctx, conn, "gated", json.RawMessage(`{"force": true}`), "you", nil),
		store.ReportInstance(ctx, conn, "i", store.Report{PIDs: []uint32{5}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tr := state().Transition
	if tr.Attempt != 0 || tr.Until != nil || tr.LastError != "waits for i" || tr.Actor != "you" || string(tr.Options) != `{"force": true}` {
		t.Errorf("after the gate was cleared: %+v", tr)
	}
	epoch, err := store.NextEpoch(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	pause := 12.5
	if err := store.CommitTransition(ctx, conn, "gated", epoch, &pause); err != nil {
		t.Fatal(err)
	}
	s := state()
	if s.Epoch != epoch || s.Transition.Committed != epoch || *s.Transition.PauseMS != pause || s.Transition.LastError != "" {
		t.Errorf("after the commit: %+v, %+v", s, s.Transition)
	}
	if rows, err := store.LoadInstances(ctx, conn, false); err != nil || len(rows[0].PIDs) != 1 || rows[0].PIDs[0] != 5 {
		t.Errorf("the report is %+v, error %v", rows, err)
	}
	exec(t, conn, `DELETE FROM segue.epoch`)
	if _, err := store.LoadState(ctx, conn, "i"); err == nil {
		t.Error("a store without an epoch was read")
	}
}
