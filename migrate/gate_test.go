package migrate

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A recorder is a Traffic that writes down what it is told.
type recorder struct {
	Traffic
	mu   sync.Mutex
	log  []string
	hold func(context.Context) error
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, s)
}

func (r *recorder) Hold(ctx context.Context, _ []catalog.OID, _ HoldsLock) error {
	r.note("hold")
	return r.hold(ctx)
}
func (r *recorder) Open(s *rules.Snapshot)  { r.note("open " + string(rune('0'+s.Epoch))) }
func (r *recorder) Suspend(*Outage)         { r.note("suspend") }
func (r *recorder) End(*Ending)             { r.note("end") }
func (r *recorder) Sessions() []SessionInfo { return nil }
func (r *recorder) Uses() []UseCount        { return nil }

func (r *recorder) said() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.log...)
}

// A keeperTest runs a gatekeeper without a database: what it acknowledges fails after it may have been written.
type keeperTest struct {
	t        *testing.T
	recorder *recorder
	keeper   *gatekeeper
	lease    time.Duration
}

func newKeeperTest(t *testing.T, lease time.Duration, hold func(context.Context) error) *keeperTest {
	r := &recorder{hold: hold}
	i := &Instance{cfg: Config{Lease: lease, DrainLimit: lease / 4}, traffic: r, log: hclog.NewNullLogger()}
	i.keeper = newGatekeeper(i)
	k := &keeperTest{t: t, recorder: r, keeper: i.keeper, lease: lease}
	ctx, cancel := context.WithCancel(context.Background())
	opened, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		i.keeper.run(ctx, k.seen(1, 0, 0), opened)
	}()
	<-opened
	t.Cleanup(func() { cancel(); <-ended })
	return k
}

// snapshots are those of each epoch; the same epoch is the same snapshot.
var snapshots = []*rules.Snapshot{{Epoch: 0}, {Epoch: 1}, {Epoch: 2}, {Epoch: 3}}

// seen is an observation of an epoch, and of a gate that is open for so long when attempt is not 0.
func (k *keeperTest) seen(epoch, attempt int64, left time.Duration) *observation {
	o := &observation{begun: time.Now(), renewed: true, snap: snapshots[epoch], state: &store.State{Epoch: epoch, Registered: true}}
	if attempt != 0 {
		now := time.Now()
		until := now.Add(left)
		o.state.Transition = &store.Transition{Gate: store.Gate{Attempt: attempt, Until: &until}, Now: now}
	}
	return o
}

func (k *keeperTest) expect(want ...string) {
	k.t.Helper()
	pgtest.Eventually(k.t, func() bool { return cmp.Equal(k.recorder.said(), want) || len(k.recorder.said()) > len(want) }, "what the traffic is told")
	if diff := cmp.Diff(want, k.recorder.said()); diff != "" {
		k.t.Fatalf("what the traffic was told (-want +got):\n%s", diff)
	}
}

func drained(context.Context) error { return nil }

func inFlight(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestTheGatekeeperOpensWhenItReadsThatTheAttemptIsOver(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	k.keeper.observe(k.seen(1, 5, time.Minute))
	k.expect("open 1", "hold")
	k.keeper.observe(k.seen(1, 5, time.Minute)) // nothing new
	k.keeper.observe(k.seen(2, 0, 0))
	k.expect("open 1", "hold", "open 2")
}

func TestTheGatekeeperGivesTheNextAttemptItsOwnHold(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	k.keeper.observe(k.seen(1, 5, time.Minute))
	k.expect("open 1", "hold")
	k.keeper.observe(k.seen(1, 6, time.Minute))
	k.expect("open 1", "hold", "open 1", "hold")
}

func TestTheGatekeeperThatAcknowledgedNothingOpensAtTheEndOfTheAttempt(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, inFlight)
	k.keeper.observe(k.seen(1, 5, 20*time.Millisecond))
	k.expect("open 1", "hold", "open 1")
	k.keeper.observe(k.seen(1, 5, time.Minute)) // it does not hold for the same attempt again
	k.keeper.observe(k.seen(2, 0, 0))
	k.expect("open 1", "hold", "open 1", "open 2")
}

func TestTheGatekeeperThatMayHaveAcknowledgedStaysClosedWhileItCannotWithdraw(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	// Without a database the acknowledgement may or may not have been written, and no withdrawal succeeds.
	k.keeper.observe(k.seen(1, 5, 10*time.Millisecond))
	k.expect("open 1", "hold")
	k.keeper.observe(k.seen(1, 5, 0))
	k.keeper.expired() // something to wait for
	k.expect("open 1", "hold", "suspend")
	k.keeper.observe(k.seen(2, 0, 0))
	k.expect("open 1", "hold", "suspend", "open 2")
}

func TestTheGatekeeperSuspendsWhenItsLeaseRunsOutAndOpensAtTheNextRead(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	last := func() { // a read after which the lease runs out soon
		o := k.seen(1, 0, 0)
		o.begun = time.Now().Add(50*time.Millisecond - time.Minute)
		k.keeper.observe(o)
	}
	last()
	k.expect("open 1", "suspend")
	late := k.seen(1, 0, 0)
	late.begun = time.Now().Add(-time.Hour) // it took longer than the lease
	k.keeper.observe(late)
	unrenewed := k.seen(1, 0, 0)
	unrenewed.renewed = false // the row is locked by a leader
	k.keeper.observe(unrenewed)
	k.keeper.expired()
	k.keeper.observe(k.seen(1, 0, 0))
	k.expect("open 1", "suspend", "open 1")
	last()
	k.expect("open 1", "suspend", "open 1", "suspend")
}

func TestTheGatekeeperOpensAGateThatItCouldNotOpenInTime(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	k.keeper.observe(k.seen(1, 5, time.Minute))
	k.expect("open 1", "hold")
	late := k.seen(1, 0, 0)
	late.begun = time.Now().Add(-time.Hour)
	k.keeper.observe(late)
	k.expect("open 1", "hold", "suspend")
	k.keeper.observe(k.seen(1, 0, 0))
	k.expect("open 1", "hold", "suspend", "open 1")
}

func TestTheGatekeeperHoldsWhatCannotBeServed(t *testing.T) {
	t.Parallel()
	k := newKeeperTest(t, time.Minute, drained)
	broken := k.seen(1, 0, 0)
	broken.snap, broken.broken = nil, &Outage{Kind: WrongNames, Reason: "a column is missing"}
	k.keeper.observe(broken)
	k.expect("open 1", "suspend")
	k.keeper.observe(k.seen(2, 0, 0))
	k.expect("open 1", "suspend", "open 2")
}
