package checker

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
)

// A table is a Shape in a database, with where it stands.
type table struct {
	*Shape
	compiled *change.Compiled
	beside   *change.Compiled // of a shape that is Paired

	// gate is held by transactions of versions while they run, and by transitions that change what names mean. What is past
	// the proxy knows no gate.
	gate  sync.RWMutex
	state atomic.Pointer[state]
	fresh *atomic.Int64 // keys of new rows
	done  atomic.Int64  // operations of all clients
	keys  int64         // rows 1 to keys are there from the start, and never deleted

	sparing  *atomic.Bool // clients correct rows for which up cannot be computed, and make no others
	lenience *lenience    // of a shape that defers
}

// A state is what clients have to know to write statements. It is replaced, never changed.
type state struct {
	phase  phase
	lens   proof.Lens
	name   string  // of the table; empty: the shape's
	serves [2]bool // versions that may be used

	replaced chan struct{} // closed when there is a newer one
}

// enter makes it known that the change is in a phase.
func (t *table) enter(p phase) {
	s := &state{phase: p, lens: t.lens(p), replaced: make(chan struct{})}
	s.serves[proof.Old] = p < contracted || p == withdrawn
	s.serves[proof.New] = p >= served && p != withdrawn
	if last := t.state.Swap(s); last != nil {
		close(last.replaced)
	}
}

// writer is a writer of one side as things stand.
func (t *table) writer(side proof.Side, form Form) writer {
	now := t.state.Load()
	return writer{shape: t.Shape, change: t.compiled, table: t.table(), lens: now.lens, filled: now.phase >= served && now.phase != withdrawn,
		side: side, form: form, beside: t.noted(now.phase)}
}

// table is what the table is called now.
func (t *table) table() string {
	if s := t.state.Load(); s != nil && s.name != "" {
		return s.name
	}
	return t.Shape.table()
}

// key is the key of a row that was there from the start. Few rows are written by many, others seldom.
func (t *table) key(r *rand.Rand) int64 {
	if r.IntN(2) == 0 {
		return 1 + int64(r.IntN(3))
	}
	return 1 + r.Int64N(t.keys)
}
