package test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestOnSIGTERMTheProgramLetsTransactionsEndAndExitsWithZero(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "segue")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/segue").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	database := pgtest.Database(t)
	pgtest.Exec(t, database, shop)
	listen, admin := pgtest.FreeAddress(t), pgtest.FreeAddress(t)
	cmd := exec.Command(program, "serve", "--upstream", database, "--listen", listen, "--admin-listen", admin, "--drain-timeout", pgtest.Patience.String())
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // it has ended already when all is well
	var log strings.Builder
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
		}
	}()
	ready := func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	pgtest.Eventually(t, ready, "the program is ready")

	ctx, cancel := context.WithTimeout(t.Context(), pgtest.Patience)
	defer cancel()
	url := pgtest.Through(t, database, listen)
	busy := dial(t, url, pgx.QueryExecModeSimpleProtocol)
	idle := dial(t, url, pgx.QueryExecModeSimpleProtocol)
	if _, err := busy.Exec(ctx, "BEGIN; INSERT INTO orders (person_id, item) VALUES (1, 'last')"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		_, err := idle.Exec(ctx, "SELECT 1")
		return err != nil
	}, "the idle session is closed")
	if _, err := pgx.Connect(ctx, url); err == nil {
		t.Error("a new client is let in during the drain")
	}
	if _, err := busy.Exec(ctx, "UPDATE individual SET last_name = 'kept' WHERE id = 1; COMMIT"); err != nil {
		t.Errorf("the open transaction could not end: %v", err)
	}
	<-logged
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v\n%s", err, log.String())
	}
	var name string
	if err := pgtest.Connect(t, database).QueryRow(ctx, "SELECT last_name FROM individual WHERE id = 1").Scan(&name); err != nil || name != "kept" {
		t.Errorf("afterwards the row holds %q, %v", name, err)
	}
}
