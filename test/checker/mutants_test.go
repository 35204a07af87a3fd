package checker_test

import (
	"context"
	"slices"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/proof"
)

func TestWithoutAnyOneGuardAnAnomalyIsFound(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if err := checker.Prepare(context.Background(), url); err != nil {
		t.Fatal(err)
	}
	for _, m := range checker.Mutants() {
		t.Run(string(m.Guard), func(t *testing.T) {
			t.Parallel()
			guarded, err := m.Play(context.Background(), url, true)
			if err != nil {
				t.Fatalf("with the guard: %v", err)
			}
			for _, a := range guarded {
				t.Errorf("with the guard: %s", a)
			}
			mutated, err := m.Play(context.Background(), url, false)
			if err != nil {
				t.Fatalf("without the guard: %v", err)
			}
			if !slices.ContainsFunc(mutated, func(a proof.Anomaly) bool { return a.Kind == m.Want }) {
				t.Errorf("without the guard: should be found that %s (%s); found was %v", m.What, m.Want, mutated)
			}
		})
	}
}
