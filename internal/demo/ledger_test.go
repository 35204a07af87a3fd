package demo

import (
	"fmt"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestTheLedgerFindsEveryLostWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil string // done to the database behind the ledger's back
		found int64  // rows that the compare-and-set finds
		want  int64
	}{
		{"nothing is lost", "SELECT 1", 1, 0},
		{"a row holds something else", "UPDATE individual SET last_name = 'other' WHERE id = 40", 1, 1},
		{"an order is not there", "DELETE FROM orders", 1, 1},
		{"an order is there twice", "INSERT INTO orders (individual_id, item) SELECT individual_id, item FROM orders", 1, 1},
		{"a compare-and-set found nothing", "SELECT 1", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			pgtest.Exec(t, url, shopSchema, fmt.Sprintf(shopRows, 100))
			conn := pgtest.Connect(t, url)
			l, err := openLedger(t.Context(), conn, 100, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(l.rows) != 10 {
				t.Fatalf("the ledger has %d rows", len(l.rows))
			}
			r := l.rows[3] // id 40
			r.mu.Lock()
			pgtest.Exec(t, url, "UPDATE individual SET last_name = 'new' WHERE id = 40", "INSERT INTO orders (individual_id, item) VALUES (40, 'tea')")
			l.acknowledge(r, "new", 1)
			l.orders.Add(1)
			r.mu.Unlock()
			pgtest.Exec(t, url, c.spoil)
			l.acknowledge(l.rows[4], l.rows[4].name, c.found)
			lost, err := l.audit(t.Context(), conn, "individual", "last_name")
			if err != nil || lost != c.want {
				t.Errorf("%d writes are lost, %v, want %d", lost, err, c.want)
			}
		})
	}
}

func TestNoWorkerWritesTheRowThatIsShown(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, shopSchema, fmt.Sprintf(shopRows, 2*shownRow))
	l, err := openLedger(t.Context(), pgtest.Connect(t, url), 2*shownRow, 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.rows) != 1 || l.rows[0].id != 2*shownRow {
		t.Errorf("the ledger has %d rows, the first with id %d; want only %d", len(l.rows), l.rows[0].id, 2*shownRow)
	}
}
