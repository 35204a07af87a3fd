package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

func TestInstancesRegisterAcknowledgeAndExpire(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	report := store.Report{Sessions: json.RawMessage(`[{"pid": 10}]`), PIDs: []uint32{10, 11}}
	register := func(id string) {
		t.Helper()
		if err := store.RegisterInstance(ctx, conn, id, "host:1", 5*time.Second, 3, false); err != nil {
			t.Fatal(err)
		}
	}
	must := func(what string, want bool) func(bool, error) {
		return func(ok bool, err error) {
			t.Helper()
			if err != nil || ok != want {
				t.Errorf("%s: %v, error %v, want %v", what, ok, err, want)
			}
		}
	}
	must("a beat before it is registered", false)(store.BeatInstance(ctx, conn, "i", 3))
	register("i")
	must("a beat", true)(store.BeatInstance(ctx, conn, "i", 4))
	must("an acknowledgement of a gate that is not set", false)(store.Acknowledge(ctx, conn, "i", 1, 4, report))

	attempt := setGate(t, conn)
	must("an acknowledgement", true)(store.Acknowledge(ctx, conn, "i", attempt, 4, report))
	rows, err := store.LoadInstances(ctx, conn, true)
	if err != nil || len(rows) != 1 {
		t.Fatalf("instances are %v, error %v", rows, err)
	}
	want := &store.InstanceRow{ID: "i", Lease: 5 * time.Second, Epoch: 4, Acknowledged: attempt, Report: report, Address: "host:1"}
	if diff := cmp.Diff(want, rows[0], cmpopts.IgnoreFields(store.InstanceRow{}, "Started", "Heartbeat", "Silence", "Reported")); diff != "" {
		t.Error(diff)
	}
	if rows[0].Silence < 0 || rows[0].Silence > time.Minute {
		t.Errorf("silence is %v", rows[0].Silence)
	}
	if err := store.Withdraw(ctx, conn, "i", attempt); err != nil {
		t.Fatal(err)
	}
	must("an acknowledgement that comes after it was withdrawn", false)(store.Acknowledge(ctx, conn, "i", attempt, 4, report))

	attempt = setGate(t, conn)
	register("i")
	must("an acknowledgement that was on its way when the instance registered anew", false)(store.Acknowledge(ctx, conn, "i", attempt, 4, report))
	register("k")
	must("an acknowledgement of one that joins while a gate is set", true)(store.Acknowledge(ctx, conn, "k", attempt, 3, report))
	if err := store.DeleteInstance(ctx, conn, "k"); err != nil {
		t.Fatal(err)
	}

	must("expiring one that is not silent", false)(store.ExpireInstance(ctx, conn, "i", time.Hour))
	must("expiring one that is", true)(store.ExpireInstance(ctx, conn, "i", 0))
	must("a beat of an expired instance", false)(store.BeatInstance(ctx, conn, "i", 4))
	register("i")
	must("a beat after it has registered again", true)(store.BeatInstance(ctx, conn, "i", 4))

	register("j")
	must("expiring the other", true)(store.ExpireInstance(ctx, conn, "j", 0))
	must("an acknowledgement of an expired instance", false)(store.Acknowledge(ctx, conn, "j", attempt, 4, report))
	prune := func(tx pgx.Tx) error { return store.PruneInstances(ctx, tx, 0) }
	if err := pgx.BeginFunc(ctx, conn, prune); err != nil {
		t.Fatal(err)
	}
	if rows, err = store.LoadInstances(ctx, conn, false); err != nil || len(rows) != 1 || rows[0].ID != "i" {
		t.Errorf("instances left are %v, error %v", rows, err)
	}
	if err := store.DeleteInstance(ctx, conn, "i"); err != nil {
		t.Fatal(err)
	}
	if rows, err = store.LoadInstances(ctx, conn, false); err != nil || len(rows) != 0 {
		t.Errorf("instances left are %v, error %v", rows, err)
	}
}

func TestABeatDoesNotWaitForTheLeader(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	if err := store.RegisterInstance(ctx, conn, "i", "", time.Second, 1, true); err != nil {
		t.Fatal(err)
	}
	leader := pgtest.Connect(t, conn.Config().ConnString())
	tx, err := leader.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadInstances(ctx, tx, true); err != nil {
		t.Fatal(err)
	}
	if ok, err := store.BeatInstance(ctx, conn, "i", 1); ok || err != nil {
		t.Errorf("a beat behind the leader's lock: %v, error %v", ok, err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if ok, err := store.BeatInstance(ctx, conn, "i", 1); !ok || err != nil {
		t.Errorf("a beat afterwards: %v, error %v", ok, err)
	}
}

// setGate stores a migration with a pending transition and sets its gate.
func setGate(t *testing.T, conn *pgx.Conn) int64 {
	t.Helper()
	if _, err := store.InsertMigration(ctx, conn, parse(t, "gated", "public.a", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.InsertTransition(ctx, conn, &store.Transition{Migration: "gated", Kind: "cutover", To: rules.Cutover}); err != nil {
		t.Fatal(err)
	}
	gate, err := store.SetGate(ctx, conn, "gated", "i", nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return gate.Attempt
}

func TestAReportThatIsOlderThanTheStoredOneIsNotKept(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := installed(t)
	if err := store.RegisterInstance(ctx, conn, "i", "host:1", 5*time.Second, 3, true); err != nil {
		t.Fatal(err)
	}
	var now time.Time
	if err := conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		t.Fatal(err)
	}
	attempt := setGate(t, conn)
	reports := func(what string, at time.Time, pid uint32, acknowledges bool, kept uint32) {
		t.Helper()
		r := store.Report{PIDs: []uint32{pid}, AsOf: at}
		ok, err := true, error(nil)
		if acknowledges {
			ok, err = store.Acknowledge(ctx, conn, "i", attempt, 4, r)
		} else {
			err = store.ReportInstance(ctx, conn, "i", r)
		}
		rows, failed := store.LoadInstances(ctx, conn, false)
		if err != nil || failed != nil || !ok {
			t.Fatalf("%s: %v, %v, %v", what, ok, err, failed)
		}
		if got := rows[0]; got.PIDs[0] != kept || kept == pid && !got.Reported.Equal(at) || acknowledges && got.Acknowledged != attempt {
			t.Errorf("after %s it is %+v", what, got)
		}
	}
	reports("the first", now, 1, false, 1)
	reports("an older one", now.Add(-time.Second), 2, false, 1)
	reports("an older one that acknowledges", now.Add(-time.Second), 3, true, 1)
	reports("one of the same moment", now, 4, false, 4)
	if _, err := conn.Exec(ctx, `UPDATE segue.instance SET reported = clock_timestamp() + interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	reports("one when the clock was set back", now, 5, true, 5)
}
