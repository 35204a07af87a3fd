package proxy

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// bindingMemory is what all long texts that are bound at one time may take, in bytes, by what is estimated of each. One
	// that needs more by itself is bound alone.
	bindingMemory = 256 << 20
	memoryUnit    = 1 << 20

	// muchMemory, in bytes, is worth giving back to the system at once. The runtime would keep it for minutes.
	muchMemory = 16 << 20
	giveBack   = 5 * time.Second // after the text was bound: another may follow
)

// memory bounds what the binding of long texts takes, and gives it back soon after. It is safe for concurrent use.
type memory struct {
	next  chan struct{} // held by the one that takes: two that have a part each would wait for each other
	units chan struct{}

	after   time.Duration
	free    func()
	pending atomic.Bool // free is about to be called
}

func newMemory() *memory {
	return &memory{
		next: make(chan struct{}, 1), units: make(chan struct{}, bindingMemory/memoryUnit),
		after: giveBack, free: debug.FreeOSMemory,
	}
}

// take waits for so many bytes, in the order of who came first, and leaves it to the binding to free them; false when the
// binding was stopped.
func (m *memory) take(bytes int, w *binding) bool {
	if !w.until(m.next) {
		return false
	}
	defer func() { <-m.next }()
	n := 0
	put := func() {
		for range n {
			<-m.units
		}
	}
	for want := min((bytes+memoryUnit-1)/memoryUnit, cap(m.units)); n < want; n++ {
		if !w.until(m.units) {
			put()
			return false
		}
	}
	w.free = func() {
		put()
		if bytes >= muchMemory {
			m.giveBack()
		}
	}
	return true
}

// giveBack has memory that is not in use go back to the system soon, once for all that ask for it until then.
func (m *memory) giveBack() {
	if m.pending.CompareAndSwap(false, true) {
		time.AfterFunc(m.after, func() {
			m.pending.Store(false)
			m.free()
		})
	}
}
