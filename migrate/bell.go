package migrate

import (
	"context"
	"sync"
	"time"
)

// A bell wakes one goroutine that waits on a connection, where no select can be used. It is safe for concurrent use.
// A ring while nobody waits is kept for the next wait.
type bell struct {
	mu     sync.Mutex
	rung   bool
	cancel context.CancelFunc // of the wait under way
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung = true
	if b.cancel != nil {
		b.cancel()
	}
}

// wait runs f with a context that ends when the bell is rung, or limit is over, or ctx ends.
func (b *bell) wait(ctx context.Context, limit time.Duration, f func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	b.mu.Lock()
	if b.rung {
		b.rung = false
		b.mu.Unlock()
		return
	}
	b.cancel = cancel
	b.mu.Unlock()
	f(ctx)
	b.mu.Lock()
	b.cancel, b.rung = nil, false
	b.mu.Unlock()
}

// A broadcast tells any number of waiting goroutines that something has changed. It is safe for concurrent use.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed at the next call of send. Take it before looking at what may change.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
