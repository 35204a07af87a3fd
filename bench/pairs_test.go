package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A pair is what one thing took directly and through the proxy, time by time: each was done in turn with the other.
type pair struct{ direct, proxy []time.Duration }

// take does something once on each side, in turn, because who comes second finds the caches warm. do returns how long the
// part of it took that counts.
func (p *pair) take(direct, proxy *pgx.Conn, do func(*pgx.Conn) time.Duration) {
	if len(p.direct)%2 == 0 {
		p.direct = append(p.direct, do(direct))
		p.proxy = append(p.proxy, do(proxy))
		return
	}
	p.proxy = append(p.proxy, do(proxy))
	p.direct = append(p.direct, do(direct))
}

// medians are those of both sides.
func (p *pair) medians() (direct, proxy time.Duration) { return median(p.direct), median(p.proxy) }

func median(of []time.Duration) time.Duration { return ranked(of, 2) }

// ranked is the time that one in so many of the times is below.
func ranked(of []time.Duration, in int) time.Duration {
	return slices.Sorted(slices.Values(of))[len(of)/in]
}

// report tells the medians, and whether the proxy is within what it may cost: half as much again, or a millisecond. The lower
// quartiles are what a machine that has other work to do disturbs less.
func (p *pair) report(b *testing.B) {
	direct, proxy := p.medians()
	b.ReportMetric(float64(direct.Microseconds()), "direct-µs")
	b.ReportMetric(float64(proxy.Microseconds()), "proxy-µs")
	b.ReportMetric(float64(proxy)/float64(direct), "times-direct")
	b.ReportMetric(float64(ranked(p.direct, 4).Microseconds()), "direct-q1-µs")
	b.ReportMetric(float64(ranked(p.proxy, 4).Microseconds()), "proxy-q1-µs")
	within := 0.0
	if proxy <= direct+max(direct/2, time.Millisecond) {
		within = 1
	}
	b.ReportMetric(within, "within")
	b.ReportMetric(0, "ns/op")
}

// ask runs a text by the simple protocol and reads all that it returns.
func ask(b *testing.B, conn *pgx.Conn, sql string) time.Duration {
	began := time.Now()
	if _, err := conn.PgConn().Exec(b.Context(), sql).ReadAll(); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	return time.Since(began)
}
