package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRatiosAreOfRoundsOfOneNumber(t *testing.T) {
	t.Parallel()
	c := &cell{combination: combination{"select", "prepared", 8}, Rounds: map[string][]measurement{
		reference: {{Throughput: 100}, {Throughput: 200}, {Throughput: 50}},
		"direct":  {{Throughput: 200}, {Throughput: 600}, {Throughput: 50}},
		"short":   {{Throughput: 1}},
	}}
	got, ok := c.against("direct", tps)
	if want := (ratio{1, 2, 3}); !ok || got != want {
		t.Errorf("the ratio is %v, want %v", got, want)
	}
	if _, ok := c.against("short", tps); ok {
		t.Error("a side that was not measured in every round has a ratio")
	}
	r := &result{Sides: []string{"direct", reference}, Cells: []*cell{c, {combination: c.combination, Rounds: map[string][]measurement{
		reference: {{Throughput: 10}}, "direct": {{Throughput: 80}},
	}}}}
	if got := r.geometric("direct", tps); got < 3.99 || got > 4.01 {
		t.Errorf("the geometric mean of 2 and 8 is %v", got)
	}
	if text := r.markdown(); !strings.Contains(text, "| select, prepared, 8 clients | 2.00 (1.00–3.00) | 1.00 (1.00–1.00) |") {
		t.Errorf("the table is\n%s", text)
	}
}

func TestLatenciesAreReadFromEveryThreadsLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"log.12": "0 1 300 0 1 1\n0 2 100 0 1 1\n", "log.12.1": "1 1 200 0 1 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := latencies(dir)
	if diff := cmp.Diff([]float64{100, 200, 300}, got); err != nil || diff != "" {
		t.Errorf("error %v, latencies (-want +got):\n%s", err, diff)
	}
	if _, err := latencies(t.TempDir()); err == nil {
		t.Error("a run that has logged nothing has latencies")
	}
}

func TestAQuantileIsOneOfTheValues(t *testing.T) {
	t.Parallel()
	values := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}
