package wal_test

import (
	"testing"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker/wal"
)

func TestMain(m *testing.M) { pgtest.MainWith(m, pgcluster.Options{Settings: wal.Settings()}) }
