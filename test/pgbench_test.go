package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// balance renames the column that pgbench writes. The table keeps its name, because pgbench looks for it in the catalogs
// before it begins.
const balance = `
id: balance
contract_after: 0s
operations:
  - rename_column: { table: public.pgbench_accounts, from: abalance, to: balance }
`

// transfers is pgbench's own TPC-B-like transaction as the new version writes it.
const transfers = `\set aid random(1, 100000)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET balance = balance + :delta WHERE aid = :aid;
SELECT balance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = 1 + :aid % 10;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = 1;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1 + :aid % 10, 1, :aid, :delta, CURRENT_TIMESTAMP);
END;
`

func TestPgbenchRunsInEachProtocolMode(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	run(t, "", pgtest.Bin("pgbench"), "-i", "-q", f.url(t, 0, ""))
	script := filepath.Join(t.TempDir(), "transfers.sql")
	if err := os.WriteFile(script, []byte(transfers), 0o600); err != nil {
		t.Fatal(err)
	}
	f.create(t, balance)
	for _, s := range []struct {
		name       string
		transition migrate.Kind
		version    string
		args       []string
	}{
		{"with nothing live", "", "", nil},
		{"while active, as base", migrate.Activate, rules.Base, nil},
		{"while active, as the new version", "", "balance", []string{"-f", script}},
		{"after cutover, as base", migrate.Cutover, rules.Base, nil},
		{"after cutover, as the new version", "", "balance", []string{"-f", script}},
		{"after contract, as the new version", migrate.Contract, "balance", []string{"-f", script}},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.transition != "" {
				f.transition(t, "balance", migrate.Request{Kind: s.transition})
			}
			for _, mode := range []string{"simple", "extended", "prepared"} {
				args := append([]string{"-M", mode, "-n", "-c", "3", "-t", "40"}, s.args...)
				out := run(t, "", pgtest.Bin("pgbench"), append(args, f.url(t, 0, s.version))...)
				if !strings.Contains(out, "number of transactions actually processed: 120/120") || failures.MatchString(out) {
					t.Errorf("pgbench -M %s:\n%s", mode, out)
				}
			}
		})
	}
	// What pgbench keeps true: each delta is in all four tables.
	sums := psql(t, f.direct, `SELECT count(*), sum(delta) = (SELECT sum(balance) FROM pgbench_accounts) AS accounts,
		sum(delta) = (SELECT sum(tbalance) FROM pgbench_tellers) AS tellers,
		sum(delta) = (SELECT sum(bbalance) FROM pgbench_branches) AS branches FROM pgbench_history \g (format=unaligned tuples_only=on)`)
	if !strings.Contains(sums, "2160|t|t|t") {
		t.Errorf("the sums are not equal:\n%s", sums)
	}
}

var failures = regexp.MustCompile(`number of failed transactions: [1-9]`)
