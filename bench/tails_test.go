package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// rowsOr is the number of rows that SEGUE_BENCH_ROWS says, or else n.
func rowsOr(n int) int {
	if rows, err := strconv.Atoi(os.Getenv("SEGUE_BENCH_ROWS")); err == nil {
		return rows
	}
	return n
}

// A load is clients that send a statement each few milliseconds whether they have had an answer or not, so that a statement which had
// to wait for those before it counts with its wait.
type load struct {
	clients []*pgx.Conn
	every   time.Duration
	rows    int
}

func newLoad(b *testing.B, url string, rows int) *load {
	l := &load{every: 5 * time.Millisecond, rows: rows}
	for range 4 {
		l.clients = append(l.clients, pgtest.Connect(b, url))
	}
	return l
}

// run has the clients send until done is closed, the one half of the statements being reads, and returns how long each took.
func (l *load) run(b *testing.B, done <-chan struct{}) []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for n, c := range l.clients {
		wg.Go(func() {
			var took []time.Duration
			for due, i := time.Now(), n*7919; ; due, i = due.Add(l.every), i+1 {
				select {
				case <-done:
					mu.Lock()
					defer mu.Unlock()
					all = append(all, took...)
					return
				case <-time.After(time.Until(due)):
				}
				sql := "SELECT cents FROM sale WHERE id = $1"
				if i%2 == 0 {
					sql = "UPDATE sale SET cents = cents + 1 WHERE id = $1"
				}
				if _, err := c.Exec(b.Context(), sql, 1+i*7919%l.rows); err != nil {
					b.Error(err)
					return
				}
				took = append(took, time.Since(due))
			}
		})
	}
	wg.Wait()
	return all
}

// during runs the clients while something is done, and before and after it for a while.
func (l *load) during(b *testing.B, around time.Duration, do func()) (took []time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(around)
		do()
		time.Sleep(around)
	}()
	return l.run(b, done)
}

// quantile is what all but one in so many were done in, in milliseconds.
func quantile(took []time.Duration, in int) float64 {
	slices.Sort(took)
	return float64(took[len(took)-1-len(took)/in].Microseconds()) / 1000
}

// startSale starts Segue for a database with a table of sales, and stores a migration of it.
func startSale(b *testing.B, rows int, file string) (running *serve.Running, url string) {
	b.Helper()
	url = pgtest.Database(b)
	pgtest.Exec(b, url, fmt.Sprintf(`CREATE TABLE sale (id int PRIMARY KEY, cents int, note text);
		INSERT INTO sale SELECT i, i, 'a note of some length, as sales have them' FROM generate_series(1, %d) i`, rows), "VACUUM ANALYZE sale", "CHECKPOINT")
	running = proxyBefore(b, url)
	if _, _, err := running.Instance.Create(b.Context(), "rules.yaml", []byte(file), "bench"); err != nil {
		b.Fatal(err)
	}
	return running, pgtest.Through(b, url, running.Addr())
}

// request makes a transition and waits for its end.
func request(b *testing.B, i *migrate.Instance, id string, r migrate.Request) {
	if err := i.Request(b.Context(), id, r); err != nil {
		b.Error(err)
		return
	}
	if _, err := i.Wait(b.Context(), id); err != nil {
		b.Error(err)
	}
}

// BenchmarkTailOfCutover compares statements on a table of SEGUE_BENCH_ROWS rows (20,000 unless it is said) within a second before and
// after the cutover of a rename with those of seconds without one. It reports the 99.9th percentile of both, of all rounds together, the
// longest of each, and how long the cutovers paused statements, DDL included.
func BenchmarkTailOfCutover(b *testing.B) {
	rows := rowsOr(20_000)
	running, through := startSale(b, rows, `
id: value
operations:
  - rename_column: { table: public.sale, from: cents, to: worth }
  - rename_table: { from: public.sale, to: deal }
`)
	request(b, running.Instance, "value", migrate.Request{Kind: migrate.Activate})
	l := newLoad(b, through+"&segue.version=base", rows)
	l.during(b, time.Second/4, func() {})
	var control, around []time.Duration
	for b.Loop() {
		control = append(control, l.during(b, time.Second, func() {})...)
		around = append(around, l.during(b, time.Second, func() {
			request(b, running.Instance, "value", migrate.Request{Kind: migrate.Cutover})
		})...)
		request(b, running.Instance, "value", migrate.Request{Kind: migrate.Rollback, To: rules.Active})
	}
	events, err := running.Instance.Events(b.Context(), "value")
	if err != nil {
		b.Fatal(err)
	}
	pause := 0.0
	for _, e := range events {
		pause = max(pause, e.PauseMS)
	}
	b.ReportMetric(quantile(control, 1000), "control-p999-ms")
	b.ReportMetric(quantile(around, 1000), "cutover-p999-ms")
	b.ReportMetric(quantile(control, len(control)+1), "control-max-ms")
	b.ReportMetric(quantile(around, len(around)+1), "cutover-max-ms")
	b.ReportMetric(pause, "pause-max-ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkTailOfBackfill compares statements on a table of SEGUE_BENCH_ROWS rows (50,000 unless it is said) while its rows are filled, with the
// brakes that there are without being asked for, with those of as many seconds before. It reports the 99th percentile of both.
func BenchmarkTailOfBackfill(b *testing.B) {
	rows := rowsOr(50_000)
	var control, filling []time.Duration
	var seconds float64
	for b.Loop() {
		running, through := startSale(b, rows, inAmounts)
		l := newLoad(b, through+"&segue.version=base", rows)
		l.during(b, time.Second/4, func() {})
		control = append(control, l.during(b, 2*time.Second, func() {})...)
		request(b, running.Instance, "amount", migrate.Request{Kind: migrate.Activate})
		stage := func(want ...rules.Stage) func() bool {
			return func() bool {
				st, err := running.Instance.Get(b.Context(), "amount")
				return err == nil && slices.Contains(want, st.Stage)
			}
		}
		pgtest.Eventually(b, stage(rules.Filling, rules.Completing, rules.Served), "rows are filled")
		began := time.Now()
		filling = append(filling, l.during(b, 0, func() {
			for all := stage(rules.Completing, rules.Served); !all(); { // however long it takes
				time.Sleep(20 * time.Millisecond)
			}
		})...)
		seconds += time.Since(began).Seconds()
	}
	before, during := quantile(control, 100), quantile(filling, 100)
	b.ReportMetric(before, "control-p99-ms")
	b.ReportMetric(during, "filling-p99-ms")
	b.ReportMetric(during/before, "times-control")
	b.ReportMetric(float64(rows)*float64(b.N)/seconds, "rows/s")
	b.ReportMetric(0, "ns/op")
}
