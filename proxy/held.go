package proxy

import "sync"

// held tells whether the session's statement waits at a gate, or for itself to be bound, and lets others cancel it.
type held struct {
	mu     sync.Mutex
	cancel chan struct{} // nil when nothing is held
}

// begin starts a wait; what it returns is closed when the wait is cancelled.
func (h *held) begin() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cancel = make(chan struct{})
	return h.cancel
}

func (h *held) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cancel = nil
}

func (h *held) is() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cancel != nil
}

// interrupt cancels what is held, and tells whether something was.
func (h *held) interrupt() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel == nil {
		return false
	}
	select {
	case <-h.cancel:
	default:
		close(h.cancel)
	}
	return true
}
