// Package pgtest gives tests a real PostgreSQL: one cluster for the test binary, one database for the test.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/seguedb/segue/internal/pgcluster"
)

var (
	cluster *pgcluster.Cluster
	serial  atomic.Int64
)

// Main runs the tests of a package with a cluster, and fails when they leave goroutines behind. Call it from TestMain.
func Main(m *testing.M) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	c, err := pgcluster.Start(ctx, pgcluster.Options{})
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest: goroutines are left:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Cluster is the cluster of this test binary. Tests must not stop it: start one of your own for that.
func Cluster() *pgcluster.Cluster { return cluster }

// Bin is the path of one of PostgreSQL's programs, such as psql.
func Bin(name string) string { return filepath.Join(cluster.Bin, name) }

// Database makes an empty database for the test, drops it when the test ends, and returns its connection string.
func Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), serial.Add(1))
	Exec(t, cluster.URL("postgres"), "CREATE DATABASE "+name)
	t.Cleanup(func() { Exec(t, cluster.URL("postgres"), "DROP DATABASE "+name+" WITH (FORCE)") })
	return cluster.URL(name)
}

// URL is Database under the name by which callers may know it.
func URL(t testing.TB) string { return Database(t) }

// Connect opens a connection that is closed when the test ends.
func Connect(t testing.TB, connString string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), connString)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	})
	return conn
}

// Exec runs the statements, each of which may be several, on a connection of their own.
func Exec(t testing.TB, connString string, sql ...string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, connString)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(ctx)
	for _, s := range sql {
		if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Through is the connection string with another host:port, for going through a proxy to the same database.
func Through(t testing.TB, connString, address string) string {
	t.Helper()
	u, err := url.Parse(connString)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	return u.String()
}

// Eventually waits up to ten seconds for a condition, and fails the test with what was waited for.
func Eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("never happened: %s", what)
		}
	}
}
