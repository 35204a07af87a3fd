package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
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

// timesOf is a cell in which a side had so many times the reference's throughput.
func timesOf(c combination, side string, times ...float64) *cell {
	out := &cell{combination: c, Rounds: map[string][]measurement{}}
	for _, x := range times {
		out.Rounds[referenceOf(side)] = append(out.Rounds[referenceOf(side)], measurement{Throughput: 100, P99: 10})
		out.Rounds[side] = append(out.Rounds[side], measurement{Throughput: 100 * x, P99: 10 / x})
	}
	return out
}

func TestWhatIsSlowerThanBeforeIsListed(t *testing.T) {
	t.Parallel()
	const ours = "Segue, rename"
	c := combination{"select", "prepared", 8}
	for name, tc := range map[string]struct {
		before, now *cell
		want        int // of throughput and p99
	}{
		"the same":                       {timesOf(c, ours, 0.9, 1, 1.1), timesOf(c, ours, 0.9, 1, 1.1), 0},
		"slower, and both are steady":    {timesOf(c, ours, 0.99, 1, 1.01), timesOf(c, ours, 0.79, 0.8, 0.81), 2},
		"slower, but the quartiles meet": {timesOf(c, ours, 0.7, 1, 1.1), timesOf(c, ours, 0.6, 0.8, 0.9), 0},
		"a little slower":                {timesOf(c, ours, 1, 1, 1), timesOf(c, ours, 0.97, 0.97, 0.97), 0},
		"faster":                         {timesOf(c, ours, 1, 1, 1), timesOf(c, ours, 2, 2, 2), 0},
		"another combination":            {timesOf(combination{"tpcb", "simple", 1}, ours, 1, 1, 1), timesOf(c, ours, 0.1, 0.1, 0.1), 0},
		"with TLS":                       {timesOf(c, "Segue, TLS", 1, 1, 1), timesOf(c, "Segue, TLS", 0.5, 0.5, 0.5), 2},
	} {
		now := &result{Sides: []string{reference, referenceTLS, ours, "Segue, TLS"}, Cells: []*cell{tc.now}}
		if got := now.slowerThan(&result{Cells: []*cell{tc.before}}); len(got) != tc.want {
			t.Errorf("%s: listed are %q", name, got)
		}
	}
}

func TestAResultIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	const ours = "Segue & co"
	r := &result{Machine: "m", Rounds: 3, Seconds: 4, Sides: []string{reference, ours}, Cells: []*cell{timesOf(combination{"tpcb", "simple", 1}, ours, 0.5, 0.75, 1)}}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := read(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.markdown(), got.markdown()); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"throughput.svg", "p99.svg"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var all struct {
			Rects []struct{} `xml:"rect"`
			Texts []string   `xml:"text"`
		}
		if err := xml.Unmarshal(text, &all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(all.Rects) != 5 || !slices.Contains(all.Texts, ours) || !slices.Contains(all.Texts, "tpcb, simple, 1 clients") { // the page, two of the legend, two bars
			t.Errorf("%s has %d rectangles and the texts %q", name, len(all.Rects), all.Texts)
		}
	}
	if _, err := read(filepath.Join(dir, "nothing.json")); err == nil {
		t.Error("what is not there is read")
	}
}
