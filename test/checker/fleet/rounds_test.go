//go:build soak

package fleet_test

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/fleet"
	"github.com/seguedb/segue/test/checker/proof"
)

// Rounds of random faults are run by make soak alone: what they find comes once in many rounds, and says nothing about the change
// that is being tested.
var (
	seed   = flag.Uint64("seed", 0, "seed of the first round's choices; 0: a new one each time")
	rounds = flag.Int("rounds", 10, "migrations, each of another kind than the last one")
	paced  = flag.Duration("pace", 0, "between two things that a client does; 0: they keep a small machine busy, so that rounds take minutes")
	steps  = flag.Int("steps", 8, "what is asked for in each, beside what takes it to its end")
)

func TestNoFaultBreaksAPromise(t *testing.T) {
	t.Parallel()
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	program, server, pairs := build(t), cluster(t), new(fleet.Pairs)
	kinds := checker.Migrations()
	for n := range *rounds {
		s := first + uint64(n)
		m := kinds[s%uint64(len(kinds))]
		t.Logf("round %d: %s, -seed %d -rounds 1 -steps %d -pace %v", n+1, m.Shape(), s, *steps, *paced)
		found, err := (&fleet.Round{Migration: m, Cluster: server, Program: program, Seed: s, Instances: 1 + int(s/8%3+1)/2, Steps: *steps, Rows: 2000, Pace: *paced, Pairs: pairs, Log: t.Logf}).Do(t.Context())
		for _, a := range proof.Samples(found) {
			t.Error(a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d different pairs of step and fault were met:\n%s", pairs.Different(), pairs)
}
