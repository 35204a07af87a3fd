package change_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seguedb/segue/change"
)

// BenchmarkWritesAgainstThePlainTable runs the same write on a table under a change and on a plain one, one after the other,
// and reports the median of the ratios of their times: 1 is no cost. The server's time counts, and one round trip for a single row.
func BenchmarkWritesAgainstThePlainTable(b *testing.B) {
	const rows, each = 5000, 200
	table := func(name string) string {
		return fmt.Sprintf(`CREATE TABLE %[1]s (id int PRIMARY KEY, cents int, note text);
			INSERT INTO %[1]s SELECT i, i, 'a note of some length, as orders have them' FROM generate_series(1, %d) AS i;`, name, rows)
	}
	for _, bc := range []struct {
		name           string
		plain, changed string
		single         bool
	}{
		{"one UPDATE of the old side, triggers", "UPDATE plain SET cents = cents + 1 WHERE id = $1", "UPDATE orders SET cents = cents + 1 WHERE id = $1", true},
		{"one UPDATE of the old side, flip", "UPDATE plain SET cents = cents + 1 WHERE id = $1", "UPDATE orders SET cents = cents + 1, amount = (cents + 1) / 100.0, MARK = FLIP WHERE id = $1", true},
		{"one UPDATE of the new side, code", "UPDATE plain SET cents = cents + 1 WHERE id = $1", "UPDATE orders SET amount = amount + 1, MARK = 2 WHERE id = $1", true},
		{"one UPDATE of another column", "UPDATE plain SET note = 'x' WHERE id = $1", "UPDATE orders SET note = 'x' WHERE id = $1", true},
		{"one INSERT of the old side, triggers", "INSERT INTO plain VALUES (-$1::int, 5)", "INSERT INTO orders VALUES (-$1::int, 5)", true},
		{"one INSERT of the new side, code", "INSERT INTO plain VALUES (-$1::int, 5)", "INSERT INTO orders (MARK, id, amount) VALUES (2, -$1::int, 0.05)", true},
		{"one INSERT of both, flip", "INSERT INTO plain VALUES (-$1::int, 5)", "INSERT INTO orders (id, cents, amount, MARK) VALUES (-$1::int, 5, 0.05, 1)", true},
		{"UPDATE of all, triggers", "UPDATE plain SET cents = cents + 1", "UPDATE orders SET cents = cents + 1", false},
		{"UPDATE of all, flips", "UPDATE plain SET cents = cents + 1", "UPDATE orders SET cents = cents + 1, amount = (cents + 1) / 100.0, MARK = FLIP", false},
		{"UPDATE of all by the new version, code", "UPDATE plain SET cents = cents + 1", "UPDATE orders SET amount = amount + 1, MARK = 2", false},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := expanded(b, money(), []change.Option{}, table("orders")+table("plain")).filled()
			for _, sql := range []string{"VACUUM ANALYZE orders", "VACUUM ANALYZE plain", "SET max_parallel_workers_per_gather = 0"} {
				if err := s.exec(sql); err != nil {
					b.Fatal(err)
				}
			}
			changed := s.spelled(bc.changed)
			pairs := 0
			took := func(sql string) float64 {
				start := time.Now()
				for i := range each {
					if bc.single {
						if _, err := s.conn.Exec(context.Background(), sql, pairs*each+i+1); err != nil {
							b.Fatal(err)
						}
						continue
					}
					if _, err := s.conn.Exec(context.Background(), sql); err != nil {
						b.Fatal(err)
					}
					break
				}
				return time.Since(start).Seconds()
			}
			var ratios []float64
			for range 12 {
				// Which is first changes, and bloat is the same on both.
				var p, c float64
				if pairs%2 == 0 {
					p, c = took(bc.plain), took(changed)
				} else {
					c, p = took(changed), took(bc.plain)
				}
				if pairs++; pairs > 2 {
					ratios = append(ratios, c/p)
				}
				if !bc.single {
					for _, sql := range []string{"VACUUM orders", "VACUUM plain"} {
						if err := s.exec(sql); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "×plain")
			b.ReportMetric(0, "ns/op")
		})
	}
}
