package migrate

import (
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestAPaceLetsABurstPassAndThenOneEachTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pace{burst: 3, every: 100 * time.Millisecond}
	for range 3 {
		if wait := p.due(now); wait != 0 {
			t.Errorf("one of the burst waits for %s", wait)
		}
	}
	passed := 0
	for range 1000 { // in a second
		now = now.Add(time.Millisecond)
		if wait := p.due(now); wait == 0 {
			passed++
		} else if wait > p.every {
			t.Errorf("it waits for %s", wait)
		}
	}
	if passed < 9 || passed > 10 {
		t.Errorf("%d have passed in a second, want 10", passed)
	}
	now = now.Add(time.Hour)
	for range 3 {
		if p.due(now) != 0 {
			t.Error("after a long pause the burst is not there again")
		}
	}
	if p.due(now) == 0 {
		t.Error("after a long pause there is more than a burst")
	}
}

// TestAFloodOfNotificationsIsReadAndKeepsNothingUp with transitions and questions for reports in the middle of it.
func TestAFloodOfNotificationsIsReadAndKeepsNothingUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	flooding := pgtest.Connect(t, f.url)
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			default:
				if _, err := flooding.Exec(t.Context(), `SELECT pg_notify('segue', p) FROM unnest(ARRAY['catalog', 'report', '', repeat('x', 4000)]) AS p`); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	f.must("surname", activate, cutover, backToActive, cutover, contract)
	close(stop)
	if sent := <-stopped; sent < 100 {
		t.Errorf("that was no flood: %d statements", sent)
	}
	// The server takes away what all have read when some pages more have been written (QUEUE_CLEANUP_DELAY in async.c); the queue
	// is that of all databases.
	pgtest.Eventually(t, func() bool {
		pgtest.Exec(t, f.url, `SELECT pg_notify('elsewhere', n || repeat('x', 7000)) FROM generate_series(1, 8) AS n`)
		return value[float64](f, `SELECT pg_notification_queue_usage()`) < 2e-5
	}, "all have read what was sent")
}
