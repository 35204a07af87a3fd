package fleet_test

import (
	"context"
	"slices"
	"testing"

	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/fleet"
	"github.com/seguedb/segue/test/checker/proof"
)

// TestWhatIsBrokenIsFound breaks a promise on purpose, while nothing else is wrong.
func TestWhatIsBrokenIsFound(t *testing.T) {
	t.Parallel()
	program, server := build(t), cluster(t)
	for _, m := range []struct {
		what   string
		want   proof.Kind
		meddle func(ctx context.Context, r *fleet.Round) error
	}{
		{"a write is acknowledged that nobody has made", proof.LostWrite, func(_ context.Context, r *fleet.Round) error {
			r.Crew().Pretend()
			return nil
		}},
		{"somebody takes the triggers away that keep the sides in step", proof.WrongError, func(ctx context.Context, r *fleet.Round) error {
			return r.Exec(ctx, "ALTER TABLE "+r.Crew().Here()+" DISABLE TRIGGER ALL")
		}},
	} {
		t.Run(m.what, func(t *testing.T) {
			found, err := (&fleet.Round{
				Migration: checker.Migrations()[0], Cluster: server, Program: program, Seed: 1, Instances: 1, Rows: 200,
				Pairs: new(fleet.Pairs), Log: t.Logf, Calm: true, Forth: true, Meddle: m.meddle,
			}).Do(t.Context())
			if !slices.ContainsFunc(found, func(a proof.Anomaly) bool { return a.Kind == m.want }) {
				t.Errorf("found was %v, %v, and not that %s", proof.Samples(found), err, m.what)
			}
		})
	}
}
