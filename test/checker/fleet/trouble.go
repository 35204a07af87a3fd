package fleet

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Trouble says when what happens to clients may be due to a fault, or to sessions that a transition ends. It is safe for
// concurrent use. Times are those of the crew.
type trouble struct {
	now func() time.Duration

	mu     sync.Mutex
	faults period
	ending period // of sessions
	frozen period // instances that may not have heard of a transition
}

// A period is a time in which something is the case, the last one and those that are not over.
type period struct {
	active int
	last   time.Duration // its end
}

func (p *period) since(began time.Duration) bool {
	return p.active > 0 || p.last > 0 && began <= p.last
}

func (t *trouble) begin(p *period) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.active++
}

func (t *trouble) end(p *period) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.active--
	p.last = t.now()
}

// gone are what is said of names that are not there: undefined_column, undefined_table. A frozen instance has not heard of new ones,
// and a version that has ended has none.
var gone = []string{"42703", "42P01"}

// ended are what sessions hear of a version that ends: they are ended, are not let in, or are told by their next statement.
var ended = []string{"57P01", "57P03", "22023"}

// excuses says whether an error is no anomaly for an operation that began then; an empty code is a connection that was lost.
// Instances that live promise no error, so there is no excuse where nothing has happened.
func (t *trouble) excuses(code string, began time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(gone, code) {
		return t.frozen.since(began) || t.ending.since(began)
	}
	if t.ending.since(began) && (code == "" || slices.Contains(ended, code)) {
		return true
	}
	// What an instance says when it has lost touch with the server, and the server when it ends or starts.
	return t.faults.since(began) && (code == "" || code == "53300" || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57"))
}
