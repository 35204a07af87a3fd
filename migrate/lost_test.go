package migrate

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
)

// shortLease makes an instance that is gone count as lost soon.
func shortLease(c *Config) { c.Lease, c.DrainLimit = 2*time.Second, time.Second }

// killed is an instance that ends without a word: it reports the sessions, then its process and its connections are gone.
func (f *fleet) killed(id string, sessions ...SessionInfo) {
	f.t.Helper()
	conn := f.holdAs(id, 0)
	pids := []int32{int32(conn.PgConn().PID())}
	text := []string{}
	for _, s := range sessions {
		pids = append(pids, int32(s.PID))
		text = append(text, fmt.Sprintf(`{"pid": %d, "user": %q, "version": %q}`, s.PID, s.User, s.Version))
	}
	_, err := conn.Exec(f.t.Context(), `UPDATE segue.instance SET sessions = $2, pids = $3, reported = clock_timestamp(), lease = '2 s' WHERE id = $1`,
		id, "["+strings.Join(text, ",")+"]", pids)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = conn.Close(f.t.Context())
}

// of connects as the version's client of an instance that will be killed.
func (f *fleet) of(version string) (*pgx.Conn, SessionInfo) {
	f.t.Helper()
	conn := pgtest.Connect(f.t, f.url)
	u, err := url.Parse(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	return conn, SessionInfo{PID: conn.PgConn().PID(), User: u.User.Username(), Version: version}
}

func TestAKilledInstanceHoldsUpNothingForLongerThanItsTime(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Request{"rollback": rollback, "contract": contract, "rollback that ends sessions": {Kind: Rollback, EndSessions: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, shop, shortLease)
			f.create(surname)
			f.must("surname", activate, cutover)
			conn, session := f.of("surname")
			_ = conn.Close(t.Context())
			pgtest.Eventually(t, func() bool {
				return !value[bool](f, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)`, int32(session.PID))
			}, "the backend of the session has gone")
			for n := range 5 { // killed again and again, each time as another
				f.killed(fmt.Sprint("killed-", n), session)
			}
			f.must("surname", r)
			if n := value[int](f, `SELECT count(*) FROM segue.instance WHERE NOT expired`); n != 1 {
				t.Errorf("%d instances count as alive", n)
			}
		})
	}
}

func TestNoGateIsClosedForAnInstanceThatIsGone(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop, shortLease)
	f.create(surname)
	f.must("surname", activate)
	f.killed("killed")
	f.must("surname", cutover)
	if n := value[int](f, `SELECT count(*) FROM segue.audit WHERE kind = 'attempt' AND detail LIKE '%instance killed %'`); n == 0 {
		t.Error("nothing says that the instance was waited for")
	}
	if n := value[int](f, `SELECT count(*) FROM segue.audit WHERE kind = 'attempt' AND pause_ms IS NOT NULL`); n != 0 {
		t.Errorf("%d attempts held up statements for nothing", n)
	}
}

func TestWhatIsLeftOfAKilledInstanceCountsWithItsLastVersion(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, shortLease)
	f.create(surname)
	f.must("surname", activate, cutover)
	left, session := f.of("surname")
	other, unpinned := f.of("")
	f.killed("killed", session, unpinned)
	e := f.refused("surname", rollback)
	if len(e.Blockers) != 1 || e.Blockers[0].PID != session.PID || e.Blockers[0].Instance != "killed" || len(e.Missing) != 0 {
		t.Errorf("the rollback is refused with %v, blockers %+v, missing %q", e, e.Blockers, e.Missing)
	}
	list, err := f.instances[0].Instances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range list {
		if in.ID == "killed" && (!in.Expired || in.Sessions != 2) {
			t.Errorf("the list has %+v", in)
		}
	}
	_ = left.Close(t.Context())
	_ = other.Close(t.Context())
	pgtest.Eventually(t, func() bool {
		_, err := f.do("surname", rollback)
		return err == nil
	}, "the rollback, when the session has gone")
}

func TestASessionOfAKilledInstanceThatIsLeftDoesNotComePastTheInstances(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, shortLease)
	f.create(surname)
	f.must("surname", activate, cutover)
	_, session := f.of("surname")
	f.killed("killed", session)
	e := f.refused("surname", Request{Kind: Contract, Actor: "test"}) // for the test's own connections
	for _, b := range e.Blockers {
		if b.PID == session.PID {
			t.Errorf("a session that came through an instance is said to come past them: %+v", b)
		}
	}
}

func TestAProcessNumberThatIsUsedAgainIsNoSessionOfAKilledInstance(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, shortLease)
	f.create(surname)
	f.must("surname", activate, cutover)
	_, session := f.of("surname")
	f.killed("killed", session)
	pgtest.Exec(t, f.url, `UPDATE segue.instance SET reported = reported - interval '1 hour' WHERE id = 'killed'`)
	f.must("surname", rollback)
}

func TestAnInstanceThatComesBackUnderItsIDStartsAnew(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.killed("b", SessionInfo{PID: 1})
	before := value[time.Time](f, `SELECT started FROM segue.instance WHERE id = 'b'`)
	f.join()
	after := value[time.Time](f, `SELECT started FROM segue.instance WHERE id = 'b'`)
	if !after.After(before) {
		t.Errorf("it says that it has started at %s, as the one before at %s", after, before)
	}
	if list := value[string](f, `SELECT sessions::text FROM segue.instance WHERE id = 'b'`); list != "[]" {
		t.Errorf("its sessions are %s", list)
	}
	pgtest.Exec(t, f.url, `UPDATE segue.instance SET expired = true WHERE id = 'b'`)
	pgtest.Eventually(t, func() bool { return !value[bool](f, `SELECT expired FROM segue.instance WHERE id = 'b'`) }, "it registers again")
	if again := value[time.Time](f, `SELECT started FROM segue.instance WHERE id = 'b'`); !again.Equal(after) {
		t.Errorf("the same process says that it has started at %s, and at %s", after, again)
	}
}
