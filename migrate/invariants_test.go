package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// The invariants are those of docs/cutover.md, by number.

// clients runs statements of both versions on all instances until the returned function is called, and fails the test
// at the first error. Each statement names a column: one that was written for another physical schema fails.
func (f *fleet) clients(versions ...string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, tr := range f.traffics {
		for _, version := range versions {
			wg.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					err := tr.run(ctx, version, func(l *rules.TableLens) string {
						return fmt.Sprintf(`UPDATE %s.%s SET %s = 'x' WHERE id = %d`, l.Schema, l.Physical, l.Columns[1].Physical, n%10)
					})
					if err != nil && ctx.Err() == nil {
						f.t.Errorf("a statement of version %s on instance %s: %v", version, tr.id, err)
						return
					}
				}
			})
		}
	}
	return func() { cancel(); wg.Wait() }
}

func TestInvariants1And2And5HoldUnderTrafficThroughManyTransitions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	stopWatching := f.watchEpochs()
	stop := f.clients("base", "surname")
	for range 3 {
		f.must("surname", cutover, backToActive)
	}
	f.must("surname", cutover)
	stop()
	stopWatching()
	for n, tr := range f.traffics {
		// The control round trips that close and open the gate are added to the limit. None takes longer than the slowest
		// statement of the clients, by which it is seen how busy the machine is.
		if limit := f.instances[n].cfg.DrainLimit + 500*time.Millisecond + 3*tr.slowest; tr.longest > limit {
			t.Errorf("instance %s held a statement for %s, more than %s", tr.id, tr.longest, limit)
		}
	}
	if other := value[int](f, `SELECT count(*) FROM public.individual WHERE city <> 'city'`); other != 0 {
		t.Errorf("%d statements wrote another column", other)
	}
}

// watchEpochs checks, whenever an instance opens, that the instances' epochs are adjacent.
func (f *fleet) watchEpochs() (stop func()) {
	set := func(watch func()) {
		for _, tr := range f.traffics {
			tr.set(func() { tr.opened = watch })
		}
	}
	set(func() {
		// Read in the order of the instances, then again: what is between may have moved on by one.
		first, second := f.traffics[0].epoch(), f.traffics[1].epoch()
		if again := f.traffics[0].epoch(); again == first && (second-first > 1 || first-second > 1) {
			f.t.Errorf("epochs %d and %d are in use at the same time", first, second)
		}
	})
	return func() { set(nil) }
}

func TestInvariant3ATransitionCommitsOnlyWhenEveryInstanceHasAcknowledged(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	f.traffics[1].set(func() { f.traffics[1].stuck = true })
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	var st *Status
	pgtest.Eventually(t, func() bool {
		var err error
		if st, err = f.instances[0].Get(t.Context(), "surname"); err != nil {
			t.Fatal(err)
		}
		return st.Pending.Attempts >= 2
	}, "two attempts that failed")
	if st.Phase != rules.Active || f.hasColumn("public.individual", "surname") {
		t.Errorf("the transition was made without the acknowledgement of instance b")
	}
	if got := st.Pending.LastError; !strings.Contains(got, "instance b") {
		t.Errorf("the last attempt failed because %q, want instance b named", got)
	}
	f.traffics[1].set(func() { f.traffics[1].stuck = false })
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("after the instance could acknowledge: %v %v", st, err)
	}
}

func TestInvariant3ASilentInstanceIsWaitedForAndThenExpired(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	// An instance that froze: its row is there, and nothing is heard of it.
	epoch := value[int64](f, `SELECT epoch FROM segue.epoch`)
	began := time.Now()
	pgtest.Exec(t, f.url, fmt.Sprintf(`INSERT INTO segue.instance (id, lease, epoch, heartbeat) VALUES ('frozen', '500ms', %d, clock_timestamp() - interval '260 ms')`, epoch))
	f.must("surname", cutover)
	if waited := time.Since(began); waited < patience(500*time.Millisecond)-300*time.Millisecond {
		t.Errorf("the instance was waited for only %s", waited)
	}
	if !value[bool](f, `SELECT expired FROM segue.instance WHERE id = 'frozen'`) {
		t.Error("the frozen instance is not expired")
	}
	// Nobody was held back for attempts that could not succeed.
	if holds := f.traffics[0].count("hold"); holds != 1 {
		t.Errorf("the gate was closed %d times, want once", holds)
	}
}

// becomeLeader has a connection lead, once whoever led the transition before has let go.
func becomeLeader(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	pgtest.Eventually(t, func() bool {
		holder, err := store.Hold(t.Context(), conn, store.HoldLeader)
		if err != nil {
			t.Fatal(err)
		}
		return holder == 0
	}, "nobody else leads")
}

