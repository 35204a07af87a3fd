package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// endLeader ends the backend that leads, and tells whether there was one.
func (f *fleet) endLeader() bool {
	f.t.Helper()
	return value[int](f, `
		SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM segue.holder h JOIN pg_stat_activity a USING (pid)
		WHERE h.what = $1 AND h.began = a.backend_start) AS ended`, store.HoldLeader) > 0
}

func TestALeaderKilledWhileAllHoldLeavesNothingBehindAndTheNextOneFinishes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	held := make(chan struct{})
	f.traffics[0].set(func() { f.traffics[0].onHold = func() { close(held) } })
	f.traffics[1].set(func() { f.traffics[1].stuck = true })
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	<-held
	if !f.endLeader() {
		t.Fatal("nobody leads")
	}
	f.traffics[1].set(func() { f.traffics[1].stuck = false })
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("after the leader was killed: %+v %v", st, err)
	}
}

func TestLeadersKilledAgainAndAgainLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	stop := f.clients("base", "surname")
	defer stop()
	for n, r := range []Request{cutover, backToActive, cutover, backToActive, cutover} {
		first := n == 0 // the others may be quicker than who wants to kill them
		f.traffics[1].set(func() { f.traffics[1].stuck = first })
		if err := f.instances[n%2].Request(t.Context(), "surname", r); err != nil {
			t.Fatal(err)
		}
		pgtest.Eventually(t, func() bool { return f.endLeader() || !first && f.phase("surname") == r.target() }, "a leader that can be killed")
		f.traffics[1].set(func() { f.traffics[1].stuck = false })
		if st, err := f.instances[n%2].Wait(t.Context(), "surname"); err != nil || st.Phase != r.target() {
			t.Fatalf("%s: %+v %v", r.Kind, st, err)
		}
	}
	committed := value[int](f, `SELECT count(*) FROM segue.audit WHERE kind = 'committed'`)
	done := value[int](f, `SELECT count(*) FROM segue.audit WHERE kind = 'done'`)
	if committed != 6 || done != 6 {
		t.Errorf("%d transitions were committed and %d reported as done, want 6 and 6", committed, done)
	}
}

func TestWhatALostLeaderHasCommittedIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	// As it is after the commit: phase and epoch are there, the row says so, and nobody has looked whether all serve it.
	pgtest.Exec(t, f.url, `
		UPDATE segue.migration SET phase = 'active'; UPDATE segue.epoch SET epoch = epoch + 1;
		INSERT INTO segue.transition (migration, kind, to_phase, committed) SELECT 'surname', 'activate', 'active', epoch FROM segue.epoch`)
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Active {
		t.Errorf("the transition: %+v %v", st, err)
	}
	if !f.instances[0].Snapshot().Live() {
		t.Error("it is reported as done before the instance serves it")
	}
}

func TestAnInstanceThatIsTakenForLostHoldsUntilItHasRegisteredAnew(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop, unhurried)
	f.create(surname)
	f.must("surname", activate)
	pgtest.Exec(t, f.url, `UPDATE segue.instance SET expired = true WHERE id = 'b'`)
	pgtest.Eventually(t, func() bool { return f.traffics[1].count("suspend") == 1 }, "the instance suspends")
	pgtest.Eventually(t, func() bool { return !f.traffics[1].isSuspended() }, "the instance serves again")
	if value[bool](f, `SELECT expired FROM segue.instance WHERE id = 'b'`) {
		t.Error("the instance has not registered anew")
	}
	f.must("surname", cutover)
}

func TestAnInstanceThatHasLostTouchSuspendsAndComesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, func(c *Config) {
		c.Lease, c.DrainLimit = 5*time.Second, 2*time.Second
	})
	f.create(surname)
	f.must("surname", activate)
	database := value[string](f, `SELECT current_database()::text`)
	admin := pgtest.Connect(t, pgtest.Cluster().URL("postgres"))
	for _, sql := range []string{
		`ALTER DATABASE ` + database + ` ALLOW_CONNECTIONS false`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + database + `'`,
	} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Eventually(t, f.traffics[0].isSuspended, "the instance suspends")
	if err := f.instances[0].Ready(); err == nil || !strings.Contains(err.Error(), "have not been read for") {
		t.Errorf("not in touch, it says that it is ready: %v", err)
	}
	if _, err := admin.Exec(t.Context(), `ALTER DATABASE `+database+` ALLOW_CONNECTIONS true`); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return !f.traffics[0].isSuspended() && f.instances[0].Ready() == nil }, "the instance serves again")
}

