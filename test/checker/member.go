package checker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/test/checker/proof"
)

// A Member is a client of a crew, who connects again when the connection is lost. It is for one goroutine, but for Cut.
type Member struct {
	Name string
	Side proof.Side
	Past bool // past the proxy

	crew    *Crew
	url     string
	rand    *rand.Rand
	excuses func(code string, began time.Duration) bool
	worker  *worker
	began   time.Duration // when it connected last
	fresh   bool          // it has done nothing yet in its session

	mu   sync.Mutex
	conn *pgconn.PgConn // nil: not connected
}

// Add takes in a client that connects to that database or instance. Excuses says of an error whether it is no anomaly for an
// operation that began then; code is empty for a connection that was lost.
func (c *Crew) Add(name string, side proof.Side, past bool, url string, excuses func(code string, began time.Duration) bool) *Member {
	m := &Member{Name: name, Side: side, Past: past, crew: c, url: url, rand: c.source(), excuses: excuses}
	t := c.sides[side]
	if past {
		t = c.past
	}
	m.worker = &worker{table: t, side: side, past: past}
	return m
}

// Now is the time since the crew began.
func (c *Crew) Now() time.Duration { return c.history.Now() }

// errNotConnected says that there was no session to be had.
var errNotConnected = errors.New("no session")

// Step does one thing, and reports whether there was something that it could do. The error is why it has no session any more, or
// could have none; broken is the same where there is no excuse.
func (m *Member) Step(ctx context.Context) (did bool, err, broken error) {
	if m.worker.client == nil {
		if err := m.connect(ctx); err != nil {
			return false, fmt.Errorf("%w: %w", errNotConnected, err), nil
		}
	}
	did, err = m.worker.step(ctx)
	if err == nil {
		m.fresh = m.fresh && !did
		return did, nil, nil
	}
	well := m.worker.answered // it may have been lost at any time since
	if m.fresh {
		well = m.began // who was let in while his version was ending is told by his first statement
	}
	m.Leave()
	code := ""
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Severity == "ERROR" {
		code = e.Code
	}
	if !m.excuses(code, well) {
		return false, err, fmt.Errorf("%s: %w", m.Name, err)
	}
	return false, err, nil
}

func (m *Member) connect(ctx context.Context) error {
	m.fresh, m.began = true, m.crew.Now()
	session, err := connect(ctx, m.url, m.crew.Migration.shape.Name+" "+m.Name, m.rand, m.crew.history)
	if err != nil {
		if session != nil {
			session.close()
		}
		return err
	}
	session.excuses = m.excuses
	m.worker.client = session
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn = session.conn
	return nil
}

// Leave ends the session.
func (m *Member) Leave() {
	if m.worker.client == nil {
		return
	}
	m.mu.Lock()
	m.conn = nil
	m.mu.Unlock()
	m.worker.client.close()
	m.worker.client = nil
}

// Cut ends the connection from the client's side, as a network does. It reports whether there was one.
func (m *Member) Cut() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		return false
	}
	_ = m.conn.Conn().Close()
	m.conn = nil
	return true
}

// Look reads all that is there in the end, as a version through an instance.
func (c *Crew) Look(ctx context.Context, side proof.Side, url string) error {
	session, err := connect(ctx, url, "end", c.source(), c.history)
	if err != nil {
		return err
	}
	defer session.close()
	w := &worker{client: session, table: c.sides[side], side: side}
	op := w.op(nil)
	op.All = true
	return w.once(ctx, op, w.table.writer(side, Plain).read("true", ""))
}

// Pretend puts a write into the history that was never sent, as acknowledged: what is proved must not be so.
func (c *Crew) Pretend() {
	w := &worker{client: &client{name: "liar", rand: c.source(), history: c.history}, table: c.sides[proof.Old], side: proof.Old}
	write := w.write()
	op := w.op(write.Effect)
	op.Session, op.Outcome, op.Rows, op.Begun, op.Ended = w.name, proof.Committed, 1, c.Now(), c.Now()
	op.Text = w.table.writer(proof.Old, Plain).update(write, op.ID, byKey(1))
	c.history.Add(op)
}
