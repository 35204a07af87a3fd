package migrate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/store"
)

// lockQuestions puts the questions of many sessions to pg_locks together: at a closed gate every session that is in a
// transaction asks at about the same time, each question looks at all locks of the server, and the acknowledgement must
// not wait behind them. It is safe for concurrent use.
type lockQuestions struct {
	asking sync.Mutex // held while a question is put, so that one is put at a time

	mu   sync.Mutex
	next *lockQuestion // that is not put yet
}

// A lockQuestion is put by the session that began it, for all that joined it.
type lockQuestion struct {
	tables []catalog.OID
	pids   []uint32
	done   chan struct{} // closed when held and err are set
	held   map[uint32]bool
	err    error
}

// join adds pids to a question that will be put later than now. mine tells the caller to put it.
func (l *lockQuestions) join(pids []uint32, tables []catalog.OID) (q *lockQuestion, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next != nil && slices.Equal(l.next.tables, tables) {
		l.next.pids = append(l.next.pids, pids...)
		return l.next, false
	}
	q = &lockQuestion{tables: tables, pids: slices.Clone(pids), done: make(chan struct{})}
	l.next = q
	return q, true
}

// put asks, after the question before has been answered; nobody joins any more from then on.
func (l *lockQuestions) put(q *lockQuestion, ask func(*lockQuestion) (map[uint32]bool, error)) {
	l.asking.Lock()
	defer l.asking.Unlock()
	l.mu.Lock()
	if l.next == q {
		l.next = nil
	}
	l.mu.Unlock()
	q.held, q.err = ask(q)
	close(q.done)
}

// holdsLock is the HoldsLock that Traffic asks at a closed gate. The answer is of a moment after the call.
func (i *Instance) holdsLock(ctx context.Context, pids []uint32, tables []catalog.OID) (map[uint32]bool, error) {
	q, mine := i.locks.join(pids, tables)
	if mine {
		// Others wait for the answer too, so it does not end with ctx.
		go i.locks.put(q, i.askLocks)
	}
	select {
	case <-q.done:
		return q.held, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askLocks reads which of the backends hold a lock on one of the tables.
func (i *Instance) askLocks(q *lockQuestion) (map[uint32]bool, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(i.cfg.DrainLimit, time.Second))
	defer cancel()
	rows, err := pool.Query(ctx, `
		SELECT DISTINCT pid FROM pg_catalog.pg_locks
		WHERE locktype = 'relation' AND granted AND pid = ANY($1::pg_catalog.int4[]) AND relation = ANY($2::pg_catalog.oid[])
		  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`,
		signed(q.pids), numbers(q.tables))
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_locks: %w", err)
	}
	held := make(map[uint32]bool)
	var pid int32
	_, err = pgx.ForEachRow(rows, []any{&pid}, func() error {
		held[uint32(pid)] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read pg_locks: %w", err)
	}
	// A session whose statement waited behind the DDL has got its lock after it: it is not being drained. While the
	// epoch has not moved, read after the locks were, the DDL is not done, and cannot be before the locks are gone.
	epoch, err := store.LoadEpoch(ctx, pool)
	if err != nil {
		return nil, err
	}
	if epoch != i.serving() {
		return nil, nil
	}
	return held, nil
}
