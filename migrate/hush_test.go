package migrate

import (
	"context"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// What keeps others' triggers from firing lasts as long as rows are filled, also where whoever waits for them has given up.
func TestASessionThatFillsRowsFiresTriggersAgainAfterwards(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, orders)
	conn := pgtest.Connect(t, f.url)
	b := &backfill{filler: &filler{conn: conn}}
	role := func() (role string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), `SHOW session_replication_role`).Scan(&role); err != nil {
			t.Fatal(err)
		}
		return role
	}
	ctx, cancel := context.WithCancel(t.Context())
	loud, err := b.hush(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := role(); got != "replica" {
		t.Errorf("while rows are filled it is %s", got)
	}
	cancel()
	loud()
	if got := role(); got != "origin" {
		t.Errorf("afterwards it is %s", got)
	}
	if _, err := conn.Exec(t.Context(), `SET ROLE pg_monitor`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.hush(t.Context()); err == nil {
		t.Error("a role that may not is told nothing")
	}
}
