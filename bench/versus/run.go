package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A combination is what pgbench is told but for whom it talks to.
type combination struct {
	Load    string `json:"load"` // select or tpcb
	Mode    string `json:"mode"` // of the protocol: simple, extended or prepared
	Clients int    `json:"clients"`
}

func (c combination) String() string {
	return fmt.Sprintf("%s, %s, %d clients", c.Load, c.Mode, c.Clients)
}

// A measurement is one run of pgbench.
type measurement struct {
	Throughput float64 `json:"transactions_per_second"`
	P50        float64 `json:"p50_us"`
	P99        float64 `json:"p99_us"`
	P999       float64 `json:"p999_us"`
	CPU        float64 `json:"proxy_cpu_seconds_per_1000"` // 0 for direct
}

// round runs pgbench once.
func (c combination) round(ctx context.Context, bench string, s *side, d time.Duration) (m measurement, err error) {
	dir, err := os.MkdirTemp("", "segue-versus-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	builtin := map[string]string{"select": "select-only", "tpcb": "tpcb-like"}[c.Load]
	host, port, _ := strings.Cut(s.address, ":")
	args := []string{"-n", "-h", host, "-p", port, "-U", "postgres", "-M", c.Mode, "-c", strconv.Itoa(c.Clients), "-j", strconv.Itoa(min(c.Clients, 2)),
		"-T", strconv.Itoa(int(d.Seconds())), "-b", builtin, "-l", "--log-prefix", filepath.Join(dir, "log"), s.database}
	before, err := s.cpu()
	if err != nil {
		return m, err
	}
	cmd := exec.CommandContext(ctx, bench, args...)
	cmd.Env = append(os.Environ(), "PGSSLMODE="+s.sslmode(), "PGOPTIONS="+s.options)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return m, fmt.Errorf("%s, %s: %w\n%s", s.Name, c, err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return m, err
	}
	if failed := failures.FindSubmatch(out); failed != nil && string(failed[1]) != "0" {
		return m, fmt.Errorf("%s, %s: %s transactions failed", s.Name, c, failed[1])
	}
	tps := throughput.FindSubmatch(out)
	if tps == nil {
		return m, fmt.Errorf("%s, %s: pgbench tells no throughput:\n%s", s.Name, c, out)
	}
	if m.Throughput, err = strconv.ParseFloat(string(tps[1]), 64); err != nil {
		return m, err
	}
	times, err := latencies(dir)
	if err != nil {
		return m, err
	}
	m.P50, m.P99, m.P999 = quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999)
	m.CPU = (after - before).Seconds() / float64(len(times)) * 1000
	return m, nil
}

var (
	throughput = regexp.MustCompile(`tps = ([0-9.]+) \(without initial`)
	failures   = regexp.MustCompile(`number of failed transactions: (\d+)`)
)

// latencies reads pgbench's logs of transactions in the folder: microseconds, in ascending order.
func latencies(dir string) ([]float64, error) {
	files, err := filepath.Glob(filepath.Join(dir, "log.*"))
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, name := range files {
		if all, err = addLatencies(all, name); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errors.New("pgbench has logged no transaction")
	}
	slices.Sort(all)
	return all, nil
}

func addLatencies(all []float64, name string) ([]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// client_id transaction_no time script_no time_epoch time_us
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			return nil, fmt.Errorf("%s: %q is no line of a log of transactions", name, lines.Text())
		}
		us, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, us)
	}
	return all, lines.Err()
}

// quantile is the value that the share q of the sorted values is not above.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
