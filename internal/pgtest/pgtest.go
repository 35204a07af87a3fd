// Package pgtest gives tests a real PostgreSQL: one cluster for the test binary, one database for the test.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/seguedb/segue/internal/pgcluster"
)

var (
	cluster *pgcluster.Cluster
	serial  atomic.Int64
)

// Patience is how long a test waits for what must happen before it fails. It is far more than anything takes, because the
// machine may be slow and busy with other packages' tests.
const Patience = 3 * time.Minute

// Main runs the tests of a package with a cluster, and fails when they leave goroutines behind. Call it from TestMain.
func Main(m *testing.M) { MainWith(m, pgcluster.Options{}) }

// MainWith is Main with a cluster that has these options.
func MainWith(m *testing.M, o pgcluster.Options) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*Patience)
	c, err := pgcluster.Start(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		os.Exit(1)
	}
	cluster = c
	code := m.Run()
	maintenance.close()
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = 1
	}
	os.Exit(withoutLeaks(code))
}

// MainWithoutCluster is Main for tests that need no cluster of the package's.
func MainWithoutCluster(m *testing.M) { os.Exit(withoutLeaks(m.Run())) }

// withoutLeaks is the exit code of tests that have ended with code: those that are well fail if goroutines stay. They may
// take a while to end: goleak itself waits for less than half a second.
func withoutLeaks(code int) int {
	if code != 0 {
		return code
	}
	err := goleak.Find()
	for end := time.Now().Add(Patience); err != nil && time.Now().Before(end); {
		err = goleak.Find()
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "pgtest: goroutines are left:", err)
	return 1
}

// Cluster is the cluster of this test binary. Tests must not stop it: start one of your own for that.
func Cluster() *pgcluster.Cluster { return cluster }

// Bin is the path of one of PostgreSQL's programs, such as psql: the server's own, or where only a server is installed, as
// by packages that embed one, the system's.
func Bin(name string) string {
	own := filepath.Join(cluster.Bin, name)
	if _, err := os.Stat(own); err != nil {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return own
}

// BinForServer is Bin for a program that refuses a server which is newer than itself, as pg_dump does. Where there is no other
// the test is skipped, and says so.
func BinForServer(t testing.TB, name string) string {
	t.Helper()
	path := Bin(name)
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", path, err)
	}
	var major int
	if words := strings.Fields(string(out)); len(words) > 2 { // pg_dump (PostgreSQL) 15.18
		before, _, _ := strings.Cut(words[2], ".")
		major, _ = strconv.Atoi(before)
	}
	if major < cluster.Major {
		t.Skipf("%s is of version %d and refuses a server of version %d", name, major, cluster.Major)
	}
	return path
}

// Database makes an empty database for the test, drops it when the test ends, and returns its connection string.
func Database(t testing.TB) string {
	t.Helper()
	return made(t, "")
}

// DatabaseIn is Database with another encoding, such as LATIN1. What connects to it speaks UTF8.
func DatabaseIn(t testing.TB, encoding string) string {
	t.Helper()
	made := made(t, " ENCODING '"+encoding+"' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
	u, err := url.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("client_encoding", "UTF8")
	u.RawQuery = q.Encode()
	return u.String()
}

func made(t testing.TB, options string) string {
	t.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), serial.Add(1))
	if cluster.Major >= 15 {
		options += " STRATEGY FILE_COPY" // half the work of writing it all to the log
	}
	if err := maintenance.exec("CREATE DATABASE " + name + options); err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	t.Cleanup(func() { drop(t, name) })
	return cluster.URL(name)
}

// drop removes a database. The server gives sessions that it ends five seconds, which a busy one can exceed; then it is
// tried again.
func drop(t testing.TB, name string) {
	t.Helper()
	Eventually(t, func() bool {
		err := maintenance.exec("DROP DATABASE " + name + " WITH (FORCE)")
		if busy, ok := errors.AsType[*pgconn.PgError](err); err != nil && !(ok && busy.Code == "55006") { // object_in_use
			t.Fatalf("drop %s: %v", name, err)
		}
		return err == nil
	}, "the database "+name+" is dropped")
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
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
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

// FreeAddress is an address of loopback that nobody listens on, and that nobody gets by chance until it is bound.
func FreeAddress(t testing.TB) string {
	t.Helper()
	port, err := pgcluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// Eventually waits for a condition with Patience, and fails the test with what was waited for.
func Eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("never happened: %s", what)
		}
	}
}
