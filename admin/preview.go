package admin

import (
	"cmp"
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/seguedb/segue/internal/threadcpu"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// preview keeps the binder of the last snapshot, so that its prefilter is compiled once.
type preview struct {
	mu     sync.Mutex
	binder *rewrite.Binder
	long   chan struct{} // a value while a long text is bound
}

const (
	previewCache = 1 << 20 // bounds the texts that previews keep, in bytes: they are typed by hand
	longPreview  = 8 << 10 // bytes of a text that waits for others like it
)

func (p *preview) of(snap *rules.Snapshot, o rewrite.Options) *rewrite.Binder {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.binder == nil || p.binder.Snapshot() != snap {
		o.CacheBytes, o.Stats = previewCache, nil
		p.binder = rewrite.NewBinder(snap, o)
	}
	return p.binder
}

// turn waits until no other long text is bound, so that previews take no more than one processor from sessions, and no more
// memory than one text needs.
func (p *preview) turn(ctx context.Context, size int) (release func(), err error) {
	if size < longPreview {
		return func() {}, nil
	}
	select {
	case p.long <- struct{}{}:
		return func() { <-p.long }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// previewWork bounds what the pieces of a text may take together. It is for one goroutine, which it keeps on its thread.
type previewWork struct {
	ctx   context.Context
	limit time.Duration
	start time.Duration // of the thread
	why   *rewrite.Error
}

var _ rewrite.Work = (*previewWork)(nil)

func beginPreview(ctx context.Context, o rewrite.Options) *previewWork {
	runtime.LockOSThread()
	return &previewWork{ctx: ctx, limit: cmp.Or(o.BindCPU, rewrite.DefaultBindCPU), start: threadcpu.Now()}
}

func (w *previewWork) end() { runtime.UnlockOSThread() }

// Postpones implements rewrite.Work.
func (w *previewWork) Postpones() bool { return false }

// Begin implements rewrite.Work.
func (w *previewWork) Begin(int) *rewrite.Error { return w.Stopped() }

// Needs implements rewrite.Work.
func (w *previewWork) Needs(int) *rewrite.Error { return nil }

// Spent implements rewrite.Work.
func (w *previewWork) Spent(string) *time.Duration { return nil }

// Stopped implements rewrite.Work.
func (w *previewWork) Stopped() *rewrite.Error {
	switch {
	case w.why != nil:
	case w.ctx.Err() != nil:
		w.why = rewrite.Cancelled("57014", "canceling statement due to user request")
	case threadcpu.Now()-w.start > w.limit:
		w.why = rewrite.TooCostly(w.limit)
	}
	return w.why
}

// End implements rewrite.Work.
func (w *previewWork) End() {}