func TestInvariant4NoInstanceOpensBeforeItKnowsTheOutcome(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	// The traffic itself checks, at every Open, that nothing that it acknowledged is in force. What is tried here is a
	// leader that is lost while all hold: the gate must be left by withdrawing.
	for _, tr := range f.traffics {
		tr.set(func() { tr.log = nil })
	}
	lost := pgtest.Connect(t, f.url)
	becomeLeader(t, lost)
	for _, sql := range []string{
		`INSERT INTO segue.transition (migration, kind, to_phase, attempt, gate_tables, gate_set_at, gate_until)
		 SELECT 'surname', 'cutover', 'cutover', nextval('segue.attempt'), ARRAY['public.individual'::regclass::oid], clock_timestamp(),
		        clock_timestamp() + interval '2 s'`,
		`NOTIFY segue`,
	} {
		if _, err := lost.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, tr := range f.traffics {
		pgtest.Eventually(t, func() bool {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			return len(tr.log) > 1 && tr.log[0] == "hold" && tr.closed == nil
		}, "instance "+tr.id+" held the gate and opened again by itself")
	}
	if err := lost.Close(t.Context()); err != nil { // and nobody leads any more
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool { return f.phase("surname") == rules.Cutover }, "a cutover by the next leader")
}

func TestInvariant5NoAttemptIsMadeThatIsKnownToFail(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url+"&application_name=report")
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT count(*) FROM public.individual`); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		return value[bool](f, `SELECT clock_timestamp() - xact_start > $2 * interval '1 s' FROM pg_stat_activity WHERE pid = $1`, conn.PgConn().PID(), drainLimit.Seconds())
	}, "a transaction older than the drain limit")
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	var st *Status
	pgtest.Eventually(t, func() bool {
		var err error
		if st, err = f.instances[0].Get(t.Context(), "surname"); err != nil {
			t.Fatal(err)
		}
		return st.Pending.Attempts >= 3
	}, "three looks at the blocker")
	if len(st.Blockers) != 1 || st.Blockers[0].PID != conn.PgConn().PID() || st.Blockers[0].Application != "report" ||
		!strings.Contains(st.Blockers[0].Query, "public.individual") || st.Blockers[0].AgeSeconds < drainLimit.Seconds() {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	if holds := f.traffics[0].count("hold"); holds != 0 {
		t.Errorf("statements were held %d times for attempts that could not succeed", holds)
	}
	if n := value[int](f, `SELECT count(*) FROM segue.audit WHERE kind = 'attempt'`); n != 1 {
		t.Errorf("%d lines of history tell of the same obstacle", n)
	}
	if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("after the transaction ended: %v %v", st, err)
	}
}

func TestInvariant6DDLMadeAroundTheProxyIsNoticed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	has := func(tr *traffic, column string) bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return slices.ContainsFunc(tr.snap.Lens(rules.Base).Tables[0].Columns, func(c rules.ColumnLens) bool { return c.Logical == column })
	}
	before := f.traffics[0].epoch()
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual ADD COLUMN street text`)
	for _, tr := range f.traffics {
		pgtest.Eventually(t, func() bool { return has(tr, "street") }, "the added column in the lens of instance "+tr.id)
	}
	pgtest.Exec(t, f.url, `ALTER TABLE public.individual ADD COLUMN zip text`)
	f.instances[0].Refresh()
	pgtest.Eventually(t, func() bool { return has(f.traffics[0], "zip") }, "a column that the proxy's own session has added")
	if got := f.traffics[0].epoch(); got != before {
		t.Errorf("the epoch moved from %d to %d", before, got)
	}
}

func TestHoldsLockSaysWhatPgLocksSays(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`CREATE TABLE public.orders (id int, individual int REFERENCES public.individual);`)
	conn := pgtest.Connect(t, f.url)
	pid, table := conn.PgConn().PID(), catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	for _, step := range []struct {
		sql  string
		want bool
	}{
		{"BEGIN", false},
		{"SAVEPOINT s", false},
		{"INSERT INTO public.orders VALUES (1, 1)", true}, // through the foreign key
		{"ROLLBACK TO SAVEPOINT s", false},
		{"SELECT FROM public.individual", true},
		{"COMMIT", false},
	} {
		if _, err := conn.Exec(t.Context(), step.sql); err != nil {
			t.Fatal(err)
		}
		held, err := f.instances[0].holdsLock(t.Context(), []uint32{pid, 1}, []catalog.OID{table})
		if err != nil {
			t.Fatal(err)
		}
		if held[pid] != step.want || held[1] {
			t.Errorf("after %s the session holds a lock: %t, want %t", step.sql, held[pid], step.want)
		}
	}
}

func TestALockThatWasHadAfterTheDDLIsNoReasonToPass(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	conn := pgtest.Connect(t, f.url)
	i, pid, table := f.instances[0], conn.PgConn().PID(), catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	if _, err := conn.Exec(t.Context(), "BEGIN; SELECT FROM public.individual"); err != nil {
		t.Fatal(err)
	}
	// The instance goes by the epoch before the one that the leader has committed.
	behind := *i.Snapshot()
	behind.Epoch--
	i.snapshot.Store(&behind)
	held, err := i.holdsLock(t.Context(), []uint32{pid}, []catalog.OID{table})
	if err != nil || held[pid] {
		t.Errorf("after the epoch has moved the session is to be drained: %t, %v", held[pid], err)
	}
}
