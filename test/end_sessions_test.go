package test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
)

// An owner without any right over other sessions rolls back, while apps of the version that goes hold locks, run long
// statements and come back at once, through all instances.
func TestSessionsOfTheVersionThatGoesAreEndedByTheirInstances(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, manyPeople)
	upstream, err := url.Parse(f.direct)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(upstream.Path, "/")
	role := "owner_" + name
	pgtest.Exec(t, f.direct, `CREATE ROLE `+role+` LOGIN PASSWORD 'secret'`, `ALTER TABLE individual OWNER TO `+role,
		`GRANT CREATE ON DATABASE `+name+` TO `+role, `GRANT ALL ON SCHEMA public TO `+role)
	t.Cleanup(func() { pgtest.Exec(t, f.direct, `DROP OWNED BY `+role+` CASCADE`, `DROP ROLE `+role) })
	upstream.User = url.UserPassword(role, "secret")
	for _, id := range []string{"one", "two"} {
		f.start(t, id, func(c *serve.Config) { c.Upstream = upstream.String() })
	}
	f.create(t, surname)
	f.transition(t, "surname", migrate.Request{Kind: migrate.Activate})
	f.transition(t, "surname", migrate.Request{Kind: migrate.Cutover})

	ctx, stop := context.WithCancel(t.Context())
	var apps sync.WaitGroup
	for i := range f.instances {
		old := f.connect(t, i, "base", pgx.QueryExecModeExec)
		defer func() {
			if _, err := old.Exec(context.Background(), `SELECT last_name FROM individual LIMIT 1`); err != nil {
				t.Errorf("a session of the version that stays: %v", err)
			}
		}()
		for _, work := range []string{
			`BEGIN; UPDATE person SET surname = surname WHERE id = 1; SELECT pg_sleep(600)`,
			`SELECT pg_sleep(600), surname FROM person WHERE id = 2`,
		} {
			conn := f.connect(t, i, "surname", pgx.QueryExecModeSimpleProtocol)
			apps.Go(func() { // it comes back whenever it is ended
				for ctx.Err() == nil {
					_, _ = conn.Exec(ctx, work)
					if next, err := pgx.Connect(ctx, f.url(t, i, "surname")); err == nil {
						_ = conn.Close(context.Background())
						conn = next
					}
				}
				_ = conn.Close(context.Background())
			})
		}
	}
	watch := pgtest.Connect(t, f.direct)
	pgtest.Eventually(t, func() bool {
		var n int
		err := watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%'
			AND pid <> pg_backend_pid() AND state = 'active'`).Scan(&n)
		return err == nil && n >= 2
	}, "apps hold locks")
	f.transition(t, "surname", migrate.Request{Kind: migrate.Rollback, EndSessions: true})
	stop()
	apps.Wait()
}
