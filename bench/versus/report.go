package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The others are compared with reference, but those with TLS with referenceTLS.
const (
	reference    = "PgBouncer, session"
	referenceTLS = "PgBouncer, TLS"
)

// referenceOf is what a side is compared with.
func referenceOf(side string) string {
	if strings.HasSuffix(side, ", TLS") {
		return referenceTLS
	}
	return reference
}

// A result is all that was measured.
type result struct {
	Machine string       `json:"machine"`
	Rounds  int          `json:"rounds"`
	Seconds float64      `json:"seconds"`
	Sides   []string     `json:"sides"`
	Cells   []*cell      `json:"cells"`
	Others  []*otherCell `json:"others"`
}

// An otherCell is what was measured besides transactions.
type otherCell struct {
	Name   string               `json:"name"`
	Unit   string               `json:"unit"`
	Rounds map[string][]float64 `json:"rounds"` // by side
}

// A cell is what was measured in one combination.
type cell struct {
	combination
	Rounds map[string][]measurement `json:"rounds"` // by side, in the order in which they were made
}

// A ratio is the median of what rounds gave, and the quartiles.
type ratio struct{ low, median, high float64 }

func (r ratio) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", r.median, r.low, r.high) }

// against compares a side with the reference, round by round: those of one number were made one after the other.
func (c *cell) against(side string, of func(measurement) float64) (ratio, bool) {
	ours, theirs := c.Rounds[side], c.Rounds[referenceOf(side)]
	if len(ours) == 0 || len(ours) != len(theirs) {
		return ratio{}, false
	}
	var all []float64
	for i := range ours {
		all = append(all, of(ours[i])/of(theirs[i]))
	}
	slices.Sort(all)
	return ratio{quantile(all, 0.25), quantile(all, 0.5), quantile(all, 0.75)}, true
}

func (c *cell) median(side string, of func(measurement) float64) float64 {
	var all []float64
	for _, m := range c.Rounds[side] {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return quantile(all, 0.5)
}

func tps(m measurement) float64  { return m.Throughput }
func p99(m measurement) float64  { return m.P99 }
func p999(m measurement) float64 { return m.P999 }

// line is the throughput of all sides in times of the reference's.
func (c *cell) line(sides []string) string {
	parts := []string{c.String() + ":"}
	for _, s := range sides {
		if r, ok := c.against(s, tps); ok {
			parts = append(parts, fmt.Sprintf("%s %.2f", s, r.median))
		}
	}
	return strings.Join(parts, "  ")
}

// geometric is the geometric mean of a side's medians over all combinations in which it was measured.
func (r *result) geometric(side string, of func(measurement) float64) float64 {
	sum, n := 0.0, 0
	for _, c := range r.Cells {
		if x, ok := c.against(side, of); ok {
			sum, n = sum+math.Log(x.median), n+1
		}
	}
	return math.Exp(sum / float64(n))
}

// markdown is the tables for people.
func (r *result) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %d rounds of %.0f s in turn; times what %q has, and with TLS times what %q has: medians (quartiles).\n", r.Machine, r.Rounds, r.Seconds, reference, referenceTLS)
	for _, part := range []struct {
		title string
		of    func(measurement) float64
	}{{"Throughput", tps}, {"p99", p99}, {"p99.9", p999}} {
		fmt.Fprintf(&b, "\n### %s\n\n|  | %s |\n|---|%s\n", part.title, strings.Join(r.Sides, " | "), strings.Repeat("---|", len(r.Sides)))
		for _, c := range r.Cells {
			fmt.Fprintf(&b, "| %s |", c.String())
			for _, s := range r.Sides {
				if x, ok := c.against(s, part.of); ok {
					fmt.Fprintf(&b, " %s |", x)
				} else {
					b.WriteString(" – |")
				}
			}
			b.WriteByte('\n')
		}
		b.WriteString("| **geometric mean** |")
		for _, s := range r.Sides {
			if mean := r.geometric(s, part.of); math.IsNaN(mean) {
				b.WriteString(" – |") // measured in no combination
			} else {
				fmt.Fprintf(&b, " **%.2f** |", mean)
			}
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\n### CPU of the proxy, seconds for 1,000 transactions\n\n|  | %s |\n|---|%s\n", strings.Join(r.Sides, " | "), strings.Repeat("---|", len(r.Sides)))
	for _, c := range r.Cells {
		fmt.Fprintf(&b, "| %s |", c.String())
		for _, s := range r.Sides {
			if len(c.Rounds[s]) == 0 {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %.3f |", c.median(s, func(m measurement) float64 { return m.CPU }))
		}
		b.WriteByte('\n')
	}
	if len(r.Others) > 0 {
		fmt.Fprintf(&b, "\n### Besides, medians\n\n|  | %s |\n|---|%s\n", strings.Join(r.Sides, " | "), strings.Repeat("---|", len(r.Sides)))
	}
	for _, c := range r.Others {
		fmt.Fprintf(&b, "| %s, %s |", c.Name, c.Unit)
		for _, s := range r.Sides {
			if all := slices.Sorted(slices.Values(c.Rounds[s])); len(all) > 0 {
				fmt.Fprintf(&b, " %.1f |", quantile(all, 0.5))
			} else {
				b.WriteString(" – |")
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// write stores the result in the folder, for people and for programs.
func (r *result) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "result.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "result.md"), []byte(r.markdown()), 0o644),
		os.WriteFile(filepath.Join(dir, "throughput.svg"), r.chart("Throughput, times PgBouncer's", tps), 0o644),
		os.WriteFile(filepath.Join(dir, "p99.svg"), r.chart("p99, times PgBouncer's", p99), 0o644))
}

// machine says what it was measured on.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d CPUs, %s", model, runtime.NumCPU(), runtime.Version())
}
