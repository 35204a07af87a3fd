package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestRenamesPastTheProxyCauseNoErrorOutsideTransactions renames a column there and back, and tells the proxy nothing. It
// finds out when statements fail.
func TestRenamesPastTheProxyCauseNoErrorOutsideTransactions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := openOutdated(t)
	var mu sync.Mutex
	there, served := false, false
	o.catchUp = func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if there == served {
			return nil
		}
		phase := rules.Active
		if there {
			phase = rules.Cutover
		}
		served = there
		o.Open(o.snapshot(int64(o.asked.Load())+1, migration(t, 1, phase, surname)))
		return nil
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var rounds []*atomic.Int64
	for _, mode := range trafficModes {
		for version, column := range map[string]string{rules.Base: "last_name", "surname": "surname"} {
			conn := connectedAs(t, o.url, version, mode)
			done := new(atomic.Int64)
			rounds = append(rounds, done)
			wg.Go(func() {
				defer conn.Close(ctx)
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := workAlone(ctx, conn, column, n); err != nil {
						t.Errorf("mode %v, version %s, round %d: %v", mode, version, n, err)
						return
					}
					done.Add(1)
				}
			})
		}
	}
	owner := pgtest.Connect(t, o.direct)
	for round := range 20 {
		ddl := renameBack
		if round%2 == 0 {
			ddl = renameThere
		}
		mu.Lock()
		if _, err := owner.Exec(ctx, ddl); err != nil {
			t.Error(err)
		}
		there = round%2 == 0
		mu.Unlock()
		// One try more is all that a statement gets: so each client must have got over this rename before the next.
		for _, done := range rounds {
			before := done.Load()
			pgtest.Eventually(t, func() bool { return done.Load() > before+1 || t.Failed() }, "work goes on")
		}
	}
	close(stop)
	wg.Wait()
	if o.retries() == 0 {
		t.Error("no statement has met the other names")
	}
	t.Logf("%d statements were sent once more", o.retries())
}

// workAlone is one round of statements that are transactions of their own.
func workAlone(ctx context.Context, conn *pgx.Conn, column string, n int) error {
	var name string
	if err := conn.QueryRow(ctx, "SELECT "+column+" FROM individual WHERE id = $1", 1+n%3).Scan(&name); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "UPDATE individual SET "+column+" = $2 WHERE id = $1", 1+n%3, name)
	return err
}
