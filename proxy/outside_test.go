package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestATransactionBeginsWithWhatTheSessionHasThen has a session make and lose relations of its own before and in transactions,
// of which the next one begins in either protocol and with a statement that takes no snapshot.
func TestATransactionBeginsWithWhatTheSessionHasThen(t *testing.T) {
	t.Parallel()
	const look = lookShelf
	unseen := map[string]bool{"renamed": true, "dropped unseen": true} // the catalog must be read to know, and is not in this test
	befores := map[string][]string{
		"made":                   {look, "CREATE TEMP TABLE individual (n int)"},
		"rolled back":            {"BEGIN", "CREATE TEMP TABLE individual (n int)", look, "ROLLBACK"},
		"the database's, undone": {"BEGIN", "CREATE TEMP TABLE person (n int)", look, "ROLLBACK"},
		"discarded":              {"CREATE TEMP TABLE individual (n int)", look, "DISCARD TEMP"},
		"dropped unseen":         {"CREATE TEMP TABLE individual (n int)", look, "DO $$ BEGIN DROP TABLE pg_temp.individual; END $$"},
		"dropped at commit":      {"BEGIN", "CREATE TEMP TABLE individual (n int) ON COMMIT DROP", look, "COMMIT"},
		"renamed":                {"CREATE TEMP TABLE t (n int)", look, "ALTER TABLE t RENAME TO individual"},
		"a path":                 {look, "SET search_path = side, public"},
	}
	begins := []string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "extended: BEGIN", "extended: START TRANSACTION ISOLATION LEVEL REPEATABLE READ"}
	uses := []string{"SET LOCAL work_mem = '1MB'; " + look, "LOCK individual; " + look, "LOCK person", "SET LOCAL work_mem = '1MB'; SELECT * FROM person"}
	for name, before := range befores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, p := pgtest.Database(t), openShelf(t)
			pgtest.Exec(t, server, shelf)
			for _, begin := range begins {
				for _, use := range uses {
					run := func(conn *pgconn.PgConn) []string {
						out := runEach(conn, before)
						if text, extended := strings.CutPrefix(begin, "extended: "); extended {
							out = append(out, runByProtocol(conn, []string{text})...)
						} else {
							out = append(out, runEach(conn, []string{text})...)
						}
						return append(out, runEach(conn, []string{use, "ROLLBACK"})...)
					}
					want := run(pgtest.Connect(t, server).PgConn())
					got := run(pinnedTo(t, p, rules.Base).PgConn())
					i := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "0A000") })
					if unseen[name] && strings.HasSuffix(begin, "READ") && i >= 0 { // to ask would take the snapshot
						got, want = got[:i], want[:i]
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s, %s (-server +proxy):\n%s", begin, use, diff)
					}
				}
			}
		})
	}
}
