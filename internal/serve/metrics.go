package serve

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seguedb/segue/rewrite"
)

// rewriteMetrics shows what the binders of all snapshots have counted. Mismatches of the oracle are among the proxy's
// own metrics.
func rewriteMetrics(s *rewrite.Stats) []prometheus.Collector {
	var out []prometheus.Collector
	for _, c := range []struct {
		name, help string
		count      *atomic.Uint64
	}{
		{"rewrite_cache_hits_total", "Texts whose rewrite was in the cache.", &s.Hits},
		{"rewrite_cache_misses_total", "Texts that were bound anew.", &s.Misses},
		{"concerned_statements_total", "Statements that named a table under migration.", &s.Concerned},
		{"refused_statements_total", "Statements that were refused with 0A000.", &s.Refused},
		{"ambiguous_statements_total", "Statements of sessions without a version that several versions bind differently.", &s.Ambiguous},
		{"unreadable_texts_total", "Texts that the parser could not read.", &s.ParseErrors},
		{"unproven_rewrites_total", "Rewrites whose proof failed: a defect of Segue.", &s.Unproven},
	} {
		out = append(out, prometheus.NewCounterFunc(
			prometheus.CounterOpts{Namespace: "segue", Name: c.name, Help: c.help},
			func() float64 { return float64(c.count.Load()) },
		))
	}
	return out
}
