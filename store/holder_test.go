package store_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

func TestWhatIsHeldIsFreeWhenTheSessionHasEnded(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	other := pgtest.Connect(t, conn.Config().ConnString())
	for range 2 { // again is no second time
		if holder, err := store.Hold(ctx, conn, "it"); err != nil || holder != 0 {
			t.Fatalf("the first is told %d, error %v", holder, err)
		}
	}
	if holder, err := store.Hold(ctx, other, "it"); err != nil || holder != conn.PgConn().PID() {
		t.Errorf("the second is told %d, error %v", holder, err)
	}
	if holder, err := store.Hold(ctx, other, "something else"); err != nil || holder != 0 {
		t.Errorf("something else is held by %d, error %v", holder, err)
	}
	if err := store.EndHolder(ctx, other, "it", conn.PgConn().PID()); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		holder, err := store.Hold(ctx, other, "it")
		return err == nil && holder == 0
	}, "the second has it")
}

func TestAProcessNumberThatIsUsedAgainHoldsNothing(t *testing.T) {
	t.Parallel()
	conn := installed(t)
	other := pgtest.Connect(t, conn.Config().ConnString())
	if _, err := store.Hold(ctx, conn, "it"); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `UPDATE segue.holder SET began = began - interval '1 hour'`)
	if holder, err := store.Hold(ctx, other, "it"); err != nil || holder != 0 {
		t.Errorf("it is held by %d, error %v", holder, err)
	}
}

func TestOfManyOneHolds(t *testing.T) {
	t.Parallel()
	url := installed(t).Config().ConnString()
	var holders atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		conn := pgtest.Connect(t, url)
		wg.Go(func() {
			holder, err := store.Hold(ctx, conn, "it")
			if err != nil {
				t.Error(err)
			} else if holder == 0 {
				holders.Add(1)
			}
		})
	}
	wg.Wait()
	if n := holders.Load(); n != 1 {
		t.Errorf("%d hold it", n)
	}
}

func TestNoRoleKeepsOthersFromHoldingOrFromTheSchema(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	stranger := pgtest.Connect(t, url)
	// Any role may take any advisory lock: these are of the classes in which locks were taken once.
	exec(t, stranger, `SELECT pg_advisory_lock(x'53454755'::int, k), pg_advisory_lock(x'53454749'::int, k) FROM generate_series(0, 3) AS k`,
		`SELECT pg_advisory_lock(x'53454755'::bigint)`)
	conn := pgtest.Connect(t, url)
	check(t, store.Install(ctx, conn), "")
	for _, what := range []string{store.HoldLeader, store.HoldInstance("pod-1")} {
		if holder, err := store.Hold(ctx, conn, what); err != nil || holder != 0 {
			t.Errorf("%s is held by %d, error %v", what, holder, err)
		}
	}
}
