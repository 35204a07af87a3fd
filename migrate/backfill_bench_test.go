package migrate

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// A silent is a Traffic without clients.
type silent struct{}

func (silent) Hold(context.Context, []catalog.OID, HoldsLock) error { return nil }
func (silent) Open(*rules.Snapshot)                                 {}
func (silent) Suspend(*Outage)                                      {}
func (silent) End(*Ending)                                          {}
func (silent) Sessions() []SessionInfo                              { return nil }
func (silent) Uses() []UseCount                                     { return nil }

// BenchmarkBackfill compares filling a table, from activate until the last row is filled, with one UPDATE of all rows of a table
// like it. SEGUE_BENCH_ROWS is the number of rows, 200,000 unless it is said. times-plain is what filling takes, in times of
// what the UPDATE takes.
func BenchmarkBackfill(b *testing.B) {
	rows, err := strconv.Atoi(os.Getenv("SEGUE_BENCH_ROWS"))
	if err != nil {
		rows = 200_000
	}
	var filling, plain time.Duration
	for b.Loop() {
		url := pgtest.Database(b)
		for _, table := range []string{"orders", "plain"} {
			pgtest.Exec(b, url, fmt.Sprintf(`CREATE TABLE %[1]s (id int PRIMARY KEY, cents int NOT NULL, note text);
				INSERT INTO %[1]s SELECT i, i %% 10000, 'a note of some length for row ' || i FROM generate_series(1, %[2]d) AS i`, table, rows),
				"VACUUM ANALYZE "+table)
		}
		pgtest.Exec(b, url, `ALTER TABLE plain ADD amount numeric(12,2), ADD mark smallint NOT NULL DEFAULT 0`, `CHECKPOINT`)
		start := time.Now()
		pgtest.Exec(b, url, `UPDATE plain SET amount = cents / 100.0, mark = 1`)
		plain += time.Since(start)
		pgtest.Exec(b, url, `CHECKPOINT`)
		filling += backfillOnce(b, url)
	}
	b.ReportMetric(filling.Seconds()/plain.Seconds(), "times-plain")
	b.ReportMetric(float64(rows)*float64(b.N)/filling.Seconds(), "rows/s")
}

// backfillOnce activates the change and returns how long it took until all rows were filled.
func backfillOnce(b *testing.B, url string) time.Duration {
	ctx := context.Background()
	i, err := NewInstance(Config{Upstream: url, ID: "a"}, silent{})
	if err == nil {
		err = i.Start(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := i.Stop(ctx); err != nil {
			b.Error(err)
		}
	}()
	if _, _, err := i.Create(ctx, "rules.yaml", []byte(money), "bench"); err != nil {
		b.Fatal(err)
	}
	if err := i.Request(ctx, "money", activate); err != nil {
		b.Fatal(err)
	}
	conn := pgtest.Connect(b, url)
	var begun time.Time
	tick := time.NewTicker(50 * time.Millisecond) // who asks more often is load, for which the backfill rests
	defer tick.Stop()
	for range tick.C {
		var stage string
		if err := conn.QueryRow(ctx, `SELECT coalesce(pg_catalog.max(stage), '') FROM segue.change`).Scan(&stage); err != nil {
			b.Fatal(err)
		}
		if begun.IsZero() && stage == string(rules.Filling) {
			begun = time.Now()
		}
		if stage == string(rules.Completing) {
			break
		}
	}
	return time.Since(begun)
}
