package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// An outdated proxy serves the names from before a rename that was made past it. It learns of the rename only when it is
// asked to catch up.
type outdated struct {
	*running
	asked   atomic.Int32
	catchUp func(context.Context) error
}

// openOutdated starts the proxy with the migration in phase active; rename does the rest.
func openOutdated(t *testing.T, change ...func(*Config)) *outdated {
	t.Helper()
	o := new(outdated)
	o.running = openProxy(t, append(change, func(c *Config) {
		c.CatchUp = func(ctx context.Context) error {
			o.asked.Add(1)
			return o.catchUp(ctx)
		}
	})...)
	o.catchUp = func(context.Context) error {
		o.Open(o.snapshot(2, migration(t, 1, rules.Cutover, surname)))
		return nil
	}
	o.run(people, "CREATE TABLE other (n int)")
	o.phase(1, rules.Active)
	return o
}

// unaware makes catching up bring nothing new.
func (o *outdated) unaware() { o.catchUp = func(context.Context) error { return nil } }

func (o *outdated) rename() { o.run(renameThere) }

// caughtUp checks how often the newest names were asked for.
func (o *outdated) caughtUp(want int32) {
	o.t.Helper()
	if got := o.asked.Load(); got != want {
		o.t.Errorf("the newest names were asked for %d times, want %d", got, want)
	}
}

// retries is how many groups were sent once more.
func (o *outdated) retries() int {
	registry := prometheus.NewRegistry()
	registry.MustRegister(o.metrics.retried)
	families, err := registry.Gather()
	if err != nil {
		o.t.Fatal(err)
	}
	return int(families[0].GetMetric()[0].GetCounter().GetValue())
}

func (o *outdated) retried(want int) {
	o.t.Helper()
	if got := o.retries(); got != want {
		o.t.Errorf("%d groups were sent once more, want %d", got, want)
	}
}

// loginBase opens a session of version base.
func (r *running) loginBase() *wiretest.Client {
	r.t.Helper()
	return r.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
}

// hears has the client take a step, and shows what comes.
func hears(c *wiretest.Client, st step) (heard []string) {
	c.T.Helper()
	c.Say(st.send)
	for _, kind := range []byte(st.until) {
		for {
			f, err := c.Next()
			if err != nil {
				c.T.Fatalf("waiting for %q after %v: %v", kind, heard, err)
			}
			heard = append(heard, said(f))
			if f.Type == kind {
				break
			}
		}
	}
	return heard
}

// slow makes catching up wait until go is called, or it is given up.
func (o *outdated) slow() (began <-chan struct{}, goOn func()) {
	start, proceed := make(chan struct{}), make(chan struct{})
	next := o.catchUp
	o.catchUp = func(ctx context.Context) error {
		close(start)
		select {
		case <-proceed:
			return next(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var once sync.Once
	goOn = func() { once.Do(func() { close(proceed) }) }
	o.t.Cleanup(goOn)
	return start, goOn
}

// retriedSoon waits until a group is being sent once more. While it is not decided its session counts as held.
func (o *outdated) retriedSoon() {
	o.t.Helper()
	pgtest.Eventually(o.t, func() bool { return o.retries() == 1 }, "a group is sent once more")
}
