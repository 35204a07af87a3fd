package migrate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
)

// begin opens a transaction of its own and runs the statements in it.
func (f *fleet) begin(application string, sql ...string) *pgx.Conn {
	f.t.Helper()
	conn := pgtest.Connect(f.t, f.url)
	for _, s := range append([]string{`SET application_name = '` + application + `'`, `BEGIN`}, sql...) {
		if _, err := conn.Exec(f.t.Context(), s); err != nil {
			f.t.Fatalf("%s: %v", s, err)
		}
	}
	return conn
}

// stuck runs a statement that waits for a lock, and returns when it does. The statement may fail when the test ends.
func (f *fleet) stuck(conn *pgx.Conn, sql string) {
	f.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = conn.Exec(f.t.Context(), sql)
	}()
	f.t.Cleanup(func() { <-done })
	pgtest.Eventually(f.t, func() bool {
		return value[bool](f, `SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)`, int32(conn.PgConn().PID()))
	}, sql+" waits")
}

// backends is the pid of each connection.
func backends(conns ...*pgx.Conn) (pids []uint32) {
	for _, c := range conns {
		pids = append(pids, c.PgConn().PID())
	}
	return pids
}

func TestTheHeadOfAQueueIsTheBlockerAndOthersAreItsVictims(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	// One row is locked; two wait for it; a third waits for the first of those two.
	root := f.begin("nightly-report", `UPDATE public.individual SET city = 'secret' WHERE id = 1`)
	first := f.begin("app", `SELECT pg_advisory_xact_lock(7)`, `SELECT FROM public.individual`)
	second := f.begin("app", `SELECT FROM public.individual`)
	third := f.begin("app", `SELECT FROM public.individual`)
	f.stuck(first, `UPDATE public.individual SET city = 'b' WHERE id = 1`)
	f.stuck(second, `UPDATE public.individual SET city = 'c' WHERE id = 1`)
	f.stuck(third, `SELECT pg_advisory_xact_lock(7)`)
	victims := backends(first, second, third)
	pid := root.PgConn().PID()

	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	var st *Status
	pgtest.Eventually(t, func() bool {
		st = f.blocked(1)
		return len(st.Blockers) == 4
	}, "all four are seen")
	b := st.Blockers[0]
	if b.PID != pid || b.Application != "nightly-report" || b.Waiting != 3 || len(b.WaitsFor) != 0 || !b.Direct ||
		b.End != fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid) || b.State != "idle in transaction" || b.Since.IsZero() {
		t.Errorf("first comes %+v", b)
	}
	if strings.Contains(b.Query, "secret") || !strings.Contains(b.Query, "UPDATE public.individual") {
		t.Errorf("its statement is shown as %q", b.Query)
	}
	for _, v := range st.Blockers[1:] {
		if !slices.Contains(victims, v.PID) || !slices.Equal(v.WaitsFor, []uint32{pid}) || v.End != "" || v.Waiting != 0 {
			t.Errorf("a victim is %+v", v)
		}
	}
	if e := st.Pending.LastError; !strings.Contains(e, fmt.Sprintf("pid %d ", pid)) || !strings.Contains(e, "and 3 more sessions wait for it") ||
		strings.Contains(e, fmt.Sprintf("pid %d ", victims[0])) {
		t.Errorf("the reason is %q", e)
	}
	found, err := f.instances[0].Assess(t.Context(), "surname")
	if err != nil {
		t.Fatal(err)
	}
	var locks []assess.Finding
	for _, x := range found {
		if x.ID == "lock-held" {
			locks = append(locks, x)
		}
	}
	if len(locks) != 1 || locks[0].Object != fmt.Sprintf("pid %d", pid) || !strings.HasSuffix(locks[0].Hint, b.End) {
		t.Errorf("assess finds %+v", locks)
	}
	pgtest.Exec(t, f.url, b.End)
}

func TestTheHeadOfAQueueNeedNotHoldALockOnTheTables(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`CREATE TABLE public.other (id int PRIMARY KEY); INSERT INTO public.other VALUES (1);`)
	f.create(surname)
	f.must("surname", activate)
	root := f.begin("elsewhere", `SELECT FROM public.other FOR UPDATE`)
	victim := f.begin("app", `SELECT FROM public.individual`)
	f.stuck(victim, `DELETE FROM public.other`)
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	st := f.blocked(1)
	if len(st.Blockers) != 2 || st.Blockers[0].PID != root.PgConn().PID() || st.Blockers[0].Waiting != 1 ||
		!strings.Contains(st.Blockers[0].Why, "keeps others waiting") || st.Blockers[1].PID != victim.PgConn().PID() {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	pgtest.Exec(t, f.url, st.Blockers[0].End)
}

func TestAPreparedTransactionAtTheHeadOfAQueueIsNamedWithWhatEndsIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`CREATE TABLE public.other (id int PRIMARY KEY); INSERT INTO public.other VALUES (1);`)
	f.create(surname)
	f.must("surname", activate)
	gid := "it''s left in " + value[string](f, `SELECT current_database()::text`)
	pgtest.Exec(t, f.url, `BEGIN; DELETE FROM public.other; PREPARE TRANSACTION '`+gid+`'`)
	victim := f.begin("app", `SELECT FROM public.individual`)
	f.stuck(victim, `UPDATE public.other SET id = 2`)
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	st := f.blocked(1)
	end := `ROLLBACK PREPARED '` + gid + `'`
	if len(st.Blockers) != 2 || st.Blockers[0].PID != 0 || st.Blockers[0].End != end || st.Blockers[0].Waiting != 1 ||
		!slices.Equal(st.Blockers[1].WaitsFor, []uint32{0}) {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	pgtest.Exec(t, f.url, end)
}

func TestAQueueHasHeadsHoweverItIsLinked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		by    map[string][]string
		heads []uint32
	}{
		{"nobody waits", nil, []uint32{1, 2, 3}},
		{"a chain", map[string][]string{"1": {"2"}, "2": {"3"}}, []uint32{3}},
		{"two are waited for", map[string][]string{"1": {"2", "3"}}, []uint32{2, 3}},
		{"a circle", map[string][]string{"1": {"2"}, "2": {"1"}}, []uint32{1, 2, 3}},
		{"somebody who has gone", map[string][]string{"1": {"9"}}, []uint32{1, 2, 3}},
	} {
		q := &lockQueue{holders: map[string]*holder{}, by: tc.by}
		q.add([]holder{{key: "1", Blocker: Blocker{PID: 1}}, {key: "2", Blocker: Blocker{PID: 2}}, {key: "3", Blocker: Blocker{PID: 3}}})
		got := map[uint32]bool{}
		for _, b := range heads(q.blockers()) {
			got[b.PID] = true
		}
		for _, pid := range tc.heads {
			if !got[pid] || len(got) != len(tc.heads) {
				t.Errorf("%s: the heads are %v, want %v", tc.name, got, tc.heads)
			}
		}
	}
}
