package bench

import (
	"context"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
)

// proxyBefore starts a proxy before a database, until the benchmark ends.
func proxyBefore(b *testing.B, database string) *serve.Running {
	running, err := serve.Start(b.Context(), serve.Config{Upstream: database, Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := running.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	return running
}
