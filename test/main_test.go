// Package test runs whole instances in front of a real PostgreSQL, with the clients that people use: psql, pgbench, pgx
// and psycopg2.
package test

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
