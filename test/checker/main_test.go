package checker_test

import (
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker/wal"
)

func TestMain(m *testing.M) {
	settings := wal.Settings()
	settings["deadlock_timeout"] = "100ms"
	pgtest.MainWith(m, pgcluster.Options{Settings: settings})
}