func TestAnEpochThatGoesBackwardsIsFollowed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate, cutover)
	before := f.traffics[0].epoch()
	// As after the restore of a backup from before the cutover.
	pgtest.Exec(t, f.url, `BEGIN; ALTER TABLE public.individual RENAME COLUMN surname TO last_name;
		UPDATE segue.migration SET phase = 'active'; UPDATE segue.epoch SET epoch = epoch - 1; NOTIFY segue; COMMIT`)
	pgtest.Eventually(t, func() bool { return f.traffics[0].epoch() == before-1 }, "the instance serves the earlier epoch")
	if got := f.instances[0].Snapshot().Lens("surname").Tables[0].Column("surname").Physical; got != "last_name" {
		t.Errorf("the new name is read from column %q", got)
	}
}

func TestARenameByHandThatContradictsThePhasesIsHeldAndReported(t *testing.T) {
	t.Parallel()
	log := new(logbook)
	f := newFleet(t, 1, shop, func(c *Config) { c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log}) })
	f.create(surname)
	f.must("surname", activate)
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual RENAME COLUMN last_name TO family`)
	f.instances[0].Refresh()
	pgtest.Eventually(t, f.traffics[0].isSuspended, "statements are held")
	pgtest.Eventually(t, func() bool {
		err := f.instances[0].Ready()
		return err != nil && strings.Contains(err.Error(), "last_name")
	}, "the reason is reported")
	beat := func() time.Time { return value[time.Time](f, `SELECT heartbeat FROM segue.instance`) }
	for range 3 {
		last := beat()
		pgtest.Eventually(t, func() bool { return beat().After(last) }, "the tables are read again")
	}
	if n := log.count("[ERROR]", "the stored migrations cannot be served"); n != 1 {
		t.Errorf("the same contradiction was logged %d times", n)
	}
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual RENAME COLUMN family TO last_name`)
	pgtest.Eventually(t, func() bool { return !f.traffics[0].isSuspended() && f.instances[0].Ready() == nil }, "statements are served again")
}

func TestAnInstanceThatJoinsKnowsTheGateInForce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	becomeLeader(t, conn)
	for _, sql := range []string{
		`INSERT INTO segue.transition (migration, kind, to_phase, attempt, gate_tables, gate_set_at, gate_until)
		 SELECT 'surname', 'cutover', 'cutover', nextval('segue.attempt'), ARRAY['public.individual'::regclass::oid], clock_timestamp(),
		        clock_timestamp() + interval '1 min'`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	f.join()
	pgtest.Eventually(t, func() bool {
		return value[bool](f, `SELECT bool_and(acknowledged = (SELECT attempt FROM segue.transition)) FROM segue.instance`)
	}, "both instances have acknowledged")
	if f.traffics[1].count("hold") != 1 {
		t.Error("the joiner has acknowledged without holding")
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return f.phase("surname") == rules.Cutover }, "the cutover")
}

func TestStopUndoesOrFinishesAnAttemptAndLeavesTheFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	f.traffics[1].set(func() { f.traffics[1].stuck = true })
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return f.traffics[1].count("hold") > 0 }, "an attempt")
	if err := f.instances[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value[int](f, `SELECT count(*) FROM segue.instance`); n != 1 {
		t.Errorf("%d instances are registered", n)
	}
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("the other instance: %+v %v", st, err)
	}
	if _, err := f.instances[1].List(t.Context()); err != errNotRunning {
		t.Errorf("a stopped instance answers %v", err)
	}
}

func TestACatalogThatTakesLongerThanALeaseIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	const lease = 2 * time.Second
	log := new(logbook)
	f := newFleet(t, 1, shop, func(c *Config) {
		c.Lease, c.DrainLimit, c.Log = lease, lease/2, hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log})
	})
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	f.instances[0].Refresh()
	pgtest.Eventually(t, func() bool {
		return value[bool](f, `SELECT clock_timestamp() - heartbeat > $1 FROM segue.instance`, 3*lease)
	}, "the instance is still reading after three leases, and has not begun anew")
	if !f.traffics[0].isSuspended() {
		t.Error("statements are served although the lease has run out")
	}
	if _, err := conn.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return !f.traffics[0].isSuspended() && f.instances[0].Ready() == nil }, "statements are served again")
	if n := log.count("the control tables could not be read:"); n != 0 {
		t.Errorf("reading was given up %d times:\n%s", n, &log.text)
	}
}
