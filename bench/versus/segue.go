package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seguedb/segue/internal/pgcluster"
)

// segue builds and starts it with nothing live, with loops and without, and with TLS, with a rename that each statement hits, and with a change of type
// that does. pgbench is the old version in both.
func (st *stage) segue(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "segue-versus-segue-")
	if err != nil {
		return err
	}
	st.closers = append(st.closers, func() error { return os.RemoveAll(dir) })
	program := filepath.Join(dir, "segue")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/seguedb/segue/cmd/segue").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	for _, start := range []struct {
		s     *side
		rules string
	}{
		{&side{Name: "Segue, nothing live", database: plain}, ""},
		{&side{Name: "Segue, no loops", database: plain, args: []string{"--loops", "0"}}, ""},
		{&side{Name: "Segue, rename", database: renamed, options: "-c segue.version=base"}, names},
		{&side{Name: "Segue, change of type", database: changed, options: "-c segue.version=base"}, types},
		{&side{Name: "Segue, TLS", database: plain, tls: true}, ""},
	} {
		admin, err := st.segueServes(ctx, program, start.s)
		if err != nil {
			return err
		}
		if start.rules != "" {
			if err := cutOver(ctx, program, admin, filepath.Join(dir, start.s.database+".yaml"), start.rules); err != nil {
				return err
			}
			if err := st.exec(ctx, start.s.database, "VACUUM ANALYZE"); err != nil {
				return err
			}
		}
		st.sides = append(st.sides, start.s)
	}
	return nil
}

// segueServes starts an instance for the side, and returns the URL of its admin API.
func (st *stage) segueServes(ctx context.Context, program string, s *side) (string, error) {
	admin, err := pgcluster.FreePort()
	if err != nil {
		return "", err
	}
	port, err := pgcluster.FreePort()
	if err != nil {
		return "", err
	}
	s.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(admin))
	args := []string{"serve", "--upstream", st.cluster.URL(s.database), "--listen", s.address, "--admin-listen", at, "--log-level", "error"}
	if s.tls {
		args = append(args, "--tls-cert", st.cert, "--tls-key", st.key)
	}
	cmd := exec.CommandContext(ctx, program, append(args, s.args...)...)
	cmd.Stderr = os.Stderr
	if err := st.start(cmd); err != nil {
		return "", err
	}
	s.pid = cmd.Process.Pid
	if err := ready(ctx, "http://"+at+"/readyz"); err != nil {
		return "", fmt.Errorf("%s: %w", s.Name, err)
	}
	return "http://" + at, nil
}

// cutOver cuts over the migration called live that the rules describe.
func cutOver(ctx context.Context, program, admin, file, rules string) error {
	if err := os.WriteFile(file, []byte(rules), 0o644); err != nil {
		return err
	}
	segue := func(args ...string) error {
		out, err := exec.CommandContext(ctx, program, append(args, "--admin", admin)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("segue %s: %w\n%s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if err := segue("create", file); err != nil {
		return err
	}
	if err := segue("activate", "live"); err != nil {
		return err
	}
	return eventually(ctx, func() error { return segue("cutover", "live") }) // of changed columns rows have to be filled first
}

// names is a rename of a column of every table.
const names = `id: live
contract_after: 24h
operations:
  - rename_column: { table: public.pgbench_accounts, from: abalance, to: balance }
  - rename_column: { table: public.pgbench_tellers, from: tbalance, to: balance }
  - rename_column: { table: public.pgbench_branches, from: bbalance, to: balance }
  - rename_column: { table: public.pgbench_history, from: delta, to: amount }
`

// types is a change of type of a column of every table.
const types = `id: live
contract_after: 24h
operations:
  - change_columns: { table: public.pgbench_accounts, from: [abalance], to: [{ name: balance, type: bigint }], up: { balance: "abalance::bigint" }, down: { abalance: "balance::integer" } }
  - change_columns: { table: public.pgbench_tellers, from: [tbalance], to: [{ name: balance, type: bigint }], up: { balance: "tbalance::bigint" }, down: { tbalance: "balance::integer" } }
  - change_columns: { table: public.pgbench_branches, from: [bbalance], to: [{ name: balance, type: bigint }], up: { balance: "bbalance::bigint" }, down: { bbalance: "balance::integer" } }
  - change_columns: { table: public.pgbench_history, from: [delta], to: [{ name: amount, type: bigint }], up: { amount: "delta::bigint" }, down: { delta: "amount::integer" } }
`
