package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

// unhurried takes nobody for lost during a test.
func unhurried(c *Config) { c.Lease = time.Hour }

// rival makes an instance like the fleet's first, with the id.
func (f *fleet) rival(id string) *Instance {
	f.t.Helper()
	cfg := f.instances[0].cfg
	cfg.ID = id
	i, err := NewInstance(cfg, newTraffic(f.t, "rival", f.db))
	if err != nil {
		f.t.Fatal(err)
	}
	return i
}

func TestASecondProcessWithTheIDOfOneThatRunsIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, unhurried)
	if err := f.rival("a").Start(t.Context()); err == nil || !strings.Contains(err.Error(), `another process runs as instance "a"`) {
		t.Errorf("starting gives %v", err)
	}
	f.create(surname)
	f.must("surname", activate) // the first goes on
}

// TestAConnectionThatDidNotGetTheIDIsForgotten because its number may become that of the process that has the id, which
// would be taken for a lost connection then.
func TestAConnectionThatDidNotGetTheIDIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	late := &follower{i: f.rival("a"), conn: pgtest.Connect(t, f.url), claimed: []uint32{1}}
	if err := late.claim(t.Context()); err == nil {
		t.Fatal("two processes have one id")
	}
	if diff := cmp.Diff([]uint32{1}, late.claimed); diff != "" {
		t.Errorf("connections that may hold the id (-want +got):\n%s", diff)
	}
}

// holdAs is a process that registers as an instance, and then only keeps its control connection.
func (f *fleet) holdAs(id string, silence time.Duration) *pgx.Conn {
	f.t.Helper()
	conn := pgtest.Connect(f.t, f.url)
	if err := store.RegisterInstance(f.t.Context(), conn, id, "", time.Second, 0, true); err != nil {
		f.t.Fatal(err)
	}
	if _, err := conn.Exec(f.t.Context(), `UPDATE segue.instance SET heartbeat = heartbeat - $2 * interval '1 s' WHERE id = $1`, id, silence.Seconds()); err != nil {
		f.t.Fatal(err)
	}
	if holder, err := store.Hold(f.t.Context(), conn, store.HoldInstance(id)); err != nil || holder != 0 {
		f.t.Fatalf("held by %d, error %v", holder, err)
	}
	return conn
}

func TestAProcessThatWasKilledComesBackAtOnceUnderItsID(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, unhurried)
	killed := f.holdAs("b", 0)
	back := f.rival("b")
	started := make(chan error, 1)
	go func() { started <- back.Start(t.Context()) }()
	pgtest.Eventually(t, func() bool {
		var waits int
		err := f.db.QueryRow(t.Context(), `
			SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%segue.holder%' AND pid NOT IN ($1, pg_backend_pid())`,
			killed.PgConn().PID()).Scan(&waits)
		return err == nil && waits > 0
	}, "the new process looks at the id")
	_ = killed.Close(t.Context())
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	if err := back.Ready(); err != nil {
		t.Errorf("it does not serve: %v", err)
	}
	if err := back.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheConnectionOfAMachineThatHasGoneIsEnded(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	gone := f.holdAs("b", time.Minute)
	f.join()
	if err := gone.Ping(t.Context()); err == nil {
		t.Error("its connection lives")
	}
}

func TestAnInstanceTakesItsIDBackFromItsOwnLostConnection(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	lost := pgtest.Connect(t, f.url)
	control := &follower{i: f.rival("x"), conn: lost}
	if err := control.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	control.conn = pgtest.Connect(t, f.url)
	if err := control.claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lost.Ping(t.Context()); err == nil {
		t.Error("the lost connection lives")
	}
}
