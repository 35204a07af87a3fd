package proxy

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what the server counts.
type metrics struct {
	srv   *Server
	ended atomic.Uint64 // messages of sessions that have ended

	rewritten    prometheus.Counter
	reprepared   prometheus.Counter
	retried      prometheus.Counter
	held         prometheus.Counter
	holdSeconds  prometheus.Histogram
	mispredicted prometheus.Counter

	sessions, messages, waiting *prometheus.Desc
	rewriter                    []prometheus.Collector
}

func newMetrics(s *Server) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "segue", Name: name, Help: help})
	}
	stats := s.cfg.Rewrite.Stats
	of := func(name, help string, n *atomic.Uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "segue", Subsystem: "rewriter", Name: name, Help: help},
			func() float64 { return float64(n.Load()) })
	}
	return &metrics{
		rewriter: []prometheus.Collector{
			of("cache_hits_total", "Texts answered from the cache.", &stats.Hits),
			of("template_hits_total", "Texts rewritten like an earlier one that differs in constants and comments only.", &stats.TemplateHits),
			of("cache_misses_total", "Texts bound anew.", &stats.Misses),
			of("ambiguous_total", "Unpinned texts that several versions bind differently.", &stats.Ambiguous),
			of("parse_errors_total", "Texts that the parser could not read.", &stats.ParseErrors),
			of("unproven_total", "Rewrites whose proof failed.", &stats.Unproven),
		},
		srv:          s,
		rewritten:    counter("rewritten_total", "Texts sent to the server in other words than the client's."),
		reprepared:   counter("reprepared_total", "Statements prepared again, unseen, because the lens had changed."),
		retried:      counter("retried_total", "Groups of messages sent once more, because they had met newer names than were known."),
		held:         counter("held_total", "Statements that waited at a gate."),
		mispredicted: counter("oracle_mismatches_total", "Results that were not as the binder predicted."),
		holdSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "segue", Name: "hold_seconds", Help: "How long statements waited at a gate.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		sessions: prometheus.NewDesc("segue_sessions", "Client sessions.", nil, nil),
		messages: prometheus.NewDesc("segue_messages_total", "Messages that clients have sent.", nil, nil),
		waiting:  prometheus.NewDesc("segue_sessions_held", "Sessions that wait at a gate.", nil, nil),
	}
}

// Collector returns the server's metrics for registration with Prometheus.
func (s *Server) Collector() prometheus.Collector { return s.metrics }

func (m *metrics) parts() []prometheus.Collector {
	return append([]prometheus.Collector{m.rewritten, m.reprepared, m.retried, m.held, m.holdSeconds, m.mispredicted}, m.rewriter...)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, p := range m.parts() {
		p.Describe(ch)
	}
	ch <- m.sessions
	ch <- m.messages
	ch <- m.waiting
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, p := range m.parts() {
		p.Collect(ch)
	}
	messages, waiting := m.ended.Load(), 0
	sessions := m.srv.list()
	for _, s := range sessions {
		messages += s.messages.Load()
		if s.held.is() {
			waiting++
		}
	}
	ch <- prometheus.MustNewConstMetric(m.sessions, prometheus.GaugeValue, float64(len(sessions)))
	ch <- prometheus.MustNewConstMetric(m.messages, prometheus.CounterValue, float64(messages))
	ch <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(waiting))
}
