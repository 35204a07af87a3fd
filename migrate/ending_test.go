package migrate

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// app makes a role that is no owner of anything, and connects as it.
func (f *fleet) app() (*pgx.Conn, string) {
	f.t.Helper()
	role := "app_" + value[string](f, `SELECT current_database()::text`)
	pgtest.Exec(f.t, f.url, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'`)
	f.t.Cleanup(func() { pgtest.Exec(f.t, f.url, `DROP ROLE `+role) })
	return pgtest.Connect(f.t, asRole(f.url, role)), role
}

func TestInstancesEndTheirOwnSessionsWithoutAnyRight(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		r    Request
		left string // the version whose sessions stay
	}{
		{"rollback", Request{Kind: Rollback, EndSessions: true}, "base"},
		{"contract", Request{Kind: Contract, EndSessions: true, AllowBypass: true}, "surname"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 0, shop)
			role := f.owner()
			for range 3 {
				f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
			}
			f.create(surname)
			f.must("surname", activate, cutover)
			for n, tr := range f.traffics {
				tr.set(func() {
					tr.sessions = []SessionInfo{{PID: uint32(90000 + n), Version: "surname"}, {PID: uint32(91000 + n), Version: "base"}, {PID: uint32(92000 + n)}}
				})
			}
			f.must("surname", tc.r)
			for _, tr := range f.traffics {
				sessions := tr.Sessions()
				if len(sessions) != 2 || sessions[0].Version != tc.left || sessions[1].Version != "" {
					t.Errorf("instance %s has the sessions %+v", tr.id, sessions)
				}
				pgtest.Eventually(t, func() bool {
					tr.mu.Lock()
					defer tr.mu.Unlock()
					return tr.ending == nil
				}, "nothing is ended any more")
			}
		})
	}
}

func TestATransitionThatIsWithdrawnEndsNoMoreSessions(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	f.must("surname", activate, cutover)
	blocker := f.begin("batch", `SELECT FROM public.individual`)
	if err := f.instances[0].Request(t.Context(), "surname", Request{Kind: Rollback, EndSessions: true}); err != nil {
		t.Fatal(err)
	}
	ends := func(want bool) func() bool {
		return func() bool {
			return !slices.ContainsFunc(f.traffics, func(tr *traffic) bool {
				tr.mu.Lock()
				defer tr.mu.Unlock()
				return (tr.ending != nil) != want
			})
		}
	}
	pgtest.Eventually(t, ends(true), "all instances end sessions")
	f.blocked(1)
	if _, err := f.instances[0].Cancel(t.Context(), "surname", "test"); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, ends(false), "no instance ends sessions")
	_ = blocker.Close(t.Context())
}

func TestWhatIsLeftOfALostInstanceIsEndedByTheServerOrTheGrantIsNamed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	owner := f.owner()
	f.join(shortLease, func(c *Config) { c.Upstream = asRole(f.url, owner) })
	f.create(surname)
	f.must("surname", activate, cutover)
	conn, role := f.app()
	f.killed("killed", SessionInfo{PID: conn.PgConn().PID(), User: role, Version: "surname"})
	end := Request{Kind: Rollback, EndSessions: true}
	e := f.refused("surname", end)
	grant := "GRANT pg_signal_backend TO " + owner
	if !strings.Contains(e.Message, fmt.Sprintf("pid %d", conn.PgConn().PID())) || !strings.Contains(e.Message, "instance killed") ||
		!strings.Contains(e.Error(), grant) {
		t.Errorf("the refusal is %v", e)
	}
	if f.phase("surname") != rules.Cutover {
		t.Error("it was rolled back all the same")
	}
	pgtest.Exec(t, f.url, grant)
	f.must("surname", end)
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the session was not ended")
	}
}

func TestSessionsThatAnInstanceDoesNotEndAreEndedByTheServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop, shortLease)
	f.create(surname)
	f.must("surname", activate)
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, f.url)
	tr := f.traffics[1]
	tr.set(func() {
		tr.deaf, tr.sessions = true, []SessionInfo{{PID: conn.PgConn().PID(), User: u.User.Username(), Version: "surname"}}
	})
	done := make(chan struct{})
	go func() { // the proxy forgets a session whose backend has ended
		defer close(done)
		_, _ = conn.Exec(t.Context(), `SELECT pg_sleep(60)`)
		tr.set(func() { tr.sessions = nil })
	}()
	f.must("surname", Request{Kind: Rollback, EndSessions: true})
	<-done
}

func TestARollbackMindsSessionsWithoutAVersionThatUseTheNamesThatGo(t *testing.T) {
	t.Parallel()
	for _, reached := range []Request{activate, cutover} {
		f := newFleet(t, 2, shop)
		f.create(surname)
		f.must("surname", activate)
		f.must("surname", reached)
		uses := []SessionInfo{{PID: 90000, User: "shop", Application: "new", Needs: []string{"surname"}}, {PID: 90001, User: "shop"}}
		f.traffics[1].set(func() { f.traffics[1].sessions = slices.Clone(uses) })
		back := Request{Kind: Rollback}
		e := f.refused("surname", back)
		if !strings.Contains(e.Message, "1 session lives") || len(e.Blockers) != 1 || e.Blockers[0].PID != 90000 ||
			!strings.Contains(e.Blockers[0].Why, "has chosen no version, and uses names of version surname") {
			t.Errorf("from %s: the refusal is %v, %+v", reached.Kind, e, e.Blockers)
		}
		if reached.Kind == Cutover { // which keeps both versions
			f.must("surname", Request{Kind: Rollback, To: rules.Active}, cutover)
		}
		back.Force, back.Reason = true, "a dashboard"
		f.must("surname", back, activate)
		f.traffics[1].set(func() { f.traffics[1].sessions = slices.Clone(uses) })
		f.must("surname", Request{Kind: Rollback, EndSessions: true})
		if got := value[int64](f, `SELECT count(*) FROM segue.audit WHERE kind = 'committed' AND detail LIKE '%forced%'`); got != 1 {
			t.Errorf("from %s: the audit tells of %d forced transitions, want 1", reached.Kind, got)
		}
	}
}
