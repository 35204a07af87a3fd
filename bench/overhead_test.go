package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const shop = `
CREATE TABLE individual (id bigint PRIMARY KEY, first_name text, last_name text);
INSERT INTO individual SELECT n, 'Ada', 'Lovelace' FROM generate_series(1, 100000) n;
CREATE TABLE orders (id bigint PRIMARY KEY, owner bigint, total bigint);
INSERT INTO orders SELECT n, n, n FROM generate_series(1, 100000) n;`

// BenchmarkOverhead is one round trip of a prepared statement of one client, on loopback: directly, and through the proxy
// with nothing live, and with a rename cut over, for a table that it does not concern and for the one that it does; and the
// last as a text with the value in it, which is another text each time. Every sub-benchmark measures direct beside it,
// alternating, and reports how many times as long the proxy took.
func BenchmarkOverhead(b *testing.B) {
	direct := pgtest.Database(b)
	pgtest.Exec(b, direct, shop)
	running := proxyBefore(b, direct)
	const (
		orders     = "SELECT total FROM orders WHERE id = $1"
		individual = "SELECT last_name FROM individual WHERE id = $1"
		person     = "SELECT surname FROM person WHERE id = $1"
	)
	through := pgtest.Through(b, direct, running.Addr())
	b.Run("nothing live", func(b *testing.B) { compare(b, direct, orders, through, orders) })
	cutOver(b, running.Instance, rename)
	b.Run("live, another table", func(b *testing.B) { compare(b, direct, orders, through, orders) })
	base := through + "&segue.version=base"
	b.Run("live, rewritten", func(b *testing.B) { compare(b, direct, person, base, individual) })
	b.Run("live, rewritten, values in the text", func(b *testing.B) {
		compare(b, direct, person, base, individual, pgx.QueryExecModeSimpleProtocol)
	})
}

// cutOver takes the migration "surname", whose rule file that is, to phase cutover.
func cutOver(b *testing.B, instance *migrate.Instance, rules string) {
	b.Helper()
	ctx := b.Context()
	if _, _, err := instance.Create(ctx, "surname.yaml", []byte(rules), "bench"); err != nil {
		b.Fatal(err)
	}
	for _, kind := range []migrate.Kind{migrate.Activate, migrate.Cutover} {
		if err := instance.Request(ctx, "surname", migrate.Request{Kind: kind}); err != nil {
			b.Fatal(err)
		}
		if _, err := instance.Wait(ctx, "surname"); err != nil {
			b.Fatal(err)
		}
	}
}

// compare runs one statement directly and one through the proxy in turn. options are those of pgx for a query.
func compare(b *testing.B, direct, directSQL, proxy, proxySQL string, options ...any) {
	one, other := pgtest.Connect(b, direct), pgtest.Connect(b, proxy)
	var took [2]time.Duration
	ask := func(i int, conn *pgx.Conn, sql string, id int) {
		began := time.Now()
		rows, err := conn.Query(b.Context(), sql, append(slices.Clip(options), id)...)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		if err != nil {
			b.Fatal(err)
		}
		took[i] += time.Since(began)
	}
	ask(0, one, directSQL, 1)
	ask(1, other, proxySQL, 1)
	took = [2]time.Duration{}
	n := 0
	for b.Loop() {
		// In turn, because who comes second finds the caches warm.
		if n++; n%2 == 0 {
			ask(0, one, directSQL, n%100000+1)
			ask(1, other, proxySQL, n%100000+1)
		} else {
			ask(1, other, proxySQL, n%100000+1)
			ask(0, one, directSQL, n%100000+1)
		}
	}
	b.ReportMetric(float64(took[0].Nanoseconds())/float64(n), "direct-ns/op")
	b.ReportMetric(float64(took[1].Nanoseconds())/float64(n), "proxy-ns/op")
	b.ReportMetric(float64(took[1])/float64(took[0]), "times-direct")
}
