package pgcluster_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.MainWithoutCluster(m) }

func TestClusterServesAndLeavesNothingBehind(t *testing.T) {
	ctx := context.Background()
	c, err := pgcluster.Start(ctx, pgcluster.Options{TLS: true, Settings: map[string]string{"work_mem": "7MB"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := query(t, c.URL("postgres"), "SHOW work_mem"); got != "7MB" {
		t.Errorf("work_mem is %s, want 7MB", got)
	}
	verified := "host=127.0.0.1 dbname=postgres user=postgres sslmode=verify-full sslrootcert=" + c.CAFile
	conn, err := pgx.ParseConfig(verified)
	if err != nil {
		t.Fatal(err)
	}
	conn.Port = uint16(c.Port)
	tlsConn, err := pgx.ConnectConfig(ctx, conn)
	if err != nil {
		t.Fatalf("TLS with a verified certificate: %v", err)
	}
	if err := tlsConn.Close(ctx); err != nil {
		t.Error(err)
	}

	query(t, c.URL("postgres"), "CREATE TABLE kept AS SELECT 1 AS one; CHECKPOINT; SELECT one::text FROM kept")
	c.Halt()
	if _, err := pgx.Connect(ctx, c.URL("postgres")); err == nil {
		t.Error("a halted server accepts connections")
	}
	if err := c.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	if got := query(t, c.URL("postgres"), "SELECT one::text FROM kept"); got != "1" {
		t.Errorf("after the restart the table holds %s, want 1", got)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", c.Dir, err)
	}
}

func TestAServerIsNotInTheProcessGroupThatCtrlCIsSentTo(t *testing.T) {
	ctx := context.Background()
	c, err := pgcluster.Start(ctx, pgcluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	pid, err := os.ReadFile(filepath.Join(c.Dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := strconv.Atoi(strings.SplitN(string(pid), "\n", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	if group, err := syscall.Getpgid(server); err != nil || group == syscall.Getpgrp() {
		t.Errorf("the server's group is %d, error %v, and ours is %d", group, err, syscall.Getpgrp())
	}
}

func TestAClusterDoesNotTakeAnotherOneOnItsPortForItself(t *testing.T) {
	ctx := context.Background()
	var clusters [2]*pgcluster.Cluster
	for i := range clusters {
		c, err := pgcluster.Start(ctx, pgcluster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Stop()
		clusters[i] = c
	}
	late := clusters[1]
	late.Halt()
	late.Port = clusters[0].Port
	if err := late.Resume(ctx); err == nil || !strings.Contains(err.Error(), "ended at once") {
		t.Errorf("on a port that is taken it starts with %v", err)
	}
}

// query runs a text with the simple protocol and returns the last value of its last result.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := results[len(results)-1].Rows
	if len(rows) == 0 {
		return ""
	}
	return string(rows[len(rows)-1][0])
}

func TestBinRefusesAFolderWithoutAServer(t *testing.T) {
	t.Setenv("SEGUE_PGBIN", t.TempDir())
	if dir, err := pgcluster.Bin(); err == nil {
		t.Errorf("Bin found a server in an empty folder: %s", dir)
	}
}
