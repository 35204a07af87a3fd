package test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// The transitions that the tests ask for.
var (
	activate     = migrate.Request{Kind: migrate.Activate}
	cutover      = migrate.Request{Kind: migrate.Cutover}
	backToActive = migrate.Request{Kind: migrate.Rollback, To: rules.Active}
	rollback     = migrate.Request{Kind: migrate.Rollback}
	contract     = migrate.Request{Kind: migrate.Contract}
)

// A load is clients that write and read without a pause, in every exec mode and through every instance, each a row of
// its own. They keep their connections and statements for as long as they run.
type load struct {
	t       *testing.T
	table   string
	column  string
	stop    context.CancelFunc
	wg      sync.WaitGroup
	done    atomic.Int64 // rounds
	clients int
}

// startLoad starts the clients of one version. Their rows are first, first+1, ….
func startLoad(t *testing.T, f *fleet, version, table, column string, first int) *load {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{t: t, table: table, column: column, stop: stop, clients: len(execModes)}
	for i, mode := range execModes {
		conn := f.connect(t, i%len(f.instances), version, mode)
		l.wg.Go(func() {
			defer conn.Close(context.Background())
			l.client(ctx, conn, first+i, fmt.Sprintf("%s, %v", version, mode))
		})
	}
	t.Cleanup(l.end)
	return l
}

// client writes its row by compare-and-set, and reads what it wrote, until ctx ends. Every failure is the test's.
func (l *load) client(ctx context.Context, conn *pgx.Conn, id int, who string) {
	bg := context.Background()
	update := fmt.Sprintf("UPDATE %[1]s SET %[2]s = $1 WHERE id = $2 AND %[2]s = $3", l.table, l.column)
	read := fmt.Sprintf("SELECT p.*, %[2]s FROM %[1]s p WHERE id = $1", l.table, l.column)
	value := ""
	if err := conn.QueryRow(bg, fmt.Sprintf("SELECT %s FROM %s WHERE id = $1", l.column, l.table), id).Scan(&value); err != nil {
		l.t.Errorf("%s: %v", who, err)
		return
	}
	for n := 0; ctx.Err() == nil; n++ {
		next := fmt.Sprintf("%s %d", who, n)
		err := pgx.BeginFunc(bg, conn, func(tx pgx.Tx) error {
			// The child comes first, so the parent is locked before the proxy has seen its name.
			if _, err := tx.Exec(bg, "INSERT INTO orders (person_id, item) VALUES ($1, 'tea')", id); err != nil {
				return err
			}
			tag, err := tx.Exec(bg, update, next, id, value)
			if err == nil && tag.RowsAffected() != 1 {
				err = fmt.Errorf("%q is lost", value)
			}
			return err
		})
		if err != nil {
			l.t.Errorf("%s: write %d: %v", who, n, err)
			return
		}
		value = next
		rows, err := conn.Query(bg, read, id)
		if err != nil {
			l.t.Errorf("%s: read %d: %v", who, n, err)
			return
		}
		got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToMap)
		if err != nil || got[l.column] != value {
			l.t.Errorf("%s: read %d: got %v, %v, want %q", who, n, got, err, value)
			return
		}
		l.done.Add(1)
	}
}

// rounds waits until every client has, on the average, gone n times around from now on.
func (l *load) rounds(n int) {
	l.t.Helper()
	want := l.done.Load() + int64(n*l.clients)
	pgtest.Eventually(l.t, func() bool { return l.t.Failed() || l.done.Load() >= want }, "the clients go on")
}

// end stops the clients, which close their connections.
func (l *load) end() {
	l.stop()
	l.wg.Wait()
}

// manyPeople is the shop with rows for the clients of several loads.
const manyPeople = shop + `
INSERT INTO individual (id, first_name, last_name) SELECT n, 'Client', 'nobody' FROM generate_series(100, 199) n;`
