package proxy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

const gadget = `
id: gadget
operations:
  - rename_column: { table: public.widget, from: size, to: extent }
`

// TestHoldWaitsForWhatWasSentBeforeTheTableCameUnderMigration has a statement wait for a lock of the test's, so that it
// has not reached the table when the migration becomes active, nor when the gate closes.
func TestHoldWaitsForWhatWasSentBeforeTheTableCameUnderMigration(t *testing.T) {
	t.Parallel()
	const first, second = "SELECT pg_advisory_lock(7)", "SELECT size FROM widget"
	run := func(sql string) []byte { return messages(parse("", sql), bind("", ""), execute("")) }
	texts := map[string]struct {
		sent  []byte
		ready int
	}{
		"a simple query":              {simple(first + "; " + second), 1},
		"two simple queries":          {messages(simple(first), simple(second)), 2},
		"a pipeline":                  {messages(run(first), run(second), syncMsg()), 1},
		"a pipeline of several syncs": {messages(run(first), syncMsg(), run(second), syncMsg()), 2},
		"a copy":                      {simple(first + "; COPY widget (size) TO STDOUT"), 1},
	}
	before := map[string]rules.Phase{"when nothing was live": rules.Draft, "when another table was under one": rules.Active}
	for name, tc := range texts {
		for when, phase := range before {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				p := openProxy(t)
				p.run(people, "CREATE TABLE widget (size int); INSERT INTO widget VALUES (3)")
				people := migration(t, 1, phase, surname)
				p.Open(p.snapshot(1, people))
				blocker := pgtest.Connect(t, p.direct)
				if _, err := blocker.Exec(context.Background(), first); err != nil {
					t.Fatal(err)
				}
				c := p.login()
				c.Say(tc.sent)
				pgtest.Eventually(t, func() bool {
					var n int
					err := blocker.QueryRow(context.Background(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
						AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&n)
					return err == nil && n == 1
				}, "the statement waits")

				p.Open(p.snapshot(2, people, migration(t, 2, rules.Active, gadget)))
				table := p.Server.epoch.Load().binder.Snapshot().Catalog.Lookup("public", "widget").OID
				short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				if err := p.Hold(short, []catalog.OID{table}, p.locks()); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("Hold: %v", err)
				}
				if _, err := blocker.Exec(context.Background(), "SELECT pg_advisory_unlock_all()"); err != nil {
					t.Fatal(err)
				}
				p.closeGate(table)
				p.run("ALTER TABLE widget RENAME size TO extent")
				for range tc.ready {
					c.HearUntil(wire.ReadyForQuery)
				}
			})
		}
	}
}

func TestASessionAtRestDoesNotDelayTheFirstGate(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	c.Say(messages(simple("SELECT last_name FROM individual"), simple("BEGIN")))
	c.HearUntil(wire.ReadyForQuery)
	c.HearUntil(wire.ReadyForQuery)
	p.phase(1, rules.Active)
	p.closeGate(p.Server.epoch.Load().binder.Snapshot().Tables...)
}
