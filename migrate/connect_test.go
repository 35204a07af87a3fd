package migrate

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestControlConnectionsCompileNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, `DO $$ BEGIN EXECUTE pg_catalog.format('ALTER DATABASE %I SET jit = on', pg_catalog.current_database()); END $$`)
	s, err := newSwitchboard(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := s.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.hangUp(conn)
	var jit string
	if err := conn.QueryRow(t.Context(), "SHOW jit").Scan(&jit); err != nil || jit != "off" {
		t.Errorf("jit is %q, %v", jit, err)
	}
}
