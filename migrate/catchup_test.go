package migrate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// deaf makes an instance that learns of nothing by itself during a test.
func deaf(c *Config) { c.Poll, c.Lease = time.Hour, 3*time.Hour }

// unheard cuts over as a script by hand does that tells nobody.
const unheard = `BEGIN;
	ALTER TABLE public.individual RENAME last_name TO surname;
	UPDATE segue.migration SET phase = 'cutover' WHERE id = 'surname';
	UPDATE segue.epoch SET epoch = epoch + 1;
	COMMIT`

func TestCatchingUpInstallsWhatNobodyHasTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, deaf)
	f.create(surname)
	f.must("surname", activate)
	i := f.instances[0]
	pgtest.Exec(t, f.url, unheard)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := i.CatchUp(t.Context()); err != nil {
				t.Error(err)
			}
			if phase := i.Snapshot().Migration("surname").Phase; phase != rules.Cutover {
				t.Errorf("served is phase %s", phase)
			}
		})
	}
	wg.Wait()
	snap := i.Snapshot()
	if err := i.CatchUp(t.Context()); err != nil || i.Snapshot() != snap {
		t.Errorf("without news there is another snapshot, or %v", err)
	}
	pgtest.Exec(t, f.url, "ALTER TABLE individual ADD note text")
	if err := i.CatchUp(t.Context()); err != nil || len(i.Snapshot().Lens(rules.Base).Tables[0].Columns) != 4 {
		t.Errorf("the new column is not known, %v", err)
	}
}

func TestCatchingUpWaitsForNobodyWhoIsAway(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop, deaf)
	i := f.instances[0]
	away := errors.New("the control connection was lost")
	i.health.failed(away)
	if err := i.CatchUp(t.Context()); !errors.Is(err, away) {
		t.Errorf("out of touch: %v", err)
	}
	i.health.renewed(time.Now())
	late, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := i.CatchUp(late); err != nil && !errors.Is(err, enough) {
		t.Errorf("after the time is over: %v", err)
	}
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.CatchUp(t.Context()); !errors.Is(err, errNotRunning) {
		t.Errorf("after Stop: %v", err)
	}
}
