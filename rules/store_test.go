package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

var ctx = context.Background()

// installed is a database with the schema segue.
func installed(t *testing.T) *pgx.Conn {
	t.Helper()
	conn := database(t)
	if err := rules.Install(ctx, conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAMigrationIsReadAsItWasStored(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	m := parse(t, "one", "public.t.a > b", `public.t > "U"`)
	m.ContractAfter, m.Waive = 90*time.Minute, []rules.Waiver{{ID: "f", Reason: "r"}}
	created, err := rules.InsertMigration(ctx, conn, m)
	if err != nil || !created {
		t.Fatalf("created is %v, error %v", created, err)
	}
	if m.Seq == 0 || m.Phase != rules.Draft || m.CreatedAt.IsZero() {
		t.Errorf("stored is %+v", m)
	}
	all, err := rules.LoadMigrations(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*rules.Migration{m}, all, cmpopts.IgnoreUnexported(rules.Migration{})); diff != "" {
		t.Error(diff)
	}
	if all[0].File() != "one.yaml" {
		t.Errorf("the file is %q", all[0].File())
	}
	if _, err := rules.LoadMigration(ctx, conn, "two", false); !errors.Is(err, rules.ErrNotStored) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestStoringTheSameTwiceIsHarmlessAndOtherContentIsNot(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	first := parse(t, "one", "public.t.a > b")
	if _, err := rules.InsertMigration(ctx, conn, first); err != nil {
		t.Fatal(err)
	}
	if err := rules.SetPhase(ctx, conn, "one", rules.Active); err != nil {
		t.Fatal(err)
	}
	again := parse(t, "one", `"public".T.A > b`)
	created, err := rules.InsertMigration(ctx, conn, again)
	if err != nil || created || again.Phase != rules.Active || again.Seq != first.Seq {
		t.Errorf("created is %v, error %v, migration %+v", created, err, again)
	}
	_, err = rules.InsertMigration(ctx, conn, parse(t, "one", "public.t.a > c"))
	if content := (*rules.ContentError)(nil); !errors.As(err, &content) || content.ID != "one" {
		t.Errorf("other content gives %v", err)
	}
}

func TestAMigrationActivatedBehindLaterOnesMovesBehindThem(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "b", "c"} {
		if _, err := rules.InsertMigration(ctx, conn, parse(t, id, "public."+id+" > x"+id)); err != nil {
			t.Fatal(err)
		}
	}
	order := func() (out string) {
		t.Helper()
		all, err := rules.LoadMigrations(ctx, conn)
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
		if err := rules.SetPhase(ctx, conn, step.id, step.to); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != step.want {
			t.Errorf("%s to %s: got %s, want %s", step.id, step.to, got, step.want)
		}
	}
	if err := rules.SetPhase(ctx, conn, "d", rules.Active); !errors.Is(err, rules.ErrNotStored) {
		t.Errorf("an unknown id gives %v", err)
	}
	if err := rules.DeleteMigration(ctx, conn, "c"); err != nil {
		t.Fatal(err)
	}
	if err := rules.DeleteMigration(ctx, conn, "c"); !errors.Is(err, rules.ErrNotStored) {
		t.Errorf("deleting twice gives %v", err)
	}
}

func TestTheEpochMovesInTheCallersTransaction(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if epoch, err := rules.NextEpoch(ctx, tx); err != nil || epoch != 2 {
		t.Errorf("epoch is %d, error %v", epoch, err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if epoch, err := rules.LockEpoch(ctx, conn); err != nil || epoch != 1 {
		t.Errorf("epoch is %d, error %v", epoch, err)
	}
}

func TestOneTransitionIsPendingAtATimeAndHasOneGate(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "b"} {
		if _, err := rules.InsertMigration(ctx, conn, parse(t, id, "public."+id+" > x"+id)); err != nil {
			t.Fatal(err)
		}
	}
	if tr, err := rules.LoadTransition(ctx, conn, false); tr != nil || err != nil {
		t.Fatalf("transition %+v, error %v", tr, err)
	}
	if _, err := rules.SetGate(ctx, conn, "a", "i", nil, time.Second); !errors.Is(err, rules.ErrNotStored) {
		t.Errorf("a gate without a transition gives %v", err)
	}
	deadline := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	want := &rules.Transition{Migration: "a", Kind: "cutover", To: rules.Cutover, Options: json.RawMessage(`{"force": true}`), Actor: "me", Deadline: &deadline}
	if ok, err := rules.InsertTransition(ctx, conn, want); !ok || err != nil {
		t.Fatalf("stored is %v, error %v", ok, err)
	}
	if ok, err := rules.InsertTransition(ctx, conn, &rules.Transition{Migration: "b", Kind: "cutover", To: rules.Cutover}); ok || err != nil {
		t.Errorf("a second one: stored is %v, error %v", ok, err)
	}
	gate, err := rules.SetGate(ctx, conn, "a", "i", []catalog.OID{7, 4000000000}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rules.LoadTransition(ctx, conn, true)
	if err != nil {
		t.Fatal(err)
	}
	want.Leader, want.Blockers, want.Gate = "i", json.RawMessage(`[]`), *gate
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(rules.Transition{}, "RequestedAt", "Now")); diff != "" {
		t.Error(diff)
	}
	if gate.Attempt != 1 || gate.Until.Sub(*gate.SetAt) != time.Second || got.Now.IsZero() {
		t.Errorf("gate is %+v", gate)
	}
	if err := rules.FailAttempt(ctx, conn, "a", "i", "blocked", json.RawMessage(`[{"pid": 1}]`), time.Minute); err != nil {
		t.Fatal(err)
	}
	got, err = rules.LoadTransition(ctx, conn, false)
	if err != nil || got.Attempt != 0 || got.Tables != nil || got.Until != nil || got.Attempts != 1 || got.LastError != "blocked" ||
		string(got.Blockers) != `[{"pid": 1}]` || !got.NextTry.After(got.Now) {
		t.Errorf("after a failed attempt: %+v, error %v", got, err)
	}
	if gate, err = rules.SetGate(ctx, conn, "a", "j", nil, time.Second); err != nil || gate.Attempt != 2 {
		t.Errorf("the next gate is %+v, error %v", gate, err)
	}
	if ok, err := rules.DeleteTransition(ctx, conn, "b"); ok || err != nil {
		t.Errorf("another's transition was removed: %v, error %v", ok, err)
	}
	if ok, err := rules.DeleteTransition(ctx, conn, "a"); !ok || err != nil {
		t.Errorf("removed is %v, error %v", ok, err)
	}
}

func TestInstancesRegisterAcknowledgeAndExpire(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	report := rules.Report{Sessions: json.RawMessage(`[{"pid": 10}]`), PIDs: []uint32{10, 11}}
	register := func(id string) {
		t.Helper()
		if err := rules.RegisterInstance(ctx, conn, id, "host:1", 5*time.Second, 3, false); err != nil {
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
	must("a beat before it is registered", false)(rules.BeatInstance(ctx, conn, "i", 3))
	register("i")
	must("a beat", true)(rules.BeatInstance(ctx, conn, "i", 4))
	must("an acknowledgement of a gate that is not set", false)(rules.Acknowledge(ctx, conn, "i", 1, 4, report))

	attempt := setGate(t, conn)
	must("an acknowledgement", true)(rules.Acknowledge(ctx, conn, "i", attempt, 4, report))
	rows, err := rules.LoadInstances(ctx, conn, true)
	if err != nil || len(rows) != 1 {
		t.Fatalf("instances are %v, error %v", rows, err)
	}
	want := &rules.InstanceRow{ID: "i", Lease: 5 * time.Second, Epoch: 4, Acknowledged: attempt, Report: report, Address: "host:1"}
	if diff := cmp.Diff(want, rows[0], cmpopts.IgnoreFields(rules.InstanceRow{}, "Started", "Heartbeat", "Silence", "Reported")); diff != "" {
		t.Error(diff)
	}
	if rows[0].Silence < 0 || rows[0].Silence > time.Minute {
		t.Errorf("silence is %v", rows[0].Silence)
	}
	if err := rules.Withdraw(ctx, conn, "i", attempt); err != nil {
		t.Fatal(err)
	}
	must("an acknowledgement that comes after it was withdrawn", false)(rules.Acknowledge(ctx, conn, "i", attempt, 4, report))

	must("expiring one that is not silent", false)(rules.ExpireInstance(ctx, conn, "i", time.Hour))
	must("expiring one that is", true)(rules.ExpireInstance(ctx, conn, "i", 0))
	must("a beat of an expired instance", false)(rules.BeatInstance(ctx, conn, "i", 4))
	register("i")
	must("a beat after it has registered again", true)(rules.BeatInstance(ctx, conn, "i", 4))

	register("j")
	must("expiring the other", true)(rules.ExpireInstance(ctx, conn, "j", 0))
	must("an acknowledgement of an expired instance", false)(rules.Acknowledge(ctx, conn, "j", attempt, 4, report))
	prune := func(tx pgx.Tx) error { return rules.PruneInstances(ctx, tx, 0) }
	if err := pgx.BeginFunc(ctx, conn, prune); err != nil {
		t.Fatal(err)
	}
	if rows, err = rules.LoadInstances(ctx, conn, false); err != nil || len(rows) != 1 || rows[0].ID != "i" {
		t.Errorf("instances left are %v, error %v", rows, err)
	}
	if err := rules.DeleteInstance(ctx, conn, "i"); err != nil {
		t.Fatal(err)
	}
	if rows, err = rules.LoadInstances(ctx, conn, false); err != nil || len(rows) != 0 {
		t.Errorf("instances left are %v, error %v", rows, err)
	}
}

func TestABeatDoesNotWaitForTheLeader(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	if err := rules.RegisterInstance(ctx, conn, "i", "", time.Second, 1, true); err != nil {
		t.Fatal(err)
	}
	leader := pgtest.Connect(t, conn.Config().ConnString())
	tx, err := leader.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rules.LoadInstances(ctx, tx, true); err != nil {
		t.Fatal(err)
	}
	if ok, err := rules.BeatInstance(ctx, conn, "i", 1); ok || err != nil {
		t.Errorf("a beat behind the leader's lock: %v, error %v", ok, err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if ok, err := rules.BeatInstance(ctx, conn, "i", 1); !ok || err != nil {
		t.Errorf("a beat afterwards: %v, error %v", ok, err)
	}
}

// setGate stores a migration with a pending transition and sets its gate.
func setGate(t *testing.T, conn *pgx.Conn) int64 {
	t.Helper()
	if _, err := rules.InsertMigration(ctx, conn, parse(t, "gated", "public.a > b")); err != nil {
		t.Fatal(err)
	}
	if _, err := rules.InsertTransition(ctx, conn, &rules.Transition{Migration: "gated", Kind: "cutover", To: rules.Cutover}); err != nil {
		t.Fatal(err)
	}
	gate, err := rules.SetGate(ctx, conn, "gated", "i", nil, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return gate.Attempt
}

func TestUsageAddsUp(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	if _, err := rules.InsertMigration(ctx, conn, parse(t, "a", "public.t.a > b")); err != nil {
		t.Fatal(err)
	}
	row := rules.UsageRow{Migration: "a", Version: "base", Table: "public.t", Column: "a", Old: true, User: "u", Application: "app", Count: 2, Sample: "SELECT a"}
	fresh := row
	fresh.Version, fresh.Column, fresh.Old, fresh.Sample = "a", "b", false, ""
	gone := row
	gone.Migration = "deleted"
	if r, _, err := rules.LastOldUse(ctx, conn, "a"); r != nil || err != nil {
		t.Errorf("before any use: %+v, error %v", r, err)
	}
	for range 2 {
		if err := rules.AddUsage(ctx, conn, []rules.UsageRow{row, fresh, gone}); err != nil {
			t.Fatal(err)
		}
	}
	empty := row
	empty.Sample, empty.Count = "", 1
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.AddUsage(ctx, tx, []rules.UsageRow{empty}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := rules.LoadUsage(ctx, conn, "a")
	if err != nil {
		t.Fatal(err)
	}
	row.Count, fresh.Count = 5, 4
	if diff := cmp.Diff([]rules.UsageRow{row, fresh}, got, cmpopts.IgnoreFields(rules.UsageRow{}, "Last")); diff != "" {
		t.Error(diff)
	}
	last, age, err := rules.LastOldUse(ctx, conn, "a")
	if err != nil || last == nil || last.Column != "a" || age < 0 || age > time.Minute {
		t.Errorf("the last use is %+v, %v ago, error %v", last, age, err)
	}
}

func TestUsageIsBoundedAndEveryUseIsCounted(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	for _, id := range []string{"a", "other"} {
		if _, err := rules.InsertMigration(ctx, conn, parse(t, id, "public.t."+id+" > b"+id)); err != nil {
			t.Fatal(err)
		}
	}
	use := func(id, application string) rules.UsageRow {
		return rules.UsageRow{Migration: id, Version: "base", Table: "public.t", Column: "a", Old: true, User: "u", Application: application, Count: 1, Sample: "s"}
	}
	const rounds, each = 5, 400
	for round := range rounds {
		rows := []rules.UsageRow{use("a", "regular"), use("other", "regular")}
		for n := range each {
			rows = append(rows, use("a", fmt.Sprint(round, " ", n)))
		}
		if err := rules.AddUsage(ctx, conn, rows); err != nil {
			t.Fatal(err)
		}
	}
	got, err := rules.LoadUsage(ctx, conn, "a")
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
	if want := rounds*each - (rules.MaxUsage - 1); len(got) != rules.MaxUsage+1 || total != rounds*(each+1) || regular != rounds || together != int64(want) {
		t.Errorf("%d rows, %d uses, %d of the regular application, %d together; want %d together", len(got), total, regular, together, want)
	}
	last, age, err := rules.LastOldUse(ctx, conn, "a")
	if err != nil || last == nil || age > time.Minute {
		t.Errorf("the last use is %+v, %v ago, error %v", last, age, err)
	}
	if got, err := rules.LoadUsage(ctx, conn, "other"); err != nil || len(got) != 1 || got[0].Count != rounds {
		t.Errorf("of another migration %+v, error %v", got, err)
	}
}

func TestInstancesThatAddTheSameUsageDoNotDeadlock(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	first := pgtest.Connect(t, url)
	if err := rules.Install(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := rules.InsertMigration(t.Context(), first, parse(t, "a", "public.t.a > b")); err != nil {
		t.Fatal(err)
	}
	var rows []rules.UsageRow
	for i := range 40 {
		rows = append(rows, rules.UsageRow{Migration: "a", Version: "base", Table: "public.t", Column: "a", User: fmt.Sprint(i), Count: 1})
	}
	done := make(chan error)
	for _, conn := range []*pgx.Conn{first, pgtest.Connect(t, url)} {
		mine := slices.Clone(rows)
		slices.Reverse(rows)
		go func() {
			var err error
			for i := 0; i < 30 && err == nil; i++ {
				err = rules.AddUsage(context.Background(), conn, slices.Clone(mine))
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

func TestAuditKeepsTheHistory(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	pause := 1.5
	for _, r := range []*rules.AuditRow{
		{Migration: "a", Kind: "created", Actor: "me"},
		{Migration: "b", Kind: "created"},
		{Migration: "a", Kind: "done", Detail: "cutover", PauseMS: &pause},
	} {
		if err := rules.AddAudit(ctx, conn, r); err != nil || r.ID == 0 || r.At.IsZero() {
			t.Fatalf("%+v, error %v", r, err)
		}
	}
	kinds := func(migration string, after int64, limit int) (out []string) {
		t.Helper()
		rows, err := rules.LoadAudit(ctx, conn, migration, after, limit)
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

func TestNotifyReachesThoseWhoListen(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	other := pgtest.Connect(t, conn.Config().ConnString())
	exec(t, other, "LISTEN "+rules.Channel)
	if err := rules.Notify(ctx, conn, "hello"); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(ctx, pgtest.Patience)
	defer cancel()
	n, err := other.WaitForNotification(limited)
	if err != nil || n.Channel != rules.Channel || n.Payload != "hello" {
		t.Errorf("notification is %+v, error %v", n, err)
	}
}
