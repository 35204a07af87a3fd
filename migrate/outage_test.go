package migrate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// suspendedFor waits until the instance holds statements, and returns the reason that its traffic was given.
func (f *fleet) suspendedFor(n int) *Outage {
	f.t.Helper()
	pgtest.Eventually(f.t, f.traffics[n].isSuspended, "statements are held")
	tr := f.traffics[n]
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.outage
}

func TestOneReasonIsToldEverywhereWhenTheDatabaseWasChangedByHand(t *testing.T) {
	t.Parallel()
	log := new(logbook)
	f := newFleet(t, 2, shop, func(c *Config) { c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log}) })
	f.create(surname)
	f.create("id: draft\noperations:\n  - rename_column: { table: public.individual, from: city, to: town }\n")
	f.must("surname", activate)
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual RENAME COLUMN last_name TO surname`)
	ctx, i := t.Context(), f.instances[0]

	// A transition is refused at once, also that to the phase that it is in, and before any instance has noticed.
	const mend = `ALTER TABLE "public"."individual" RENAME COLUMN "surname" TO "last_name"`
	const reason = `migration "surname", which is active, cannot be served: table public.individual should have a column last_name, but has surname`
	for _, r := range []Request{activate, cutover, rollback} {
		e := conflict(t, i.Request(ctx, "surname", r))
		if !strings.HasSuffix(e.Message, reason) || len(e.Mend) != 1 || e.Mend[0] != mend {
			t.Errorf("%s is refused with %+v", r.Kind, e)
		}
	}
	outages := map[string]*Outage{"what the clients are told": f.suspendedFor(0), "the other instance": f.suspendedFor(1)}
	outages["the instance"] = i.Outage()
	all, err := i.List(ctx)
	if err != nil || len(all) != 2 || all[1].NotServed != nil {
		t.Fatalf("listed are %+v, %v", all, err)
	}
	outages["the list"] = all[0].NotServed
	st, err := i.Get(ctx, "surname")
	if err != nil {
		t.Fatal(err)
	}
	outages["the migration"] = st.NotServed
	fleet, err := i.Instances(ctx)
	if err != nil || len(fleet) != 2 {
		t.Fatalf("the fleet is %+v, %v", fleet, err)
	}
	outages["this instance in the fleet"], outages["the other one in the fleet"] = fleet[0].NotServed, fleet[1].NotServed
	outages["readiness"], _ = errors.AsType[*Outage](i.Ready())
	for where, o := range outages {
		if o == nil || o.Reason != reason || len(o.Mend) != 1 || o.Mend[0] != mend || o.Kind != WrongNames || o.Since.IsZero() || !strings.Contains(o.Hint(), mend) {
			t.Errorf("%s: %+v", where, o)
		}
	}
	found, err := i.Assess(ctx, "surname")
	if err != nil || len(found) != 1 || found[0].ID != "not-served" || found[0].Severity != assess.Block || found[0].Message != reason || !strings.Contains(found[0].Hint, mend) {
		t.Errorf("assessed: %+v, %v", found, err)
	}
	if log.count("[WARN]", "should have a column last_name, but has surname") == 0 {
		t.Error("the log does not say why statements are held")
	}

	pgtest.Exec(t, f.url, mend)
	pgtest.Eventually(t, func() bool { return i.Outage() == nil && !f.traffics[0].isSuspended() && i.Ready() == nil }, "statements are served again")
	if st, err := i.Get(ctx, "surname"); err != nil || st.NotServed != nil {
		t.Errorf("afterwards it is %+v, %v", st, err)
	}
	f.must("surname", cutover)
}

func TestAnInstanceThatStartsInAnOutageAnswersAndServesWhenItIsOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate, cutover)
	if err := f.instances[0].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual RENAME COLUMN surname TO last_name`)
	i, err := NewInstance(Config{Upstream: f.url, ID: "late"}, newTraffic(t, "late", f.db))
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		if err := i.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	err = i.Start(t.Context())
	outage, ok := errors.AsType[*Outage](err)
	if !ok || len(outage.Mend) != 1 {
		stop()
		t.Fatalf("it starts with %v", err)
	}
	if st, err := i.Get(t.Context(), "surname"); err != nil || st.NotServed != outage {
		t.Errorf("meanwhile it is asked for the migration: %+v %v", st, err)
	}
	if script, err := i.ExitSQL(t.Context(), "surname", rules.Contracted); err != nil || !strings.Contains(script, "COMMIT") {
		t.Errorf("meanwhile it is asked for a way out: %v", err)
	}
	if !errors.Is(i.Ready(), outage) {
		t.Errorf("it is ready: %v", i.Ready())
	}
	pgtest.Exec(t, f.url, outage.Mend...)
	if err := i.Start(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if i.Outage() != nil || i.Ready() != nil {
		t.Errorf("afterwards it is not ready: %v", i.Ready())
	}
	stop()
}

func TestAnInstanceThatHasLostTouchSaysSoAndNotThatTheDatabaseIsWrong(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	k.keeper.expired()
	k.expect("open 1", "suspend")
	if o := k.keeper.i.Outage(); o == nil || o.Kind != OutOfTouch || len(o.Mend) != 0 || !strings.Contains(o.Hint(), "another instance") {
		t.Errorf("the outage is %+v", o)
	}
	// The reason changes, and since when statements are held does not.
	since := k.keeper.i.Outage().Since
	broken := k.seen(1, 0, 0)
	broken.snap, broken.broken = nil, &Outage{Kind: WrongNames, Reason: "a column is missing", Since: time.Now().Add(time.Hour)}
	k.keeper.observe(broken)
	k.expect("open 1", "suspend", "suspend")
	if o := k.keeper.i.Outage(); o.Reason != "a column is missing" || !o.Since.Equal(since) {
		t.Errorf("the outage is %+v", o)
	}
}

func TestASchemaThatIsDroppedUnderWhatIsLiveIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	log := new(logbook)
	f := newFleet(t, 2, shop, shortLease, func(c *Config) { c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log}) })
	f.create(surname)
	f.must("surname", activate, cutover)
	pgtest.Exec(t, f.url, `ALTER SCHEMA segue RENAME TO put_aside`) // as a restore brings it back
	for n := range f.traffics {
		if o := f.suspendedFor(n); o.Kind != OutOfTouch {
			t.Errorf("instance %d holds statements because %+v", n, o)
		}
	}
	pgtest.Eventually(t, func() bool { return log.count(`dropped while \"surname\" (cutover) was live`) > 0 }, "the log says what has happened")
	if value[bool](f, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'segue')`) {
		t.Fatal("the schema was made anew")
	}
	pgtest.Exec(t, f.url, `ALTER SCHEMA put_aside RENAME TO segue`)
	pgtest.Eventually(t, func() bool { return !f.traffics[0].isSuspended() && !f.traffics[1].isSuspended() }, "all is served again")
	f.must("surname", rollback)

	// With nothing live there is nothing to be lost.
	pgtest.Exec(t, f.url, `DROP SCHEMA segue CASCADE`)
	pgtest.Eventually(t, func() bool { return value[bool](f, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'segue')`) }, "the schema is made again")
}
