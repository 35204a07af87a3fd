package checker_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/proof"
)

var (
	seed  = flag.Uint64("seed", 0, "seed of the choices; 0: a new one each time")
	steps = flag.Int("steps", 8, "transitions of each table")
)

func TestHistoriesOfRandomChangesHaveNoAnomaly(t *testing.T) {
	t.Parallel()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d -steps %d", s, *steps)
	run := &checker.Run{URL: pgtest.Database(t), Seed: s, Shapes: checker.Shapes(), Steps: *steps, Rows: 200, Log: t.Logf}
	found, ops, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations", ops)
	for _, a := range proof.Samples(found) {
		t.Error(a)
	}
	if len(found) > 0 {
		t.Errorf("%d anomalies; -seed %d makes the same choices again", len(found), s)
	}
}
