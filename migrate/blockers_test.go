package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// blocked waits until the pending cutover has failed often enough, and returns it.
func (f *fleet) blocked(attempts int) *Status {
	f.t.Helper()
	var st *Status
	pgtest.Eventually(f.t, func() bool {
		var err error
		if st, err = f.instances[0].Get(f.t.Context(), "surname"); err != nil {
			f.t.Fatal(err)
		}
		return st.Pending == nil || st.Pending.Attempts >= attempts
	}, "attempts that failed")
	if st.Pending == nil {
		f.t.Fatalf("nothing is pending any more; the phase is %s", st.Phase)
	}
	return st
}

func TestAPreparedTransactionIsNamedAndNeverTriedAgainst(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	gid := "left behind in " + value[string](f, `SELECT current_database()::text`)
	pgtest.Exec(t, f.url, `BEGIN; UPDATE public.individual SET city = 'x' WHERE id = 1; PREPARE TRANSACTION '`+gid+`'`)
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	st := f.blocked(2)
	if len(st.Blockers) != 1 || st.Blockers[0].PID != 0 || !strings.Contains(st.Blockers[0].Query, gid) ||
		!strings.Contains(st.Pending.LastError, gid) {
		t.Errorf("the transition waits for %q, blockers %+v", st.Pending.LastError, st.Blockers)
	}
	if holds := f.traffics[0].count("hold"); holds != 0 {
		t.Errorf("statements were held %d times", holds)
	}
	pgtest.Exec(t, f.url, `COMMIT PREPARED '`+gid+`'`)
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("after it was committed: %v %v", st, err)
	}
}

func TestAYoungTransactionMakesTheAttemptTimeOutAndTheNextOneSucceed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	// The transaction takes its lock when the gate is closed already, as one that reaches the table through a foreign key.
	tr := f.traffics[0]
	taken := make(chan struct{})
	tr.set(func() {
		tr.onHold = func() {
			if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public.individual`); err != nil {
				t.Error(err)
			}
			close(taken)
		}
	})
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	<-taken
	st := f.blocked(1)
	if !strings.Contains(st.Pending.LastError, "no lock could be had within 3s") || len(st.Blockers) != 1 || st.Blockers[0].PID != conn.PgConn().PID() {
		t.Errorf("the attempt failed because %q, blockers %+v", st.Pending.LastError, st.Blockers)
	}
	if f.hasColumn("public.individual", "surname") || f.phase("surname") != rules.Active {
		t.Error("something of the failed attempt is left")
	}
	if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if st, err := f.instances[0].Wait(t.Context(), "surname"); err != nil || st.Phase != rules.Cutover {
		t.Errorf("after the transaction ended: %v %v", st, err)
	}
	var paused int
	events, err := f.instances[0].Events(t.Context(), "surname")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.PauseMS > 6000 {
			t.Errorf("the gate was closed for %.0f ms at %q", e.PauseMS, e.Detail)
		}
		if e.Kind == eventAttempt && e.PauseMS >= 2990 {
			paused++
		}
	}
	if paused != 1 {
		t.Errorf("the history shows %d attempts that used up the drain limit, want 1: %+v", paused, events)
	}
}

func TestABlockerWhoseAgeMayNotBeReadIsUnknownAndNotClean(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public.individual`); err != nil {
		t.Fatal(err)
	}
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	st := f.blocked(2)
	if len(st.Blockers) != 1 || st.Blockers[0].PID != conn.PgConn().PID() || st.Blockers[0].Query != "unknown" ||
		!strings.Contains(st.Blockers[0].Why, "pg_read_all_stats") {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	f.blocked(4)
	if holds := f.traffics[0].count("hold"); holds > 0 {
		t.Errorf("statements were held %d times for the same blocker", holds)
	}
	if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if _, err := f.instances[0].Wait(t.Context(), "surname"); err != nil {
		t.Error(err)
	}
}

func TestTheAgeOfASessionOfAnInstanceNeedsNoRight(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public.individual`); err != nil {
		t.Fatal(err)
	}
	tr := f.traffics[0]
	user := value[string](f, `SELECT current_user::text`)
	tr.set(func() {
		tr.sessions = []SessionInfo{{PID: conn.PgConn().PID(), User: user, TransactionSeconds: 3600}}
	})
	if err := f.instances[0].Request(t.Context(), "surname", cutover); err != nil {
		t.Fatal(err)
	}
	st := f.blocked(1)
	if len(st.Blockers) != 1 || st.Blockers[0].AgeSeconds != 3600 || st.Blockers[0].Instance != "a" ||
		!strings.Contains(st.Blockers[0].Why, "in a transaction of 3600.0 s") {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	if holds := tr.count("hold"); holds > 0 {
		t.Errorf("statements were held %d times", holds)
	}
	if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	tr.set(func() { tr.sessions[0].TransactionSeconds = 0 })
	if _, err := f.instances[0].Wait(t.Context(), "surname"); err != nil {
		t.Error(err)
	}
}

func TestYoungTransactionsOfUnknownAgeThatFollowEachOtherKeepNoCutoverWaiting(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(surname)
	f.must("surname", activate)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default: // an error says that the column has gone
				_, _ = f.db.Exec(t.Context(), `SELECT pg_sleep(0.05) FROM public.individual WHERE id = 1`)
			}
		}
	}()
	st, err := f.do("surname", cutover)
	close(stop)
	<-done
	if err != nil || st.Phase != rules.Cutover {
		t.Errorf("the cutover: %+v, %v", st, err)
	}
}

// owner makes a role that owns the tables and is nothing more.
func (f *fleet) owner() string {
	f.t.Helper()
	database := value[string](f, `SELECT current_database()::text`)
	role := "owner_" + database
	pgtest.Exec(f.t, f.url, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'`, `GRANT CREATE ON DATABASE `+database+` TO `+role,
		`ALTER TABLE public.individual OWNER TO `+role, `GRANT ALL ON SCHEMA public TO `+role)
	f.t.Cleanup(func() { pgtest.Exec(f.t, f.url, `DROP OWNED BY `+role+` CASCADE`, `DROP ROLE `+role) })
	return role
}
