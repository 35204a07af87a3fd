package admin

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// metricsHandler serves the configured collectors beside those of the process and of the snapshot in force.
func (s *Server) metricsHandler() (http.Handler, error) {
	reg := prometheus.NewRegistry()
	all := append([]prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newSnapshotCollector(s),
	}, s.cfg.Collectors...)
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("a metric cannot be registered: %w", err)
		}
	}
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{}), nil
}

// snapshotCollector shows what the instance works from. It asks the memory only, never the database.
type snapshotCollector struct {
	control Control
	ready   func() error
	program string

	up, suspended, epoch, migrations, pending, build        *prometheus.Desc
	filled, rows, fillRate, fillLeft, fillPaused, fillEnded *prometheus.Desc
	deferred, indexesMade, indexes, indexDone               *prometheus.Desc
}

func newSnapshotCollector(s *Server) *snapshotCollector {
	return &snapshotCollector{
		control: s.cfg.Control, ready: s.ready, program: s.cfg.Program,
		up: prometheus.NewDesc("segue_ready", "1 when the instance may get traffic.", nil, nil),
		suspended: prometheus.NewDesc("segue_suspended",
			"1 while statements on tables under migration are held because the database was changed around Segue (names), "+
				"or because the instance has lost touch with its control tables (control_tables).", []string{"because"}, nil),
		epoch:      prometheus.NewDesc("segue_epoch", "Epoch of the snapshot in force.", nil, nil),
		migrations: prometheus.NewDesc("segue_migrations", "Stored migrations by phase.", []string{"phase"}, nil),
		pending: prometheus.NewDesc("segue_transition_pending_seconds",
			"For how long a transition has been tried; 0 when none is pending.", nil, nil),
		filled:     prometheus.NewDesc("segue_backfill_done_rows", "Rows that the backfill of a migration has filled.", []string{"migration"}, nil),
		rows:       prometheus.NewDesc("segue_backfill_rows", "Rows that are to be filled in all, estimated.", []string{"migration"}, nil),
		fillRate:   prometheus.NewDesc("segue_backfill_rows_per_second", "How fast rows are filled.", []string{"migration"}, nil),
		fillLeft:   prometheus.NewDesc("segue_backfill_eta_seconds", "Time to the end of this pass over the table.", []string{"migration"}, nil),
		fillPaused: prometheus.NewDesc("segue_backfill_paused", "1 while somebody has paused the backfill.", []string{"migration"}, nil),
		fillEnded:  prometheus.NewDesc("segue_backfill_stopped", "1 while the backfill has stopped because of a row.", []string{"migration"}, nil),

		deferred: prometheus.NewDesc("segue_backfill_deferred_rows", "Rows that are left until up can be computed for them.", []string{"migration"}, nil),

		indexesMade: prometheus.NewDesc("segue_backfill_indexes_done", "Indexes on new columns that are made, while another one is being made.", []string{"migration"}, nil),
		indexes:     prometheus.NewDesc("segue_backfill_indexes", "Indexes on new columns that are to be made in all, while one is being made.", []string{"migration"}, nil),
		indexDone:   prometheus.NewDesc("segue_backfill_index_phase_ratio", "How much is done of what the server says that it does for an index, from 0 to 1.", []string{"migration"}, nil),

		build: prometheus.NewDesc("segue_build_info", "1, with the version of the program.", []string{"version"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *snapshotCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.up, c.suspended, c.epoch, c.migrations, c.pending, c.build, c.filled, c.rows, c.fillRate, c.fillLeft, c.fillPaused, c.fillEnded,
		c.deferred, c.indexesMade, c.indexes, c.indexDone,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *snapshotCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(c.build, 1, c.program)
	gauge(c.pending, c.control.PendingFor().Seconds())
	if err := c.ready(); err != nil {
		gauge(c.up, 0)
	} else {
		gauge(c.up, 1)
	}
	outage := c.control.Outage()
	for _, kind := range []migrate.OutageKind{migrate.WrongNames, migrate.OutOfTouch} {
		held := 0.0
		if outage != nil && outage.Kind == kind {
			held = 1
		}
		gauge(c.suspended, held, string(kind))
	}
	for id, p := range c.control.Backfills() {
		if p == nil {
			continue
		}
		gauge(c.filled, float64(p.Done), id)
		gauge(c.rows, float64(p.Total), id)
		gauge(c.fillRate, p.Rate, id)
		gauge(c.fillLeft, p.ETA, id)
		gauge(c.fillPaused, oneIf(p.Paused), id)
		gauge(c.fillEnded, oneIf(p.Failure != ""), id)
		deferred := 0.0
		if p.Deferred != nil {
			deferred = float64(p.Deferred.Rows)
		}
		gauge(c.deferred, deferred, id)
		if x := p.Index; x != nil {
			gauge(c.indexesMade, float64(x.Number-1), id)
			gauge(c.indexes, float64(x.All), id)
			gauge(c.indexDone, float64(x.Done)/float64(max(x.Total, 1)), id)
		}
	}
	snap := c.control.Snapshot()
	if snap == nil {
		return
	}
	gauge(c.epoch, float64(snap.Epoch))
	count := map[rules.Phase]int{}
	for _, m := range snap.Migrations {
		count[m.Phase]++
	}
	for _, p := range []rules.Phase{rules.Draft, rules.Active, rules.Cutover, rules.Contracted, rules.RolledBack} {
		gauge(c.migrations, float64(count[p]), string(p))
	}
}

func oneIf(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
