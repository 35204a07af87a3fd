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
	many  = flag.Int("shapes", 8, "tables, each of another shape")
)

func TestHistoriesOfRandomChangesHaveNoAnomaly(t *testing.T) {
	t.Parallel()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d -steps %d -shapes %d", s, *steps, *many)
	shapes := checker.Shapes()
	rand.New(rand.NewPCG(s, 0)).Shuffle(len(shapes), func(i, j int) { shapes[i], shapes[j] = shapes[j], shapes[i] })
	run := &checker.Run{URL: pgtest.Database(t), Seed: s, Shapes: shapes[:min(*many, len(shapes))], Steps: *steps, Rows: 200, Log: t.Logf}
	found, summary, err := run.Do(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(summary)
	for _, a := range proof.Samples(found) {
		t.Error(a)
	}
	if len(found) > 0 {
		t.Errorf("%d anomalies; the seed makes the same choices again", len(found))
	}
}
