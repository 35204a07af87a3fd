package proxy

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// trafficModes are the ways in which pgx sends statements.
var trafficModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

// connectedAs connects a client of a version that sends its statements in one of these ways. The caller closes it.
func connectedAs(t *testing.T, url, version string, mode pgx.QueryExecMode) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["segue.version"] = version
	cfg.DefaultQueryExecMode = mode
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestRenamesUnderTrafficCauseNoError renames a column there and back under clients of both versions, which use every
// way of the protocol, transactions and pipelines.
func TestRenamesUnderTrafficCauseNoError(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	ctx := context.Background()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var done atomic.Int64
	for i, mode := range trafficModes {
		for version, column := range map[string]string{rules.Base: "last_name", "surname": "surname"} {
			conn := connectedAs(t, p.url, version, mode)
			wg.Go(func() {
				defer conn.Close(ctx)
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := work(ctx, conn, column, fmt.Sprintf("w%d-%s", i, column), n); err != nil {
						t.Errorf("mode %v, version %s, round %d: %v", mode, version, n, err)
						return
					}
					done.Add(1)
				}
			})
		}
	}
	owner := pgtest.Connect(t, p.direct)
	holds := p.locks()
	for round := range 20 {
		there := round%2 == 0
		ddl, phase := renameBack, rules.Active
		if there {
			ddl, phase = renameThere, rules.Cutover
		}
		for attempt := 0; ; attempt++ {
			if attempt == 50 {
				t.Fatalf("round %d: the rename never gets through", round)
			}
			limit, cancel := context.WithTimeout(ctx, time.Second)
			err := p.Hold(limit, p.Server.epoch.Load().binder.Snapshot().Tables, holds)
			cancel()
			if err == nil {
				_, err = owner.Exec(ctx, "SET lock_timeout = '1s'; "+ddl, pgx.QueryExecModeSimpleProtocol)
			}
			if err == nil {
				p.Open(p.snapshot(int64(round+2), migration(t, 1, phase, surname)))
				break
			}
			p.Open(p.Server.epoch.Load().binder.Snapshot())
		}
		before := done.Load()
		pgtest.Eventually(t, func() bool { return done.Load() > before+8 || t.Failed() }, "work goes on")
	}
	close(stop)
	wg.Wait()
	var lost int
	if err := owner.QueryRow(ctx, "SELECT count(*) FROM orders WHERE individual IS NULL").Scan(&lost); err != nil || lost > 0 {
		t.Errorf("%d rows, %v", lost, err)
	}
}

// work is one round of a client's life.
func work(ctx context.Context, conn *pgx.Conn, column, who string, n int) error {
	var name string
	if err := conn.QueryRow(ctx, "SELECT "+column+" FROM individual WHERE id = $1", 1+n%3).Scan(&name); err != nil {
		return fmt.Errorf("select: %w", err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO orders (individual) VALUES ($1)", 1+n%3); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	if _, err := tx.Exec(ctx, "INSERT INTO individual AS i (id, "+column+") VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET "+column+" = EXCLUDED."+column, 100+n%50, who); err != nil {
		return fmt.Errorf("upsert: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	b := &pgx.Batch{}
	b.Queue("SELECT count(*) FROM individual WHERE "+column+" = $1", who)
	b.Queue("SELECT " + column + " FROM individual i ORDER BY i." + column + " LIMIT 1")
	b.Queue("SELECT 1")
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	return nil
}
