package proof

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Outcome of an operation, for who asked for it.
type Outcome int

const (
	Unknown    Outcome = iota // no answer came: the connection was lost
	Committed                 // the transaction was acknowledged
	RolledBack                // by the client, or by the server after the operation had succeeded
	Failed                    // the server rejected it
)

// An Op is one statement of a client.
type Op struct {
	ID      int64
	Session string // who, and in which role
	Rule    string
	Side    Side   // the version of the client; past the proxy, the side that it knows
	Text    string // the statement

	// Effect is what the operation means for one row of Rule: the side's new values from those that it has. Both are nil where
	// there is no row. An operation that writes nothing has none. For rows of other rules see Cascade.
	Effect func(id string, before Tuple) Tuple
	// Cascade is what the operation means for rows of another rule, which foreign keys reach. The values are those of the old
	// side. nil: nothing that a version sees may change there.
	Cascade func(rule, id string, before Tuple) Tuple

	// Excluded says that a row that is there gets what Effect gives as a new row had it, after the triggers for new rows.
	Excluded bool
	// Untriggered says that the user's triggers have not fired for it.
	Untriggered bool

	Begun   time.Duration // when the snapshot that it sees can have been taken, at the earliest
	Ended   time.Duration // when its transaction was known to have ended
	Outcome Outcome
	Code    string   // SQLSTATE, when it has Failed
	Error   string   // the message with it
	Allowed []string // SQLSTATEs that are no anomaly for it, beside those that every client must be prepared for
	Rows    int64    // rows that the server says it wrote, -1 if that is not known
	Reads   []Read
	All     bool // Reads are all rows of the table, after the last write
	Blind   bool // how it prints what it reads depends on its session, so that nothing follows from it
}

// A Read is one row as the client of an operation saw it.
type Read struct {
	ID    string
	Tag   string // TagColumn of the row
	Tuple Tuple  // of the side of the operation
	Own   bool   // a row that its own transaction has written
}

// A History is what the clients did. It is safe for concurrent use until it is proved.
type History struct {
	start time.Time
	last  atomic.Int64
	mu    sync.Mutex
	ops   map[int64]*Op
}

// NewHistory starts the clock.
func NewHistory() *History { return &History{start: time.Now(), ops: map[int64]*Op{}} }

// Now is the time since the history began.
func (h *History) Now() time.Duration { return time.Since(h.start) }

// Number is the number for an operation that is to be added.
func (h *History) Number() int64 { return h.last.Add(1) }

// Add puts in an operation that has ended. It is not changed afterwards.
func (h *History) Add(ops ...*Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, op := range ops {
		h.ops[op.ID] = op
	}
}

// Len is the number of operations.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// Summary counts what became of the operations.
func (h *History) Summary() string {
	count := map[string]int{}
	for _, op := range h.inOrder() {
		what := [...]string{"unknown", "committed", "rolled back", op.Code}[op.Outcome]
		count[what]++
	}
	out := fmt.Sprintf("%d operations:", h.Len())
	for _, what := range slices.Sorted(maps.Keys(count)) {
		out += fmt.Sprintf(" %s %d", what, count[what])
	}
	return out
}

// inOrder returns the operations by number.
func (h *History) inOrder() []*Op {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Op, 0, len(h.ops))
	for _, op := range h.ops {
		out = append(out, op)
	}
	slices.SortFunc(out, func(a, b *Op) int { return int(a.ID - b.ID) })
	return out
}
