package migrate

import "sync"

// refreshes are the requests to read the catalog again. Each is answered by a read that was begun after it, once the
// snapshot of that read is in force. It is safe for concurrent use.
type refreshes struct {
	mu      sync.Mutex
	asked   bool
	waiting []func()
}

// ask requests a read; known, which may be nil, is called when its outcome is in force.
func (r *refreshes) ask(known func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = true
	if known != nil {
		r.waiting = append(r.waiting, known)
	}
}

// take hands the requests to a read that is about to begin.
func (r *refreshes) take() (asked bool, waiting []func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked, waiting = r.asked, r.waiting
	r.asked, r.waiting = false, nil
	return asked, waiting
}

// again gives back requests of which the read has come to nothing, for the next one.
func (r *refreshes) again(waiting []func()) {
	if len(waiting) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked, r.waiting = true, append(waiting, r.waiting...)
}
