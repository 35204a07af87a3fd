package assess

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// spendsTransactions uses up more transaction ids than autovacuum_freeze_max_age can be set to at least.
const spendsTransactions = `
	CREATE TABLE spent (n int);
	DO $$ BEGIN FOR i IN 1..100100 LOOP BEGIN INSERT INTO spent VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$`

func TestATableThatAutovacuumFreezesInAnyCaseIsFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `INSERT INTO individual VALUES (1, 'x')`, `ALTER TABLE individual SET (autovacuum_freeze_max_age = 100000)`)
	if found := c.found(wraparound); len(found) > 0 {
		t.Errorf("a young table is found: %+v", found)
	}
	// What this session can see must not be frozen, so that no autovacuum is done with it before we look; and it keeps others
	// from beginning, because they would wait for the lock.
	old := pgtest.Connect(t, c.url)
	for _, sql := range []string{`BEGIN ISOLATION LEVEL REPEATABLE READ`, `SELECT pg_current_xact_id()`, `LOCK TABLE individual IN SHARE UPDATE EXCLUSIVE MODE`} {
		if _, err := old.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	c.run(spendsTransactions)
	running := func() string {
		if found := c.found(wraparound); len(found) == 1 && found[0].Object == "public.individual" && found[0].Severity == Warn {
			return found[0].Message
		}
		return ""
	}
	if running() == "" {
		t.Fatalf("found %+v", c.found(wraparound))
	}
	pgtest.Eventually(t, func() bool { return strings.Contains(running(), "runs on it (pid ") }, "the autovacuum that does not give way has come")
	if _, err := old.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	c.run(`VACUUM (FREEZE) individual`)
	pgtest.Eventually(t, func() bool { return len(c.found(wraparound)) == 0 }, "the table is frozen")
}
