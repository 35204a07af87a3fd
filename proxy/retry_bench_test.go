package proxy

import (
	"context"
	"testing"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// BenchmarkKeepAGroup is what keeping a group costs beside its handling: some 0.1 µs of processor time, and no memory. A
// round trip takes tens of microseconds.
func BenchmarkKeepAGroup(b *testing.B) {
	srv := new(Server)
	srv.cfg.CatchUp = func(ctx context.Context) error { return nil }
	srv.epoch.Store(&epoch{binder: new(rewrite.Binder), live: true})
	s := &session{srv: srv}
	s.queue.init(wire.Idle, prepared.Reading{})
	group := messages(bind("", "stmtcache_1", []byte("12345")), describePortal(""), execute(""), syncMsg())
	b.ReportAllocs()
	for b.Loop() {
		err := frames(group, func(f wire.Frame) error {
			s.frame = f
			return s.keep()
		})
		if err != nil || s.queue.retry.state != retryKept {
			b.Fatal("the group is not kept")
		}
		s.queue.retry.answered(wire.BindComplete, verdict{})
	}
}
