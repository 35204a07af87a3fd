package migrate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A backfill waits for what it is told to wait for, says so, and goes on when that is over, without anything being started again.
func TestABackfillKeepsTheLimitsThatAreSetWhileItRuns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, orders+`CREATE TABLE public.calm (wait text); INSERT INTO calm VALUES ('1'); CREATE TABLE public.other (id int); CREATE TABLE public.rest AS SELECT 1 AS n`)
	for range 2 {
		f.join(func(c *Config) { c.Throttle = `SELECT wait FROM public.calm` })
	}
	f.create(money)
	f.create("id: label\noperations:\n  - rename_column: { table: public.other, from: id, to: label }\n")
	if err := f.instances[0].Brake(t.Context(), "label", Brakes{}, "test"); err == nil || !strings.Contains(err.Error(), "nothing to brake") {
		t.Errorf("a rename can be braked: %v", err)
	}
	f.must("money", activate)
	waits := func(want string) {
		t.Helper()
		pgtest.Eventually(t, func() bool {
			st, err := f.instances[0].Get(t.Context(), "money")
			return err == nil && st.Progress != nil && strings.HasPrefix(st.Progress.Waits, want)
		}, "it waits, since "+want)
	}
	set := func(b Brakes) {
		t.Helper()
		if err := f.instances[1].Brake(t.Context(), "money", b, "test"); err != nil {
			t.Fatal(err)
		}
	}
	waits("the throttle query says so")
	now := value[time.Time](f, `SELECT now() AT TIME ZONE 'Asia/Kolkata'`)
	later := Brakes{Hours: fmt.Sprintf("%02d:%02d-%02d:%02d Asia/Kolkata", (now.Hour()+2)%24, now.Minute(), (now.Hour()+3)%24, now.Minute())}
	set(later)
	waits("it is ")
	st, err := f.instances[0].Get(t.Context(), "money")
	if err != nil || st.Progress.Brakes == nil || !strings.Contains(st.Progress.Brakes.String(), "Asia/Kolkata") {
		t.Errorf("the limits are shown as %+v, %v", st.Progress, err)
	}
	if err := f.instances[1].Brake(t.Context(), "money", Brakes{Hours: "01:00-02:00 Nowhere"}, "test"); err == nil || !strings.Contains(err.Error(), "no such time zone") {
		t.Errorf("a time zone that is not there gives %v", err)
	}
	f.exec(`DROP TABLE public.calm`)
	set(Brakes{})
	waits("the throttle query fails with SQLSTATE 42P01")
	if n := value[int](f, `SELECT count(*)::int FROM orders WHERE amount IS NOT NULL`); n != 0 {
		t.Errorf("%d rows were filled meanwhile", n)
	}
	set(later)
	f.exec(`CREATE TABLE public.calm (wait bool); INSERT INTO calm VALUES (false)`)
	f.create("id: big\ncontract_after: 0s\noperations:\n  - change_columns:\n      table: public.rest\n      from: [n]\n" +
		"      to: [{ name: m, type: bigint }]\n      up: { m: n::bigint }\n      down: { n: m::int }\n")
	f.must("big", activate)
	f.awaitStage("big", rules.Served) // which does not wait for the other
	if n := value[int](f, `SELECT count(*)::int FROM orders WHERE amount IS NOT NULL`); n != 0 {
		t.Errorf("%d rows were filled at another time of the day", n)
	}
	set(Brakes{})
	f.awaitStage("money", rules.Served)
	if n := value[int](f, `SELECT count(*)::int FROM segue.audit WHERE kind = 'braked'`); n != 4 {
		t.Errorf("the history tells of %d", n)
	}
}

