package pgtest

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// maintenance are the connections that make databases and drop them. They are kept, because to connect costs the server about
// as much as to make a database.
var maintenance idlers

// idlers are connections that nobody uses at the moment. Its methods are safe for concurrent use.
type idlers struct {
	mu   sync.Mutex
	idle []*pgx.Conn
}

// exec executes a statement on a connection that nobody else uses meanwhile. One that has been ended since, as by a test that ends
// all which are idle, is no error.
func (m *idlers) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		conn, fresh, err := m.take(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, sql)
		switch {
		case !conn.IsClosed():
			m.mu.Lock()
			m.idle = append(m.idle, conn)
			m.mu.Unlock()
			return err
		case fresh:
			return err
		}
	}
}

// take takes an idle connection, or makes a fresh one.
func (m *idlers) take(ctx context.Context) (conn *pgx.Conn, fresh bool, err error) {
	m.mu.Lock()
	if n := len(m.idle); n > 0 {
		conn = m.idle[n-1]
		m.idle = m.idle[:n-1]
		m.mu.Unlock()
		return conn, false, nil
	}
	m.mu.Unlock()
	conn, err = pgx.Connect(ctx, cluster.URL("postgres"))
	return conn, true, err
}

// close ends them all.
func (m *idlers) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, conn := range m.idle {
		_ = conn.Close(context.Background())
	}
	m.idle = nil
}
