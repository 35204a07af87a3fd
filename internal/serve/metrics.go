package serve

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seguedb/segue/rewrite"
)

// rewriteMetrics shows what the binders of all snapshots have counted of statements. What they have counted of texts, and
// mismatches of the oracle, are among the proxy's own metrics.
func rewriteMetrics(s *rewrite.Stats) []prometheus.Collector {
	var out []prometheus.Collector
	for _, c := range []struct {
		name, help string
		count      *atomic.Uint64
	}{
		{"concerned_statements_total", "Statements that named a table under migration.", &s.Concerned},
		{"refused_statements_total", "Statements that were refused with 0A000.", &s.Refused},
	} {
		out = append(out, prometheus.NewCounterFunc(
			prometheus.CounterOpts{Namespace: "segue", Name: c.name, Help: c.help},
			func() float64 { return float64(c.count.Load()) },
		))
	}
	return out
}