// What a throttle query may do and answer.
func TestAThrottleQueryReadsAndNoMore(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	conn := pgtest.Connect(t, f.url)
	for query, want := range map[string]string{
		`SELECT NULL`: "", `SELECT false`: "", `SELECT 0`: "", `SELECT ''`: "", `SELECT 1 WHERE false`: "",
		`SELECT true`: "the throttle query says so", `SELECT 'secret'`: "the throttle query says so",
		`DELETE FROM individual RETURNING 1`: "the throttle query fails with SQLSTATE 25006",
		`SELECT pg_sleep(30)`:                "the throttle query fails with SQLSTATE 57014",
		`SELECT 1; SELECT 2`:                 "the throttle query fails with SQLSTATE 42601",
	} {
		if got, err := throttled(t.Context(), conn, query); got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
}

func TestLimitsOfABackfill(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limits          Brakes
		lag, slot, rate float64
		want            string
	}{
		{Brakes{}, 10, 1 << 30, 1e12, ""},
		{Brakes{}, 11, 0, 0, "a replica is 11 s behind"},
		{Brakes{MaxLag: 60}, 11, 0, 0, ""},
		{Brakes{MaxLag: 0.5}, 1, 0, 0, "a replica is 1 s behind"},
		{Brakes{}, 0, 2 << 30, 0, "a replication slot keeps 2.0 GB of the log back"},
		{Brakes{MaxSlot: 4 << 30}, 0, 2 << 30, 0, ""},
		{Brakes{MaxWAL: 1 << 20}, 0, 0, 2 << 20, "the server writes 2.0 MB of log in a second"},
		{Brakes{MaxWAL: 1 << 20}, 0, 0, 1 << 20, ""},
	} {
		if got := tc.limits.exceeded(tc.lag, tc.slot, tc.rate); got != tc.want {
			t.Errorf("%+v with %v, %v, %v: %q, want %q", tc.limits, tc.lag, tc.slot, tc.rate, got, tc.want)
		}
	}
	for _, b := range []Brakes{{Hours: "22-6"}, {Hours: "24:00-06:00"}, {Hours: "22:00-22:00"}, {Hours: "22:00-06:00 a;b"}, {MaxLag: -1}, {MaxSlot: -1}, {MaxWAL: -1}} {
		if key, hint := b.Check(); key == "" || hint == "" {
			t.Errorf("%+v is accepted", b)
		}
	}
	for _, b := range []Brakes{{}, {Hours: "22:00-06:00"}, {Hours: "00:00-23:59 Etc/GMT+5", MaxLag: 1, MaxSlot: 1, MaxWAL: 1}} {
		if key, _ := b.Check(); key != "" {
			t.Errorf("%+v: %s is refused", b, key)
		}
	}
}

// The log that is written is counted between two looks.
func TestABrakeLooksAtTheLogThatIsWrittenInASecond(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	conn := pgtest.Connect(t, f.url)
	pgtest.Exec(t, f.url, `UPDATE segue.backfill SET brakes = '{"max_wal_bytes_per_second": 1}'`)
	now := time.Now()
	b := brake{now: func() time.Time { return now }}
	look := func() string {
		t.Helper()
		waits, err := b.look(t.Context(), conn, &store.Backfill{Migration: "money"})
		if err != nil {
			t.Fatal(err)
		}
		return waits
	}
	if got := look(); got != "" {
		t.Errorf("before anything can be said it waits: %s", got)
	}
	f.exec(`UPDATE orders SET note = note || '!'`)
	if got := look(); got != "" {
		t.Errorf("it has looked again at once: %s", got)
	}
	now = now.Add(2 * brakeEvery)
	if got := look(); !strings.Contains(got, "of log in a second") {
		t.Errorf("it waits for %q", got)
	}
}

// Who sends short statements is hardly ever seen at one, and counts all the same.
func TestABrakeSeesWhoWasAtWorkAMomentAgo(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, orders)
	conn, other := pgtest.Connect(t, f.url), pgtest.Connect(t, f.url)
	b := brake{now: time.Now}
	if b.batchTime() != batchTime || b.rest(batchTime) != 0 {
		t.Errorf("alone, a batch takes %v and rests for %v", b.batchTime(), b.rest(batchTime))
	}
	pgtest.Eventually(t, func() bool { // on a slow machine the moment may be over
		if _, err := other.Exec(t.Context(), `SELECT 1`); err != nil {
			t.Fatal(err)
		}
		b.around = time.Time{}
		if err := b.lookAround(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		return b.others > 0
	}, "a session that was at work is seen")
	if b.batchTime() != busyBatchTime || b.rest(busyBatchTime) < busyBatchTime {
		t.Errorf("beside others, a batch takes %v and rests for %v", b.batchTime(), b.rest(busyBatchTime))
	}
	seen := b.others
	b.others = -1
	if err := b.lookAround(t.Context(), conn); err != nil || b.others != -1 {
		t.Errorf("it has looked again at once: %d, before %d, %v", b.others, seen, err)
	}
}
